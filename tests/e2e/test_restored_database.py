"""A backup is put back: the installed daemon with a real Dovecot sends nothing again, and says why it rests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import outside
import pytest
from outside import Outside

from peers import dovecot, smtp_sink
from peers.patience import until

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow]
PEOPLE = 8
COPIES = ("server", "self", "append")


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running(users={f"julie-{copies}": "secret" for copies in (*COPIES, "none")}) as one:
        yield one


def _csv(first: int, last: int) -> bytes:
    rows = "".join(f"p{n}@there.example,Ann{n}\r\n" for n in range(first, last))
    return f"email,first_name\r\n{rows}".encode()


@contextmanager
def _opened(root: Path, server: dovecot.Dovecot, user: str, copies: str) -> Iterator[Outside]:
    """A workspace whose server files copies as a provider does, or as a copy to ourselves arrives."""
    with outside.opened(root, server.port, gap="40 days", more=f'sent_copy = "{copies}"') as desk:
        path = root / "cadenced.toml"
        path.write_text(path.read_text().replace('username = "julie"', f'username = "{user}"'))

        def file(message: smtp_sink.Accepted) -> None:
            if copies == "server":
                server.deliver(message.raw, "Sent", user)
            if "julie@abc.example" in message.recipients:
                server.deliver(message.raw, "INBOX", user)

        desk.sink.on_accept = file
        yield desk


def _sent(desk: Outside) -> dict[str, int]:
    """How many mails each prospect got."""
    counts: dict[str, int] = {}
    for one in desk.sink.accepted:
        for address in one.recipients:
            counts[address] = counts.get(address, 0) + (address != "julie@abc.example")
    return {address: count for address, count in counts.items() if count}


def _let_send(desk: Outside, first: int, last: int) -> None:
    desk.start()
    desk.drop(f"{first}.csv", _csv(first, last))
    until(lambda: len(_sent(desk)) == last)
    wanted = f"p{last - 1}@there.example"
    until(lambda: any(e["event"] == "sent" for e in desk.show(wanted)["timeline"]))
    assert desk.stop() == 0


def _database(root: Path) -> list[Path]:
    return sorted(root.glob("cadenced.db*"))


@pytest.mark.parametrize("copies", ["server", "append"])
def test_a_backup_put_back_sends_nothing_again_and_says_why_it_rests(
    tmp_path: Path, server: dovecot.Dovecot, copies: str
) -> None:
    _put_back(tmp_path, server, copies, keeps_file=True)


def test_without_the_file_beside_it_the_copies_give_the_backup_away(tmp_path: Path, server: dovecot.Dovecot) -> None:
    _put_back(tmp_path, server, "self", keeps_file=False)


def _put_back(root: Path, server: dovecot.Dovecot, copies: str, *, keeps_file: bool) -> None:
    with _opened(root, server, f"julie-{copies}", copies) as desk:
        before = _make_history(desk, keeps_file=keeps_file)
        desk.start()
        page = until(lambda: (found := json.loads(desk.run("status", "--json").stdout))["restored"] and found)
        assert page["mailboxes"][0]["hold"].startswith("an older database was put back")
        until(lambda: len(_known(desk)) == PEOPLE)
        assert until(lambda: _restored(desk)["found"]) <= PEOPLE - 3
        _is_told(desk)
        assert _sent(desk) == before
        desk.run("release", "--restored")
        assert _restored(desk) is None
        _goes_on(desk)


def _make_history(desk: Outside, *, keeps_file: bool) -> dict[str, int]:
    """Send, put the database of an earlier moment back, and return who got how many."""
    (backup := desk.root / "backup").mkdir()
    _let_send(desk, 0, 3)
    for file in _database(desk.root):
        shutil.copy(file, backup / file.name)
    _let_send(desk, 3, PEOPLE)
    mark = json.loads((desk.root / "instance.json").read_text())
    assert (mark["boot_counter"], mark["last_send_seq"]) == (2, PEOPLE)
    assert _restored(desk) is None  # a database of its own age starts as ever
    for file in _database(desk.root):
        file.unlink()
    for file in backup.iterdir():
        shutil.copy(file, desk.root / file.name)
    if not keeps_file:
        (desk.root / "instance.json").unlink()
    (desk.root / "inbox" / "done" / "3.csv").rename(desk.root / "inbox" / "3.csv")  # what the backup has not seen yet
    return _sent(desk)


def _is_told(desk: Outside) -> None:
    for words in (("status",), ("today",), ("why", "p5@there.example")):
        assert "cadenced release --restored" in desk.run(*words).stdout
    until(lambda: _restored(desk)["found"] == PEOPLE - 3)


def _goes_on(desk: Outside) -> None:
    """Whoever has not been written to is; nobody is twice."""
    desk.drop("new.csv", _csv(PEOPLE, PEOPLE + 1))
    until(lambda: len(_sent(desk)) == PEOPLE + 1)
    for email in ("p0@there.example", "p5@there.example"):
        until(lambda email=email: desk.show(email)["enrolments"][-1]["step"] == "two")
    assert set(_sent(desk).values()) == {1}
    desk.run("audit")


def _restored(desk: Outside) -> Any:
    return json.loads(desk.run("status", "--json").stdout)["restored"]


def _known(desk: Outside) -> list[int]:
    return list(range(json.loads(desk.run("status", "--json").stdout)["prospects"]))


def test_where_nobody_files_copies_a_missing_file_holds(tmp_path: Path, server: dovecot.Dovecot) -> None:
    with _opened(tmp_path, server, "julie-none", "none") as desk:
        _let_send(desk, 0, 2)
        (tmp_path / "instance.json").unlink()
        desk.drop("more.csv", _csv(2, 4))
        desk.start()
        until(lambda: _restored(desk))
        until(lambda: len(_known(desk)) == 4)
        assert len(_sent(desk)) == 2
        desk.run("release", "julie")
        until(lambda: len(_sent(desk)) == 4)
