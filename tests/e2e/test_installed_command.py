"""The installed command with a real Dovecot: what a salesperson would see of it."""

from __future__ import annotations

import csv
import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import outside
import pytest
from outside import Outside, reply

from peers import dovecot, postgres, smtp_sink
from peers.patience import until

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow]

FRENCH = (
    "Prénom;Nom;E-mail;Société;Langue\r\n"
    "Élodie;Durand;elodie@exemple.example;Dupont SA;fr\r\n"
    "Marc;Petit;marc@autre.example;Autre SARL;fr\r\n"
    "Zoé;Blanc;pas une adresse;Autre;fr\r\n"
)

DSN = """\
From: MAILER-DAEMON@mx.there.example\r
To: julie@abc.example\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <dsn@mx.there.example>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
Your message could not be delivered.\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.there.example\r
\r
Final-Recipient: rfc822; {recipient}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 User unknown\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {message_id}\r
To: {recipient}\r
\r
--b--\r
"""


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


@pytest.fixture
def desk(tmp_path: Path, server: dovecot.Dovecot) -> Iterator[Outside]:
    with outside.opened(tmp_path, server.port) as one:
        yield one


def report_of(desk: Outside, name: str) -> list[dict[str, str]]:
    path = until(lambda: next(desk.root.glob(f"inbox/done/{name}*.report.csv"), None))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_french_csv_becomes_three_threaded_touches_and_nobody_is_written_to_twice(desk: Outside) -> None:
    desk.start()
    desk.drop("gens.csv", FRENCH.encode("cp1252"))
    until(lambda: len(desk.sink.accepted) == 6)
    first, second, third = desk.sent_to("elodie@exemple.example")
    assert first["Subject"] == "Élodie, your next step"
    assert second["Subject"] == third["Subject"] == "Re: Élodie, your next step"
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]
    assert "Dupont SA" in first.get_body(("plain",)).get_content()
    assert "Dupont SA" in first.get_body(("html",)).get_content()
    assert [row["verdict"] for row in report_of(desk, "gens.csv")] == ["enrolled", "enrolled", "rejected"]
    until(lambda: desk.state("elodie@exemple.example") == "finished")

    desk.drop("again.csv", FRENCH.encode())
    desk.drop("gens.csv", FRENCH.encode("cp1252"))
    verdicts = [row["verdict"] for row in report_of(desk, "again.csv")]
    assert verdicts == ["unchanged", "unchanged", "rejected"]
    until(lambda: len(list(desk.root.glob("inbox/done/*.report.csv"))) == 3)
    assert desk.stop() == 0
    assert len(desk.sink.accepted) == 6
    assert desk.run("audit").returncode == 0


def test_every_kind_of_answer_has_its_effect(tmp_path: Path, server: dovecot.Dovecot) -> None:
    with outside.opened(tmp_path, server.port, gap="1 h") as desk:
        names = ("thread", "fresh", "away", "leave", "gone", "silent")
        rows = "".join(f"{name}@{name}.example,{name.title()}\n" for name in names)
        desk.start()
        desk.drop("people.csv", f"email,first_name\n{rows}".encode())
        until(lambda: desk.log().count(" accepted ") == len(names))
        ours = {name: desk.sent_to(f"{name}@{name}.example")[0] for name in names}
        back = datetime.now(UTC).date() + timedelta(days=12)

        server.deliver(reply(ours["thread"], "Sounds good, call me.", "thread@thread.example"))
        server.deliver(
            reply(ours["fresh"], "When?", "fresh@fresh.example", Subject="Hi", In_Reply_To="", References="")
        )
        out = f"I am out of the office until {back:%d %B %Y}."
        server.deliver(
            reply(ours["away"], out, "away@away.example", Subject="Out of office", Auto_Submitted="auto-replied")
        )
        server.deliver(reply(ours["leave"], "Please take me off your list.", "leave@leave.example"))
        dsn = DSN.format(recipient="gone@gone.example", message_id=ours["gone"]["Message-ID"])
        server.deliver(dsn.encode())
        desk.hurry()  # from here on the fence alone stands before the second touch of everybody

        wanted = {"thread": "halted", "fresh": "halted", "away": "paused", "leave": "halted", "gone": "halted"}
        for name, state in wanted.items():
            until(lambda name=name, state=state: desk.state(f"{name}@{name}.example") == state)
        for count in (1, 2):
            until(lambda count=count: desk.log().count(" accepted ") == len(names) + count)
            desk.hurry()
        assert len(desk.sent_to("silent@silent.example")) == 3
        assert len(desk.sink.accepted) == len(names) + 2
        away = desk.show("away@away.example")["enrolments"][0]
        assert away["due_at"][:10] > back.isoformat()
        assert desk.show("leave@leave.example")["suppressed"] is True
        assert desk.show("gone@gone.example")["suppressed"] is True
        words = ("replied", "replied", "auto_replied", "opted_out", "bounced")
        for name, word in zip(names[:5], words, strict=True):
            assert word in [row["event"] for row in desk.show(f"{name}@{name}.example")["timeline"]]
        assert "thread@thread.example" in desk.run("today").stdout
        assert desk.stop() == 0


def test_until_idle_does_what_is_due_and_ends(desk: Outside) -> None:
    (desk.root / "inbox" / "one.csv").write_text("email,first_name\nann@idle.example,Ann\n")
    desk.run("run", "--until-idle")
    assert len(desk.sent_to("ann@idle.example")) >= 1
    assert json.loads(desk.run("status", "--json").stdout)["prospects"] == 1


def test_killed_at_any_moment_it_sends_nothing_twice(tmp_path: Path, server: dovecot.Dovecot) -> None:
    with outside.opened(tmp_path, server.port, safety='fence_age = "30 s"\narm_ttl = "3 s"\nquiet = "5 s"') as desk:
        _kill_at_any_moment(desk)
        seen = [(one.recipients, one.raw.partition(b"X-Cadence-Ref: ")[2][:26]) for one in desk.sink.accepted]
        assert len(seen) == len(set(seen))
        assert desk.run("audit").returncode == 0


def _kill_at_any_moment(desk: Outside) -> None:
    rows = "".join(f"p{n}@crash.example,P{n}\n" for n in range(12))
    (desk.root / "inbox" / "many.csv").write_text(f"email,first_name\n{rows}")
    for wait in (0.2, 0.05, 0.6, 0.3):
        before = len(desk.sink.accepted)
        desk.start()
        until(lambda before=before: len(desk.sink.accepted) > before or _is_over(desk))
        time.sleep(wait)
        desk.killed()
    desk.start()
    until(lambda: _is_over(desk))
    desk.stop()


def _is_over(desk: Outside) -> bool:
    """Whether everybody has had everything, or is in doubt."""
    told = desk.run("status", "--json", code=None)
    return told.returncode == 0 and not json.loads(told.stdout)["enrolments"]["active"]


def test_a_second_daemon_on_the_same_database_is_refused(desk: Outside) -> None:
    desk.start()
    until(lambda: "ready" in desk.log())
    refused = desk.run("run", "--until-idle", code=4)
    assert "another daemon" in refused.stderr
    assert desk.stop() == 0


def test_a_broken_sequence_is_told_with_its_place_and_the_old_one_stays(desk: Outside) -> None:
    desk.start()
    until(lambda: "ready" in desk.log())
    (desk.root / "sequences" / "plan.yaml").write_text("title: x\nwindow: always\nsteps:\n  - emial: one\n")
    until(lambda: "plan.yaml:4" in desk.log())
    desk.drop("one.csv", b"email,first_name\nann@old.example,Ann\n")
    until(lambda: desk.sent_to("ann@old.example"))
    assert desk.stop() == 0
    broken = desk.run("check", code=3)
    assert "email" in broken.stderr + broken.stdout


def test_a_wrong_password_is_told_and_nothing_is_sent(desk: Outside) -> None:
    desk.env["JULIE_PASSWORD"] = "wrong"
    (desk.root / "inbox" / "one.csv").write_text("email,first_name\nann@wrong.example,Ann\n")
    ended = desk.run("run", "--until-idle", code=4)
    assert "julie" in ended.stderr
    assert "wrong" not in ended.stderr.replace("ann@wrong.example", "")
    assert desk.sink.accepted == []


def test_a_second_step_waits_while_the_server_of_answers_is_gone(tmp_path: Path) -> None:
    with dovecot.running() as own, smtp_sink.threaded(), outside.opened(tmp_path, own.port, gap="1 h") as desk:
        (desk.root / "inbox" / "one.csv").write_text("email,first_name\nann@blind.example,Ann\n")
        desk.start()
        until(lambda: " accepted " in desk.log())
        own.stop()
        desk.hurry()
        until(lambda: "cannot be read" in json.dumps(json.loads(desk.run("status", "--json").stdout)["mailboxes"]))
        assert len(desk.sent_to("ann@blind.example")) == 1
        own.start()
        until(lambda: len(desk.sent_to("ann@blind.example")) == 2)
        assert desk.stop() == 0


@pytest.mark.postgres
@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed")
def test_the_same_daemon_runs_on_postgresql(tmp_path: Path, server: dovecot.Dovecot) -> None:
    with postgres.server() as database, outside.opened(tmp_path, server.port, database=database.database()) as desk:
        desk.start()
        desk.drop("gens.csv", FRENCH.encode("cp1252"))
        until(lambda: len(desk.sink.accepted) == 6)
        until(lambda: desk.state("elodie@exemple.example") == "finished")
        assert desk.stop() == 0
        assert desk.run("audit").returncode == 0


@pytest.mark.postgres
@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed")
def test_a_second_daemon_on_the_same_postgresql_waits_for_the_leases_of_the_first(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    with postgres.server() as database, outside.opened(tmp_path, server.port, database=database.database()) as desk:
        desk.start()
        until(lambda: "mailbox julie" in desk.log())
        assert "mailbox julie" not in desk.run("run", "--until-idle").stderr
        desk.drop("one.csv", b"email,first_name\nann@share.example,Ann\n")
        until(lambda: desk.sent_to("ann@share.example"))
        desk.stop(signal.SIGKILL)
        assert "mailbox julie" in desk.run("run", "--until-idle").stderr
        until(lambda: len(desk.sent_to("ann@share.example")) >= 1)
