"""The drop folder: what lies in it, when it is at rest, and how a file is taken, copied and put away.

Whoever may write into the folder may try anything with names, links and pipes; so a file is judged by what is open, not
by its name, and what is read is a private copy that nobody changes (RELIABILITY 2.4, T27).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cadenced.errors import RefusedError

SPOOL, DONE, FAILED = ".spool", "done", "failed"
TABLES = (".csv", ".txt", ".tsv")
"""Files that are read."""

WRONG_KIND = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".pdf", ".zip", ".gz", ".html", ".htm", ".json")
"""Files that somebody drops in the belief that they are read: they are put into ``failed`` with a cure."""

_CHUNK = 1024 * 1024
_STAGED = ".staged"
_BY_HAND = ".by-hand"
_TARGET = "target"
_COPY = "copy"
_OVER = "over"


class Signature(NamedTuple):
    """What changes when somebody writes to a file."""

    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """A file in the drop folder; ``sequence`` is the folder it lies in."""

    path: Path
    sequence: str
    signature: Signature
    links: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A file that was taken: its own folder in the spool, with the original in it until all is done."""

    folder: Path
    sequence: str
    name: str

    @property
    def original(self) -> Path:
        """Where the file lies while it is worked on."""
        return self.folder / (self.sequence or ".") / self.name

    @property
    def copy(self) -> Path:
        """The private copy that is read."""
        return self.folder / _COPY

    @property
    def staging(self) -> Path:
        """Where its rows wait; it goes with the claim."""
        return self.folder / _STAGED


def scan(inbox: Path) -> Iterator[Found]:
    """Return the files that could be meant for import: visible, regular, not being downloaded."""
    with os.scandir(inbox) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                if not _hidden(entry.name) and entry.name not in {DONE, FAILED}:
                    yield from _files(Path(entry.path), entry.name)
            elif found := _file(entry, ""):
                yield found


def _files(folder: Path, sequence: str) -> Iterator[Found]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if found := _file(entry, sequence):
                yield found


def _file(entry: os.DirEntry[str], sequence: str) -> Found | None:
    if _hidden(entry.name) or not entry.name.lower().endswith((*TABLES, *WRONG_KIND)):
        return None
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return Found(Path(entry.path), sequence, _signature(status), status.st_nlink)


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower().endswith((".tmp", ".part"))


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_ino, status.st_size, status.st_mtime_ns)


def ended(path: Path) -> bool:
    """Whether the last line has an end; OSError where the file cannot be read."""
    with _opened(path) as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(stream.tell() - 4, 0))
        return stream.read().rstrip(b"\x00").endswith((b"\n", b"\r"))


def written(path: Path) -> bool:
    """Whether a process has the file open for writing, as far as the system tells (a read lease is refused then)."""
    with _opened(path) as stream:
        try:
            fcntl.fcntl(stream, fcntl.F_SETSIG, signal.SIGURG)  # a lease that is broken must not end the program
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(stream, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:
            return False  # the file system or the rights do not let us know
    return False


def _opened(path: Path) -> BinaryIO:
    """Open a regular file for reading, never following a link nor waiting for a pipe."""
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        return stream
    stream.close()
    raise OSError(f"{path.name} is not a regular file")


def where_by_hand(inbox: Path) -> Path:
    """Return where rows wait that come by a command, whether it is there or not."""
    return inbox / SPOOL / _BY_HAND


def by_hand(inbox: Path) -> Path:
    """Return the folder in which rows wait that come by a command."""
    inbox.mkdir(parents=True, exist_ok=True)
    _own_folder(inbox / SPOOL, 0o700)
    return _own_folder(where_by_hand(inbox), 0o700)


def report_by_hand(inbox: Path, name: str) -> Path:
    """Return where the report of an import goes that a command did not end."""
    return report_of(_free(_own_folder(inbox / DONE, 0o777), name))


def claim(inbox: Path, found: Found) -> Claimed | None:
    """Take a file out of the folder by renaming it; None where it is no longer what was seen.

    KeptError where its folder does not let it go: it is not ours to write to, or lies on another file system.
    """
    spool = _own_folder(inbox / SPOOL, 0o700)
    claimed = Claimed(_new_folder(spool), found.sequence, found.path.name)
    claimed.original.parent.mkdir(exist_ok=True)
    try:
        found.path.rename(claimed.original)
        status = claimed.original.lstat()
    except FileNotFoundError:
        forget(claimed)
        return None
    except OSError as fault:
        forget(claimed)
        raise KeptError(fault.strerror or str(fault)) from fault
    if _signature(status) == found.signature and status.st_nlink == 1 and stat.S_ISREG(status.st_mode):
        sync_folder(spool)
        return claimed
    give_back(inbox, claimed)
    return None


def _own_folder(folder: Path, mode: int) -> Path:
    """Return one of our folders; OSError where somebody has put a link in its place."""
    is_new = not os.path.lexists(folder)
    folder.mkdir(mode=mode, exist_ok=True)
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder.name} must be a folder of its own, not a link")
    if is_new:
        sync_folder(folder.parent)
    return folder


def _new_folder(spool: Path) -> Path:
    number = max((int(path.name) for path in spool.iterdir() if path.name.isdigit()), default=0) + 1
    folder = spool / f"{number:06}"
    folder.mkdir(mode=0o700)
    return folder


def give_back(inbox: Path, claimed: Claimed) -> None:
    """Put a file back where it was taken from, beside whatever came there in the meantime."""
    _put_back(inbox, claimed)
    forget(claimed)


def _put_back(inbox: Path, claimed: Claimed) -> None:
    place = _free(inbox / claimed.sequence, claimed.name)
    place.parent.mkdir(exist_ok=True)
    claimed.original.rename(place)


def forget(claimed: Claimed) -> None:
    """Remove what is left of a claim."""
    shutil.rmtree(claimed.folder, ignore_errors=True)


def left(inbox: Path) -> Iterator[Claimed]:
    """Return what was claimed before and is not put away yet, oldest first; empty claims are swept away."""
    spool = inbox / SPOOL
    for folder in sorted(spool.glob("[!.]*")) if spool.is_dir() else ():
        claimed = _claimed(folder)
        if claimed is not None:
            yield claimed
        elif folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _claimed(folder: Path) -> Claimed | None:
    """Read from its folder what a claim was: NAME, or SEQUENCE/NAME."""
    for path in folder.glob("[!.]*"):
        if path.is_dir() and not path.is_symlink():
            if inside := next(iter(path.iterdir()), None):
                return Claimed(folder, path.name, inside.name)
        elif path.name.removesuffix(".part") not in {_TARGET, _COPY, _OVER}:
            return Claimed(folder, "", path.name)
    return Claimed(folder, "", _OVER) if (folder / _OVER).exists() else None


def copy(claimed: Claimed) -> Path:
    """Copy the original to where nobody else writes; RefusedError while somebody is still writing it."""
    if claimed.copy.exists():
        return claimed.copy
    part = claimed.copy.with_suffix(".part")
    with _opened(claimed.original) as source, part.open("wb") as target:
        before = os.fstat(source.fileno())
        shutil.copyfileobj(source, target, _CHUNK)
        target.flush()
        after = os.fstat(source.fileno())
        os.utime(target.fileno(), ns=(after.st_atime_ns, after.st_mtime_ns))
        os.fsync(target.fileno())  # its time too, by which ``put_away`` knows that the original has not changed
    if _signature(before) != _signature(after):
        part.unlink()
        raise StillWrittenError
    part.rename(claimed.copy)
    sync_folder(claimed.folder)
    return claimed.copy


class KeptError(RefusedError):
    """The folder in which a file lies does not let it be taken out."""


class StillWrittenError(RefusedError):
    """The file changed while it was copied; it is taken again when it is at rest."""


def reserve(inbox: Path, claimed: Claimed, folder: str) -> Path:
    """Return where the file will stand at the end, chosen once: a name that nothing has yet, nor its report."""
    note = claimed.folder / _TARGET
    if note.exists():
        place = inbox / note.read_text("utf-8")
        _own_folder(place.parent, 0o777)  # somebody may have taken it away meanwhile, or the power
        return place
    place = _free(_own_folder(inbox / folder, 0o777), claimed.name)
    write_whole(note, str(place.relative_to(inbox)).encode())
    return place


def declare_over(claimed: Claimed, import_id: int) -> None:
    """Note that the report is written: whatever happens, only the tidying up is left. 0: there was no import."""
    write_whole(claimed.folder / _OVER, str(import_id).encode())


def over(claimed: Claimed) -> int | None:
    """Return the import that this claim came to, None while its report is not written."""
    note = claimed.folder / _OVER
    return int(note.read_text("utf-8")) if note.exists() else None


def put_away(inbox: Path, claimed: Claimed) -> None:
    """Move the original to its place. What was written to it after the copy goes back to be imported by itself."""
    if not (claimed.folder / _TARGET).exists():
        return
    place = reserve(inbox, claimed, DONE)
    if claimed.name != _OVER and claimed.original.exists():
        changed = claimed.copy.exists() and _content(claimed.original) != _content(claimed.copy)
        if not changed:
            claimed.original.rename(place)
            sync_folder(place.parent)
            return
        _put_back(inbox, claimed)
    if claimed.copy.exists() and not os.path.lexists(place):
        claimed.copy.rename(place)
        sync_folder(place.parent)


def _content(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_size, status.st_mtime_ns


def report_of(place: Path) -> Path:
    """Return where the report of a file stands."""
    return place.with_name(f"{place.name}.report.csv")


def _free(folder: Path, name: str) -> Path:
    """Return a name in ``folder`` that is free, and whose report's name is free: numbered when it has to be."""
    stem, dot, suffix = name.rpartition(".")
    place, number = folder / name, 1
    while os.path.lexists(place) or os.path.lexists(report_of(place)):
        number += 1
        place = folder / (f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}")
    return place


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file so that it is there as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
