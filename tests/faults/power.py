"""What a disk holds after the power has gone: what was synchronised, and of the rest whatever chance left.

    disk = power.Disk(folder)                      # as it lay there before
    for call in shim.recorded(trace)[:cut]: disk.see(call)
    disk.cut(dice, other_folder)                   # the files as they are found after the cut

The rules are those of a journaling file system without favours: a file's bytes are safe once *it* was synchronised, a
removal or a new name once its *folder* was (or the new file itself); single sectors of an unsynchronised write may
survive without their neighbours.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from peers.shim import Call

SECTOR = 512
_FATES = ("none", "all", "some", "torn", "first")


@dataclass
class Disk:
    """The files of one folder: what is safe of each, and what has been done since."""

    folder: Path
    safe: dict[str, bytes] = field(init=False)
    pending: dict[str, list[Call]] = field(default_factory=dict)
    removed: dict[str, bytes] = field(default_factory=dict)
    """Files whose removal, or replacement by another that was moved there, is not safe yet."""

    def __post_init__(self) -> None:
        """Look at the folder as it lies there."""
        self.safe = {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

    def see(self, call: Call) -> None:
        """Take note of one call."""
        if call.what in {"w", "t"}:
            self.pending.setdefault(call.path, []).append(call)
        elif call.what == "u":
            self.pending.pop(call.path, None)
            if call.path in self.safe:
                self.removed[call.path] = self.safe.pop(call.path)
        elif call.what == "m":
            self._moved(call.path, call.data.decode())
        elif call.what == "f":
            self._synchronised(call.path)

    def cut_clean(self, to: Path) -> None:
        """Write what is left to another folder where nothing outlives the cut that was not synchronised."""
        for path, content in (self.safe | self.removed).items():
            _put(to / Path(path).relative_to(self.folder), content)

    def cut(self, dice: random.Random, to: Path) -> None:
        """Write what is left of every file to another folder."""
        left = dict(self.safe)
        back = {path: content for path, content in self.removed.items() if dice.random() < 0.5}
        for path, calls in self.pending.items():
            if path not in left and dice.random() < 0.5:
                continue  # not even its name was written down
            left[path] = _left(left.get(path, b""), calls, dice)
        for path, content in (left | back).items():
            _put(to / Path(path).relative_to(self.folder), content)

    def _moved(self, source: str, target: str) -> None:
        content = _after(self.safe.pop(source, b""), self.pending.pop(source, []))
        self.pending.pop(target, None)
        if target in self.safe:
            self.removed[target] = self.safe[target]
        self.safe[target] = content

    def _synchronised(self, path: str) -> None:
        if path in self.pending or path in self.safe:
            self.removed.pop(path, None)
            self.safe[path] = _after(self.safe.get(path, b""), self.pending.pop(path, []))
        else:
            self.removed = {name: content for name, content in self.removed.items() if str(Path(name).parent) != path}


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _after(content: bytes, calls: list[Call]) -> bytes:
    changed = bytearray(content)
    for call in calls:
        if call.what == "t":
            del changed[call.offset :]
            changed.extend(bytes(call.offset - len(changed)))
        else:
            changed.extend(bytes(max(0, call.offset - len(changed))))
            changed[call.offset : call.offset + len(call.data)] = call.data
    return bytes(changed)


def _left(content: bytes, calls: list[Call], dice: random.Random) -> bytes:
    fate = dice.choice(_FATES)
    if fate == "none":
        return content
    if fate == "first":
        return _after(content, calls[: dice.randint(0, len(calls))])
    if fate == "some":
        return _after(content, [call for call in calls if dice.random() < 0.5])
    if fate == "torn":
        return _after(content, [piece for call in calls for piece in _sectors(call) if dice.random() < 0.7])
    return _after(content, calls)


def _sectors(call: Call) -> list[Call]:
    if call.what == "t":
        return [call]
    starts = range(0, len(call.data), SECTOR)
    return [Call("w", call.path, call.offset + at, call.data[at : at + SECTOR]) for at in starts]
