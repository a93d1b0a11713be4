"""A person who asks to be forgotten: nothing tells of them any more, and nothing brings them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from story import Story, said

from cadenced import ports
from cadenced.engine import acts
from cadenced.store import forgotten, volume
from cadenced.store.import_spool import Spool, place
from cadenced.store.schema import prospects

ANN = "ann.secret@a.example"


def kept(root: Path) -> bytes:
    """Return all that lies on the disk, but for the lists that a human made."""
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file() and path.suffix != ".csv")


async def with_history(told: Story) -> None:
    told.bring_in(ANN, "bob@a.example", company="Secret Works")
    told.work()
    await told.days(1)
    told.answer(ANN, "Yes, my own Secret words. Thursday suits me.")
    told.transact(lambda tx: acts.note(tx, told.workspace, "bob@a.example", f"said that {ANN.upper()} decides"))
    told.transact(lambda tx: acts.note(tx, told.workspace, ANN, "likes Secret sailing"))


async def test_nothing_on_the_disk_tells_of_a_forgotten_person(told: Story, capfd: Any, tmp_path: Path) -> None:
    await with_history(told)
    told.workspace.database.close()
    assert b"secret" in kept(tmp_path).lower()
    answer = said(capfd, "forget", ANN)
    assert answer.status == 0
    assert answer.out.startswith(f"{ANN} is forgotten, and never written to; erased: 1 prospect, 1 mail of ours,")
    on_disk = kept(tmp_path).lower().replace(b"secret works", b"")  # Bob's company still
    assert b"secret" not in on_disk
    assert said(capfd, "show", "bob@a.example", "--json").json["fields"]["notes"] == "said that (forgotten) decides"


async def test_the_audit_holds_and_limits_count_on(told: Story, capfd: Any) -> None:
    await with_history(told)
    since = told.clock.now().replace(hour=0, minute=0) - (told.clock.now() - told.clock.now())

    def sent() -> int:
        return told.transact(lambda tx: volume.sent_since(tx, "julie", since.replace(year=2000)))

    before = sent()
    assert said(capfd, "forget", ANN).status == 0
    assert sent() == before == 2
    assert said(capfd, "audit").status == 0
    status = said(capfd, "status", "--json").json
    assert (status["prospects"], status["suppressed"]) == (1, 1)


async def test_every_question_about_them_says_that_they_were_forgotten(told: Story, capfd: Any) -> None:
    await with_history(told)
    said(capfd, "forget", ANN)
    for command in ("why", "show", "export", "halt", "resume"):
        answer = said(capfd, command, ANN)
        assert answer.status == 1
        assert f"{ANN} was forgotten on 20" in answer.err
        assert "nothing else is kept of it" in answer.err


@pytest.mark.parametrize("variant", [ANN, ANN.upper(), "ann.secret+news@a.example"])
async def test_no_list_brings_them_back_not_even_by_a_variant(told: Story, capfd: Any, variant: str) -> None:
    await with_history(told)
    said(capfd, "forget", ANN)
    told.bring_in(variant, "cem@b.example", sequence="office")
    assert told.transact(lambda tx: forgotten.among(tx, [ANN, "cem@b.example"])) == {ANN}
    assert said(capfd, "show", "cem@b.example").status == 0
    assert "was forgotten" in said(capfd, "show", ANN).err
    assert said(capfd, "status", "--json").json["prospects"] == 2
    assert said(capfd, "enrol", ANN, "plan", "--first-name", "Ann").status == 1


async def test_all_variants_of_an_address_are_forgotten_together(told: Story, capfd: Any, tmp_path: Path) -> None:
    told.bring_in("a.n.n+lists@gmail.com")
    told.work()
    told.workspace.database.close()
    assert said(capfd, "forget", "Ann@GoogleMail.com").status == 0
    assert b"lists" not in kept(tmp_path)
    assert "was forgotten" in said(capfd, "why", "ann+other@gmail.com").err


async def test_who_was_never_known_is_never_written_to_either(told: Story, capfd: Any) -> None:
    answer = said(capfd, "forget", ANN)
    assert answer.status == 0
    assert "nothing was kept of them" in answer.out
    assert said(capfd, "forget", ANN).status == 0
    told.bring_in(ANN)
    assert said(capfd, "status", "--json").json["prospects"] == 0


async def test_they_may_come_back_when_they_want_to(told: Story, capfd: Any) -> None:
    await with_history(told)
    said(capfd, "forget", ANN)
    assert said(capfd, "suppress", "add", ANN).status == 0
    assert ANN not in said(capfd, "suppress", "list").out
    assert said(capfd, "suppress", "remove", ANN).status == 0
    told.bring_in(ANN, sequence="office")
    assert said(capfd, "show", ANN, "--json").json["enrolments"][0]["state"] == "active"


async def test_who_comes_back_is_not_sent_the_same_step_again_and_holds_up_nobody(told: Story, capfd: Any) -> None:
    """A touch's name is made from the address: whoever comes back has it already."""
    told.bring_in(ANN)
    assert told.work() == 1
    said(capfd, "forget", ANN)
    said(capfd, "suppress", "remove", ANN)
    told.bring_in(ANN, "bob@a.example")
    assert told.work() == 1
    enrolment = said(capfd, "show", ANN, "--json").json["enrolments"][0]
    assert (enrolment["state"], enrolment["step"]) == ("active", "call")
    assert told.work() == 0
    assert said(capfd, "audit").status == 0


async def test_what_is_nobodys_cannot_be_taken_up_again(told: Story, capfd: Any) -> None:
    await with_history(told)
    said(capfd, "forget", ANN)
    emails = told.transact(lambda tx: list(tx.execute(select(prospects.c.email)).scalars()))
    (nobody,) = [email for email in emails if email.endswith(forgotten.NOBODY)]
    for line in (("resume", nobody), ("enrol", nobody, "office"), ("show", nobody)):
        assert said(capfd, *line).status == 1


async def test_a_doubt_about_their_mail_ends_with_them(told: Story, capfd: Any) -> None:
    told.bring_in(ANN)
    told.work(ports.Unknown("the connection ended before the server answered"))
    told.doubt()
    assert said(capfd, "status", "--json").json["in_doubt"]
    assert said(capfd, "forget", ANN).status == 0
    status = said(capfd, "status", "--json").json
    assert not status["in_doubt"]
    assert not status["tasks"]
    assert said(capfd, "audit").status == 0


async def test_what_they_write_after_it_is_erased_when_they_ask_again(told: Story, capfd: Any, tmp_path: Path) -> None:
    """An answer to a mail of ours finds its way by that mail's name, which stays."""
    told.bring_in(ANN)
    told.work()
    await told.days(1)
    told.answer(ANN, "Please forget me.")
    message = told.answering(ANN, "My own Secret words, once more.")
    assert said(capfd, "forget", ANN).status == 0
    told.arrive(message)
    told.workspace.database.close()
    assert b"once more" in kept(tmp_path)
    assert said(capfd, "forget", ANN).status == 0
    on_disk = kept(tmp_path).lower()
    assert b"secret" not in on_disk
    assert b"once more" not in on_disk
    assert said(capfd, "status", "--json").json["suppressed"] == 1
    assert said(capfd, "audit").status == 0


async def test_the_way_out_of_a_forgotten_mail_counts_for_whoever_takes_it(told: Story, capfd: Any) -> None:
    """From another address: that one is not written to any more, and nobody is asked about somebody forgotten."""
    told.bring_in(ANN, other := "another@a.example")
    told.work()
    await told.days(1)
    ref = told.answering(ANN, "").partition(b"In-Reply-To: <")[2].partition(b"@")[0].decode()
    written = f"From: {other}\r\nTo: julie@abc.example\r\nMessage-ID: <out@a.example>\r\nSubject: unsubscribe {ref}\r\n"
    opt_out = f"{written}Date: {told.clock.now():%a, %d %b %Y %H:%M:%S} +0000\r\n\r\n\r\n".encode()
    assert said(capfd, "forget", ANN).status == 0
    told.arrive(opt_out)
    suppressed = [row["email"] for row in said(capfd, "suppress", "list", "--json").json]
    assert suppressed == [other]
    assert said(capfd, "show", other, "--json").json["enrolments"][-1]["state"] == "halted"
    assert not said(capfd, "today", "--json").json["tasks"]
    assert said(capfd, "audit").status == 0


async def test_reports_are_cleaned_and_lists_are_named(told: Story, capfd: Any, tmp_path: Path) -> None:
    done = tmp_path / "inbox" / "done"
    done.mkdir()
    (done / "friday.csv").write_text(f"email\nx{ANN}\n{ANN}\n")
    (done / "friday.csv.report.csv").write_bytes(f'"line","email"\r\n"2","x{ANN}"\r\n"3","{ANN.upper()}"\r\n'.encode())
    answer = said(capfd, "forget", ANN, "--json").json
    assert (done / "friday.csv.report.csv").read_bytes().endswith(f'"2","x{ANN}"\r\n"3","(forgotten)"\r\n'.encode())
    assert [Path(path).name for path in answer["files"]] == ["friday.csv.report.csv"]
    assert [Path(path).name for path in answer["left"]] == ["friday.csv"]


async def test_rows_that_wait_to_come_in_are_cleaned(told: Story, capfd: Any, tmp_path: Path) -> None:
    folder = tmp_path / "inbox" / ".spool" / ".by-hand"
    path = place(folder, "digest", "plan")
    spool = Spool(path)
    rest = ("", "", "", "julie", '{"first_name": "Secret"}', "enrolled", "", "plan", "", "", "", "", "", None)
    spool.add([(1, ANN, *rest), (2, "bob@a.example", *rest)])
    spool.close()
    assert len(said(capfd, "forget", ANN, "--json").json["files"]) == 1
    spool = Spool(path)
    assert [tuple(line)[1:3] for line in spool.page(0, 9)] == [
        ("(forgotten)", "suppressed"),
        ("bob@a.example", "enrolled"),
    ]
    spool.close()
