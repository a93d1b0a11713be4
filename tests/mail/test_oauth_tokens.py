"""Access tokens: kept while they last, and no refresh token is ever lost or told (rows 60, T18, T25)."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cadenced import errors, ports
from cadenced.config.secret import Secret
from cadenced.config.values import Imap, Security, Smtp
from cadenced.mail import settings
from cadenced.mail.oauth import PROVIDERS, AccessTokens
from cadenced.mail.smtp import Pool, SmtpSettings
from peers import clocks, smtp_sink

GRANT = {"client_id": "cadenced", "client_secret": "cl1ent-secret", "refresh_token": "r0"}


class Provider(HTTPServer):
    """A token endpoint on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, object]] = []
        self.grant_when_asked: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


class Answering(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(dict(urllib.parse.parse_qsl(body)))
        status, answer = self.server.answers.pop(0)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.endpoint)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def grant(tmp_path: Path) -> Path:
    path = tmp_path / "grant.json"
    path.write_text(json.dumps(GRANT))
    path.chmod(0o600)
    return path


def test_a_token_is_asked_for_once_and_again_before_it_ends(provider: Provider, grant: Path) -> None:
    now = [0.0]
    tokens = AccessTokens(provider.endpoint, grant, lambda: now[0])
    provider.answers = [(200, {"access_token": f"a{n}", "expires_in": 3600}) for n in range(2)]
    assert [tokens(), tokens()] == ["a0", "a0"]
    assert provider.asked == [{"grant_type": "refresh_token", **GRANT}]
    now[0] = 3479.0
    assert tokens() == "a0"
    now[0] = 3481.0
    assert tokens() == "a1"


async def test_a_token_that_a_server_refuses_is_asked_for_anew(provider: Provider, grant: Path) -> None:
    provider.answers = [(200, {"access_token": token}) for token in ("withdrawn", "good")]
    clock = clocks.ToldClock()

    async def open_gate(message: ports.Outgoing) -> float:
        return float("inf")

    async with smtp_sink.serve(users={"julie": "good"}) as sink:
        tokens = AccessTokens(provider.endpoint, grant)
        pool = Pool(SmtpSettings(sink.host, sink.port, "none", "julie", tokens, "xoauth2"), clock)
        message = ports.Outgoing(1, "julie@x.example", "ada@x.example", b"\r\n", "<1@x.example>")
        assert isinstance(await pool.submit(message, open_gate), ports.Deferred)
        await clock.advance(61)
        assert isinstance(await pool.submit(message, open_gate), ports.Accepted)
        assert sink.logins == [("julie", "withdrawn"), ("julie", "good")]
        await pool.close()


def test_a_refresh_token_that_changes_is_written_before_the_access_token_is_used(
    provider: Provider, grant: Path
) -> None:
    provider.answers = [
        (200, {"access_token": f"a{n}", "expires_in": 0, "refresh_token": f"r{n + 1}"}) for n in range(3)
    ]
    tokens = AccessTokens(provider.endpoint, grant)
    for n in range(3):
        assert tokens() == f"a{n}"
        assert json.loads(grant.read_text()) == GRANT | {"refresh_token": f"r{n + 1}"}
        assert grant.stat().st_mode & 0o077 == 0
    assert [form["refresh_token"] for form in provider.asked] == ["r0", "r1", "r2"]
    assert list(grant.parent.iterdir()) == [grant]


def test_a_grant_that_was_withdrawn_is_a_refused_login(provider: Provider, grant: Path) -> None:
    provider.answers = [(400, {"error": "invalid_grant", "error_description": "r0 is revoked"})]
    with pytest.raises(errors.LoginRefusedError, match="invalid_grant") as refusal:
        AccessTokens(provider.endpoint, grant)()
    assert "r0" not in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "answer",
    [(503, {"error": "busy"}), (500, b"<html>"), (200, b"not json"), (200, []), (200, {}), (200, {"access_token": 1}),
     (302, b""), (400, {"error": "temporarily_unavailable"}), (400, [])],
    ids=str,
)  # fmt: skip
def test_what_may_pass_is_no_refusal_and_changes_nothing(
    provider: Provider, grant: Path, answer: tuple[int, object]
) -> None:
    provider.answers = [answer, (200, {"access_token": "a1"})]
    tokens = AccessTokens(provider.endpoint, grant)
    with pytest.raises(errors.WireError) as fault:
        tokens()
    assert not isinstance(fault.value, errors.LoginRefusedError)
    assert json.loads(grant.read_text()) == GRANT
    assert tokens() == "a1"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"client_id": "x"}', "\0"])
def test_a_grant_that_is_none_is_told_with_its_path_and_asks_nobody(
    provider: Provider, grant: Path, content: str
) -> None:
    grant.write_text(content)
    with pytest.raises(errors.LoginRefusedError, match=str(grant)):
        AccessTokens(provider.endpoint, grant)()
    assert provider.asked == []


def test_a_grant_that_others_may_read_is_refused(provider: Provider, grant: Path) -> None:
    grant.chmod(0o640)
    with pytest.raises(errors.LoginRefusedError, match="chmod 600"):
        AccessTokens(provider.endpoint, grant)()


def test_threads_that_ask_together_share_one_token(provider: Provider, grant: Path) -> None:
    provider.answers = [(200, {"access_token": "a0", "expires_in": 3600})]
    tokens = AccessTokens(provider.endpoint, grant)
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(tokens())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["a0"] * 8


def test_a_provider_out_of_reach_may_come_back(grant: Path) -> None:
    gone = Provider()
    endpoint = gone.endpoint
    gone.server_close()
    with pytest.raises(errors.WireError) as fault:
        AccessTokens(endpoint, grant)()
    assert not isinstance(fault.value, errors.LoginRefusedError)


def test_tokens_are_asked_for_by_https_alone(grant: Path) -> None:
    assert all(endpoint.startswith("https://") for endpoint in PROVIDERS.values())
    with pytest.raises(ValueError, match="https"):
        AccessTokens("http://example.com/token", grant)


def test_both_ways_of_a_mailbox_share_one_grant(tmp_path: Path) -> None:
    token = Secret("oauth2", "google")
    out = settings.smtp(Smtp("smtp.x.example", username="julie@x.example", password=token), grants=tmp_path)
    back = settings.imap(Imap("imap.x.example", username="julie@x.example", password=token), grants=tmp_path)
    assert out.mechanism == back.mechanism == "xoauth2"
    assert out.password is back.password
    other = settings.imap(Imap("imap.x.example", username="paul@x.example", password=token), grants=tmp_path)
    assert other.password is not back.password


@pytest.mark.parametrize(
    ("provider", "username"), [("nobody", "julie"), ("google", "../julie"), ("google", "a/b"), ("google", "")]
)
def test_a_grant_that_cannot_be_meant_is_refused(tmp_path: Path, provider: str, username: str) -> None:
    with pytest.raises(errors.RefusedError):
        settings.imap(Imap("x.example", username=username, password=Secret("oauth2", provider)), grants=tmp_path)


def test_a_password_is_looked_up_at_each_login_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JULIE_PASSWORD", "first")
    found = settings.smtp(Smtp("x.example", 465, Security.TLS, "julie", Secret("env", "JULIE_PASSWORD"), 7))
    assert (found.host, found.port, found.security, found.username, found.connections) == (
        "x.example",
        465,
        "tls",
        "julie",
        7,
    )
    assert callable(found.password)
    assert found.password() == "first"
    monkeypatch.setenv("JULIE_PASSWORD", "second")
    assert found.password() == "second"
    assert "JULIE" not in repr(found)
