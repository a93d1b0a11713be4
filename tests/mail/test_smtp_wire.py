"""What goes over the wire, in which order, and over how many connections."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from pathlib import Path

import pytest

from cadenced import ports
from cadenced.mail import privacy
from cadenced.mail.smtp import Pool, SmtpSettings
from peers import certificates, clocks, smtp_sink
from peers.patience import PATIENCE, comes
from peers.smtp_sink import Close, Hold, Say, Sink

RAW = b"From: julie@abc.example\r\nMessage-ID: <t1@abc.example>\r\n\r\nHello\r\n"
MESSAGE = ports.Outgoing(1, "julie@abc.example", "ada@x.example", RAW, "<t1@abc.example>")


async def open_gate(message: ports.Outgoing) -> float | None:
    return float("inf")


def pool_to(sink: Sink, clock: ports.Clock | None = None, **settings: object) -> Pool:
    fields = {"security": "none", "command_timeout": 60.0, "dot_timeout": 60.0} | settings
    return Pool(SmtpSettings(sink.host, sink.port, **fields), clock or clocks.ToldClock())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    return certificates.make(tmp_path_factory.mktemp("tls"))


def trusting(certificate: certificates.Certificate, **settings: object) -> dict[str, object]:
    return {"context": lambda: privacy.client_context(str(certificate.authority)), **settings}


@pytest.mark.parametrize("extensions", [["PIPELINING"], []], ids=["pipelined", "one by one"])
async def test_the_order_is_mail_one_rcpt_data_gate_payload(extensions: list[str]) -> None:
    async with smtp_sink.serve(extensions=extensions) as sink:
        seen: list[object] = []

        async def gate(message: ports.Outgoing) -> float:
            seen.append((sink.verbs(), list(sink.accepted), message.recipient))
            return float("inf")

        pool = pool_to(sink)
        await pool.submit(MESSAGE, gate)
        await pool.close()
        assert seen == [(["EHLO", "MAIL", "RCPT", "DATA"], [], "ada@x.example")]
        assert sink.commands[1:] == ["MAIL FROM:<julie@abc.example>", "RCPT TO:<ada@x.example>", "DATA", "QUIT"]


async def test_payload_and_dot_are_one_write_and_nothing_is_awaited_after_the_deadline_was_checked() -> None:
    events: list[str] = []

    class Clock(clocks.ToldClock):
        def monotonic(self) -> float:
            events.append("checked")
            return super().monotonic()

    async with smtp_sink.serve() as sink:
        pool = pool_to(sink, Clock())

        async def gate(message: ports.Outgoing) -> float:
            asyncio.get_running_loop().call_soon(events.append, "another turn of the loop")
            await asyncio.sleep(0)
            events.clear()
            asyncio.get_running_loop().call_soon(events.append, "another turn of the loop")
            return float("inf")

        await pool.submit(MESSAGE, gate)
        assert events[:2] == ["checked", "another turn of the loop"]
        assert sink.accepted[0].raw == RAW
        await pool.close()


async def test_a_gate_that_stays_shut_ends_the_connection_without_a_dot() -> None:
    async def shut(message: ports.Outgoing) -> None:
        return None

    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        assert await pool.submit(MESSAGE, shut) == ports.Deferred("the gate stayed shut", "gate")
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        await pool.close()
        assert sink.dropped_payloads == [b""]
        assert (len(sink.accepted), sink.connections) == (1, 2)


async def test_a_deadline_that_has_passed_keeps_the_payload_back() -> None:
    clock = clocks.ToldClock()

    async def slow(message: ports.Outgoing) -> float:
        deadline = clock.monotonic() + 3.0
        await clock.advance(3.001)
        return deadline

    async with smtp_sink.serve() as sink:
        pool = pool_to(sink, clock)
        answer = await pool.submit(MESSAGE, slow)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, sink.accepted) == ("gate", [])
        await pool.close()


async def test_a_gate_that_fails_takes_its_connection_along_and_its_error_out() -> None:
    async def broken(message: ports.Outgoing) -> float:
        raise LookupError("disk full")

    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        with pytest.raises(LookupError):
            await pool.submit(MESSAGE, broken)
        await pool.close()
        assert sink.accepted == []


@pytest.mark.parametrize("act", [Close(), Say("421 4.4.2 idle for too long")], ids=["closes", "says 421"])
async def test_a_server_that_goes_away_while_the_gate_is_asked_gets_no_payload(act: smtp_sink.Act) -> None:
    async with smtp_sink.serve() as sink:
        gone = asyncio.Event()

        async def gate(message: ports.Outgoing) -> float:
            gone.set()
            for _ in range(50):
                await asyncio.sleep(0.001)
            return float("inf")

        sink.plan("payload", Close())
        sink.plan("data", Then354(gone, act))
        pool = pool_to(sink)
        answer = await pool.submit(MESSAGE, gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, answer.mailbox_fault, sink.accepted) == ("gate", True, [])
        await pool.close()


@dataclasses.dataclass(frozen=True)
class Then354:
    gone: asyncio.Event
    act: smtp_sink.Act

    async def __call__(self, talk: smtp_sink.Conversation) -> bool:
        await talk.say("354 go ahead")
        await self.gone.wait()
        return await self.act(talk)


async def test_a_connection_serves_many_messages_and_is_closed_after_a_minute_of_idleness() -> None:
    clock = clocks.ToldClock()
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink, clock)
        for _ in range(5):
            assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert (sink.connections, sink.open) == (1, 1)
        await clock.advance(59)
        assert sink.open == 1
        await clock.advance(2)
        await comes(lambda: not sink.open)
        assert sink.commands[-1] == "QUIT"
        await pool.close()


async def test_a_connection_idle_for_long_is_asked_before_it_carries_a_message() -> None:
    clock = clocks.ToldClock()
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink, clock)
        await pool.submit(MESSAGE, open_gate)
        await clock.advance(10)
        await pool.submit(MESSAGE, open_gate)
        assert sink.verbs() == ["EHLO", "MAIL", "RCPT", "DATA", "NOOP", "MAIL", "RCPT", "DATA"]
        await pool.close()


@pytest.mark.parametrize("act", [Close(), Say("421 4.4.2 bye")], ids=["closed", "421"])
async def test_a_connection_that_the_server_gave_up_between_messages_is_replaced_unseen(act: smtp_sink.Act) -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        await pool.submit(MESSAGE, open_gate)
        sink.plan("mail", act)
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert (sink.connections, len(sink.accepted)) == (2, 2)
        await pool.close()


async def test_a_refused_message_leaves_a_clean_connection_to_the_next() -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        sink.plan("rcpt", Say("550 5.1.1 no"))
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Refused)
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert sink.connections == 1
        assert sink.verbs() == ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA"]
        await pool.close()


async def test_a_354_after_a_refused_recipient_ends_the_connection() -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        sink.plan("rcpt", Say("550 5.1.1 no"))
        sink.plan("data", Say("354 well then"))
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Refused)
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert (sink.connections, sink.dropped_payloads) == (2, [b""])
        await pool.close()


async def test_no_more_connections_are_opened_than_allowed() -> None:
    async with smtp_sink.serve() as sink:
        go_on = asyncio.Event()
        sink.always("dot", Hold(go_on))
        pool = pool_to(sink, connections=3)
        submissions = [asyncio.create_task(pool.submit(MESSAGE, open_gate)) for _ in range(9)]
        await comes(lambda: sink.holding == 3)
        assert sink.open == 3
        go_on.set()
        answers = await asyncio.gather(*submissions)
        assert all(isinstance(answer, ports.Accepted) for answer in answers)
        assert (sink.connections, len(sink.accepted)) == (3, 9)
        await pool.close()


async def test_closing_lets_what_is_on_the_wire_end() -> None:
    async with smtp_sink.serve() as sink:
        go_on = asyncio.Event()
        sink.plan("dot", Hold(go_on))
        pool = pool_to(sink)
        submission = asyncio.create_task(pool.submit(MESSAGE, open_gate))
        await sink.was_reached.wait()
        await pool.close()
        go_on.set()
        assert isinstance(await submission, ports.Accepted)


async def test_a_closed_pool_sends_nothing_more() -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        await pool.close()
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Deferred)
        assert sink.connections == 0


async def test_a_server_that_ignores_quit_does_not_hold_up_closing() -> None:
    async with smtp_sink.serve() as sink:
        sink.always("quit", smtp_sink.Nothing())
        pool = pool_to(sink, command_timeout=2 * PATIENCE)
        await pool.submit(MESSAGE, open_gate)
        async with asyncio.timeout(PATIENCE):
            await pool.close()


async def test_a_copy_to_ourselves_goes_in_the_same_transaction() -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        message = dataclasses.replace(MESSAGE, copy_to="julie+cadence@abc.example")
        assert isinstance(await pool.submit(message, open_gate), ports.Accepted)
        assert sink.accepted[0].recipients == ("ada@x.example", "julie+cadence@abc.example")
        await pool.close()


@pytest.mark.parametrize("reply", ["550 5.1.1 who?", "450 4.2.1 later"])
async def test_a_copy_that_is_refused_does_not_fail_the_message(reply: str) -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("rcpt", smtp_sink.Usual(), Say(reply))
        pool = pool_to(sink)
        message = dataclasses.replace(MESSAGE, copy_to="julie+cadence@abc.example")
        assert isinstance(await pool.submit(message, open_gate), ports.Accepted)
        assert sink.accepted[0].recipients == ("ada@x.example",)
        await pool.close()


@pytest.mark.parametrize(("reply", "refused"), [("452 4.2.2 full", True), ("550 5.1.1 no", True), ("250 ok", False)])
async def test_whoever_opens_the_gate_knows_whether_a_copy_goes_along(reply: str, refused: bool) -> None:
    told: list[ports.Outgoing] = []

    async def gate(message: ports.Outgoing) -> float | None:
        told.append(message)
        return await open_gate(message)

    async with smtp_sink.serve() as sink:
        sink.plan("rcpt", smtp_sink.Usual(), Say(reply))
        pool = pool_to(sink)
        await pool.submit(dataclasses.replace(MESSAGE, copy_to="julie@abc.example"), gate)
        await pool.submit(MESSAGE, gate)
        await pool.close()
    assert [one.copy_refused for one in told] == [refused, False]


async def test_a_refused_prospect_is_refused_though_the_copy_would_be_taken() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("rcpt", Say("550 5.1.1 no"))
        pool = pool_to(sink)
        message = dataclasses.replace(MESSAGE, copy_to="julie+cadence@abc.example")
        assert isinstance(await pool.submit(message, open_gate), ports.Refused)
        assert sink.accepted == []
        await pool.close()


async def test_dsn_names_the_touch_where_the_server_offers_it() -> None:
    async with smtp_sink.serve(extensions=["DSN", "PIPELINING"]) as sink:
        pool = pool_to(sink)
        await pool.submit(dataclasses.replace(MESSAGE, copy_to="me@abc.example"), open_gate)
        assert sink.commands[1:4] == [
            "MAIL FROM:<julie@abc.example> RET=HDRS ENVID=t1@abc.example",
            "RCPT TO:<ada@x.example> NOTIFY=FAILURE,DELAY",
            "RCPT TO:<me@abc.example> NOTIFY=NEVER",
        ]
        await pool.close()


async def test_eight_bits_and_letters_beyond_ascii_go_only_where_the_server_takes_them() -> None:
    eight = dataclasses.replace(MESSAGE, raw=RAW + "Grüße\r\n".encode())
    beyond = dataclasses.replace(MESSAGE, recipient="jürgen@x.example")
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        assert isinstance(await pool.submit(eight, open_gate), ports.Accepted)
        assert isinstance(await pool.submit(beyond, open_gate), ports.Accepted)
        assert sink.accepted[1].recipients == ("jürgen@x.example",)
        assert [c for c in sink.commands if c.startswith("MAIL")] == [
            "MAIL FROM:<julie@abc.example> BODY=8BITMIME",
            "MAIL FROM:<julie@abc.example> SMTPUTF8",
        ]
        await pool.close()
    async with smtp_sink.serve(extensions=[]) as sink:
        pool = pool_to(sink)
        assert isinstance(await pool.submit(eight, open_gate), ports.Refused)
        assert isinstance(await pool.submit(beyond, open_gate), ports.Refused)
        assert sink.verbs() == ["EHLO", "RSET", "RSET"]
        await pool.close()


NOT_ADDRESSES = [
    '"a\r\nRCPT TO:<e@x>"@x.example', "b@x.example> NOTIFY=NEVER", "a@x.example\r\nDATA", "<a@x.example>",
    "a@b@x.example", "", "@x.example", "a@", "a@x.example ", " a@x.example", "a\0@x.example", "a@x.exa\x7fmple",
    "a@x.example, b@x.example", "@relay.example:a@x.example", '"quoted"@x.example', "a(comment)@x.example",
    "a@[127.0.0.1]", "a b@x.example",
    "a@x.example\n", "a\u2028@x.example", "a\u200b@x.example", "a" * 65 + "@x.example", "a@" + "x" * 250 + ".example",
    "a\\@x.example", "a\x85@x.example", "a;b@x.example", "\ud800@x.example",
]  # fmt: skip


@pytest.mark.parametrize("recipient", NOT_ADDRESSES, ids=ascii)
async def test_what_could_be_read_in_two_ways_is_never_said_to_a_server(recipient: str) -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        answer = await pool.submit(dataclasses.replace(MESSAGE, recipient=recipient), open_gate)
        assert isinstance(answer, ports.Refused)
        assert (answer.code, answer.phase, sink.connections) == (0, "rcpt", 0)


async def test_the_recipient_on_the_wire_is_the_one_given_or_there_is_none() -> None:
    chance = random.Random(20261121)  # noqa: S311 - a seed that repeats, not a secret
    alphabet = "ab.+-_=!#~'@@<>\" \t\r\n,;:()[]\\\0\x7fé\u2028ä中"
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
        for _ in range(3000):
            given = "".join(chance.choices(alphabet, k=chance.randint(1, 12))) + chance.choice(["", "@x.example"])
            before = len(sink.accepted)
            answer = await pool.submit(dataclasses.replace(MESSAGE, recipient=given), open_gate)
            taken = [message.recipients for message in sink.accepted[before:]]
            assert taken == ([(given,)] if isinstance(answer, ports.Accepted) else [])
        assert len(sink.accepted) > 50
        await pool.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"a\n.\nMAIL FROM:<e@x>\n",
        b"a\n.\nb\r\n",
        b"a\r.\rb\r\n",
        b"a\r\n.\nb\r\n",
        b"\0\r\n",
        b"x" * 999 + b"\r\n",
        b"an end without a line's",
    ],
)
async def test_bytes_that_two_servers_could_end_differently_never_leave(raw: bytes) -> None:
    async with smtp_sink.serve(ends_at_bare_newline=True) as sink:
        pool = pool_to(sink)
        answer = await pool.submit(dataclasses.replace(MESSAGE, raw=RAW + raw), open_gate)
        assert isinstance(answer, ports.Refused)
        assert (answer.phase, sink.connections) == ("data", 0)


@pytest.mark.parametrize("body", [b".", b"..", b".\r\n.", b"a\r\n.b", b".\r\n\r\n."])
async def test_dots_at_the_start_of_a_line_arrive_as_they_are(body: bytes) -> None:
    async with smtp_sink.serve(ends_at_bare_newline=True) as sink:
        pool = pool_to(sink)
        raw = RAW + body + b"\r\n"
        await pool.submit(dataclasses.replace(MESSAGE, raw=raw), open_gate)
        assert [message.raw for message in sink.accepted] == [raw]
        await pool.close()


async def test_starttls_comes_before_login_and_nothing_secret_goes_in_clear(
    certificate: certificates.Certificate,
) -> None:
    async with smtp_sink.serve(context=certificate.server_context(), users={"julie": "s3cret"}) as sink:
        pool = pool_to(sink, **trusting(certificate, security="starttls", username="julie", password=lambda: "s3cret"))
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert sink.verbs()[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
        assert [line.split()[0] for line in sink.in_clear] == [b"EHLO", b"STARTTLS"]
        await pool.close()


async def test_implicit_tls_carries_a_message(certificate: certificates.Certificate) -> None:
    async with smtp_sink.serve(context=certificate.server_context(), implicit_tls=True) as sink:
        pool = pool_to(sink, **trusting(certificate, security="tls"))
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        await pool.close()


async def test_a_stripped_starttls_is_refused_and_leaks_neither_login_nor_addresses(
    certificate: certificates.Certificate,
) -> None:
    async with smtp_sink.serve(users={"julie": "s3cret"}) as sink:
        pool = pool_to(sink, **trusting(certificate, security="starttls", username="julie", password="s3cret"))
        answer = await pool.submit(MESSAGE, open_gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, answer.mailbox_fault) == ("tls", True)
        assert sink.logins == []
        assert set(sink.verbs()) == {"EHLO"}


async def test_plaintext_injected_after_starttls_ends_the_connection(certificate: certificates.Certificate) -> None:
    async with smtp_sink.serve(context=certificate.server_context(), users={"julie": "s3cret"}) as sink:
        sink.inject_after_starttls = b"250 AUTH PLAIN\r\n"
        pool = pool_to(sink, **trusting(certificate, security="starttls", username="julie", password="s3cret"))
        answer = await pool.submit(MESSAGE, open_gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, sink.logins) == ("tls", [])
        assert "plaintext" in answer.text


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("fault", ["unknown authority", "another host", "expired"])
async def test_a_certificate_that_does_not_verify_is_refused(
    security: str, fault: str, certificate: certificates.Certificate, tmp_path: Path
) -> None:
    names = "DNS:other.example" if fault == "another host" else "IP:127.0.0.1"
    other = certificates.make(tmp_path / "other", names, expired=fault == "expired")
    trusted = certificate if fault == "unknown authority" else other
    async with smtp_sink.serve(context=other.server_context(), implicit_tls=security == "tls") as sink:
        pool = pool_to(sink, **trusting(trusted, security=security, username="julie", password="s3cret"))
        answer = await pool.submit(MESSAGE, open_gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, answer.mailbox_fault, sink.logins) == ("tls", True, [])


async def test_no_encryption_is_for_loopback_alone() -> None:
    pool = Pool(SmtpSettings("mail.abc.example", 25, "none"), clocks.HastyClock())
    answer = await pool.submit(MESSAGE, open_gate)
    assert isinstance(answer, ports.Deferred)
    assert (answer.phase, answer.mailbox_fault) == ("tls", True)
    assert "loopback" in answer.text


async def test_a_refused_login_is_permanent_and_left_alone_for_longer_and_longer() -> None:
    clock = clocks.ToldClock()
    async with smtp_sink.serve(users={"julie": "right"}) as sink:
        pool = pool_to(sink, clock, username="julie", password="wr0ng-secret", connections=8)
        answers = await asyncio.gather(*(pool.submit(MESSAGE, open_gate) for _ in range(16)))
        assert len(sink.logins) == 1
        for answer in answers:
            assert isinstance(answer, ports.Deferred)
            assert (answer.phase, answer.mailbox_fault, answer.permanent) == ("auth", True, True)
            assert "wr0ng-secret" not in answer.text
        for pause in (60, 300, 900, 900):
            await clock.advance(pause - 1)
            before, connections = len(sink.logins), sink.connections
            await pool.submit(MESSAGE, open_gate)
            assert (len(sink.logins), sink.connections) == (before, connections)
            await clock.advance(2)
            await pool.submit(MESSAGE, open_gate)
            assert len(sink.logins) == before + 1


async def test_a_login_refused_for_now_is_not_permanent() -> None:
    async with smtp_sink.serve(users={"julie": "right"}) as sink:
        sink.plan("auth", Say("454 4.7.0 try again"))
        pool = pool_to(sink, username="julie", password="right")
        answer = await pool.submit(MESSAGE, open_gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, answer.permanent) == ("auth", False)
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        await pool.close()


async def test_without_a_user_name_no_login_is_tried() -> None:
    async with smtp_sink.serve(users={"julie": "right"}) as sink:
        pool = pool_to(sink)
        await pool.submit(MESSAGE, open_gate)
        assert "AUTH" not in sink.verbs()
        await pool.close()


async def test_a_token_is_fetched_for_each_login_and_said_as_xoauth2() -> None:
    tokens = iter(["token-1"])
    async with smtp_sink.serve(users={"julie": "token-1"}) as sink:
        pool = pool_to(sink, username="julie", password=lambda: next(tokens), mechanism="xoauth2")
        assert isinstance(await pool.submit(MESSAGE, open_gate), ports.Accepted)
        assert sink.logins == [("julie", "token-1")]
        await pool.close()


async def test_no_log_hears_a_secret(caplog: pytest.LogCaptureFixture, certificate: certificates.Certificate) -> None:
    caplog.set_level(logging.DEBUG)
    async with smtp_sink.serve(users={"julie": "right"}) as sink:
        for secret in ("right", "wrong-and-secret"):
            pool = pool_to(sink, username="julie", password=secret)
            await pool.submit(MESSAGE, open_gate)
            await pool.close()
    assert "secret" not in caplog.text
    assert "right" not in caplog.text
    assert "right" not in repr(SmtpSettings("x", 1, password="right"))
