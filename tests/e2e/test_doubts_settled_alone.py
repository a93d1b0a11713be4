"""Doubts that the installed daemon settles by itself: a real Dovecot, and a server that breaks off at the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import outside
import pytest
from outside import Outside

from peers import dovecot, smtp_sink
from peers.patience import until

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow]
OURS = "julie@abc.example"
ANN = "ann@there.example"
SAFETY = 'fence_age = "30 s"\narm_ttl = "3 s"\nquiet = "5 s"\nsent_lag = "4 s"\ncalibration = 3'


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running(users={f"julie{n}": "secret" for n in range(8)}) as one:
        yield one


@pytest.fixture
def desk(tmp_path: Path, server: dovecot.Dovecot, request: pytest.FixtureRequest) -> Iterator[Outside]:
    copies, user = request.param
    with outside.opened(tmp_path, server.port, gap="40 days", more=f'sent_copy = "{copies}"', safety=SAFETY) as one:
        path = tmp_path / "cadenced.toml"
        path.write_text(path.read_text().replace('username = "julie"', f'username = "{user}"'))

        def file(message: smtp_sink.Accepted) -> None:
            if copies == "server":
                server.deliver(message.raw, "Sent", user)
            if OURS in message.recipients:
                server.deliver(message.raw, "INBOX", user)

        one.sink.on_accept = file
        one.start()
        one.drop("begin.csv", _csv(*(f"p{n}@there.example" for n in range(4))))
        until(lambda: len(one.sink.accepted) == 4)
        yield one


def _csv(*emails: str) -> bytes:
    return "".join(["email,first_name\r\n", *(f"{email},Ann\r\n" for email in emails)]).encode()


def _to_ann(desk: Outside) -> int:
    return sum(ANN in one.recipients for one in desk.sink.accepted)


def _events(desk: Outside) -> list[str]:
    shown = desk.run("show", ANN, "--json", code=None)
    if shown.returncode:  # not yet imported
        return []
    return [str(one["event"]) for one in json.loads(shown.stdout)["timeline"]]


@pytest.mark.parametrize("desk", [("server", "julie0"), ("self", "julie1")], indirect=True)
def test_a_mail_that_never_arrived_leaves_again_by_itself(desk: Outside) -> None:
    desk.sink.plan("payload", smtp_sink.Close(after=100))
    desk.drop("ann.csv", _csv(ANN))
    until(lambda: "unanswered" in _events(desk))
    until(lambda: _to_ann(desk))
    until(lambda: "sent" in _events(desk))
    assert json.loads(desk.run("status", "--json").stdout)["in_doubt"] == 0
    assert _to_ann(desk) == 1
    told = [one for one in desk.show(ANN)["timeline"] if one["event"] == "doubt_settled"]
    assert "two searches of every folder" in told[0]["evidence"]
    desk.run("audit")


@pytest.mark.parametrize("desk", [("self", "julie3")], indirect=True)
def test_a_mail_that_was_taken_without_an_answer_is_found_and_not_sent_again(desk: Outside) -> None:
    desk.sink.plan("dot", smtp_sink.Take(smtp_sink.Close()))
    desk.drop("ann.csv", _csv(ANN))
    until(lambda: "sent" in _events(desk))
    assert _to_ann(desk) == 1
    assert json.loads(desk.run("status", "--json").stdout)["in_doubt"] == 0


@pytest.mark.parametrize("desk", [("server", "julie4")], indirect=True)
def test_killed_before_the_payload_it_is_sent_once_and_killed_after_it_too(desk: Outside) -> None:
    for stage in ("data", "dot"):
        email = f"{stage}@there.example"
        desk.sink.plan(stage, smtp_sink.Hold(answer := smtp_sink.Latch()))
        desk.drop(f"{stage}.csv", _csv(email))
        until(lambda: desk.sink.holding)
        desk.stop(signal.SIGKILL)
        answer.open()
        until(lambda: not desk.sink.open)
        assert sum(email in one.recipients for one in desk.sink.accepted) == (stage == "dot")
        desk.start()
        until(lambda e=email: any(one["event"] == "sent" for one in desk.show(e)["timeline"]))
        assert sum(email in one.recipients for one in desk.sink.accepted) == 1


@pytest.mark.parametrize("desk", [("append", "julie5")], indirect=True)
def test_where_only_we_file_copies_a_human_is_asked(desk: Outside) -> None:
    desk.sink.plan("payload", smtp_sink.Close(after=100))
    desk.drop("ann.csv", _csv(ANN))
    until(lambda: "in_doubt" in _events(desk))
    assert "no server files a copy" in desk.run("today").stdout.replace("\n", " ").replace("  ", " ")
    assert _to_ann(desk) == 0
