"""Secrets stand outside the file, and nowhere else than where they are needed."""

import pytest

from cadenced import config
from cadenced.config import Imap, Mailbox, Smtp, secret
from cadenced.config.forms import FormError
from cadenced.config.secret import Secret
from cadenced.errors import BrokenWorkspaceError
from cadenced.mail import oauth

CANARY = "hunter2-canary"


@pytest.mark.parametrize("plain", [CANARY, f"pass:{CANARY}", f"env:{CANARY}", "env:", f"file:{CANARY}\n", 5])
def test_a_password_in_the_file_is_refused_and_not_repeated(plain):
    with pytest.raises(FormError) as caught:
        secret.parse(plain)

    assert CANARY not in caught.value.message + caught.value.cure


@pytest.mark.parametrize("text", ["env:A_B1", "file:/run/x y", "credential:smtp-julie", "oauth2:google"])
def test_the_four_forms_are_references(text):
    assert str(secret.parse(text)) == text


def test_the_environment_is_asked_when_the_secret_is_needed(monkeypatch):
    found = secret.parse("env:CADENCED_TEST_SECRET")
    monkeypatch.setenv("CADENCED_TEST_SECRET", CANARY)

    assert secret.reveal(found) == CANARY
    assert CANARY not in repr(found)


def test_a_missing_variable_is_told_with_the_place_that_asked_for_it(monkeypatch):
    monkeypatch.delenv("CADENCED_TEST_SECRET", raising=False)

    with pytest.raises(BrokenWorkspaceError, match=r"^w\.toml:7:3: the environment has no CADENCED_TEST_SECRET"):
        secret.reveal(Secret("env", "CADENCED_TEST_SECRET", "w.toml", 7, 3))


def test_a_file_of_our_own_is_read_without_its_line_end(tmp_path):
    path = tmp_path / "password"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)

    assert secret.reveal(Secret("file", str(path))) == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_open_is_refused(tmp_path, mode):
    path = tmp_path / "password"
    path.write_text(CANARY)
    path.chmod(mode)

    with pytest.raises(BrokenWorkspaceError, match=r"others may read .*chmod 600") as caught:
        secret.reveal(Secret("file", str(path)))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(("content", "words"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "is not text")])
def test_a_file_without_a_secret_is_refused(tmp_path, content, words):
    path = tmp_path / "password"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(BrokenWorkspaceError, match=words):
        secret.reveal(Secret("file", str(path)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BrokenWorkspaceError, match=r"cannot read .*gone: No such file"):
        secret.reveal(Secret("file", str(tmp_path / "gone")))


def test_a_credential_comes_from_systemds_folder(tmp_path, monkeypatch):
    (tmp_path / "julie").write_text(CANARY)
    (tmp_path / "julie").chmod(0o440)  # as systemd makes them
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert secret.reveal(secret.parse("credential:julie")) == CANARY


def test_a_credential_outside_a_service_is_told_with_its_cure(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    with pytest.raises(BrokenWorkspaceError, match="LoadCredential=julie"):
        secret.reveal(secret.parse("credential:julie"))


@pytest.mark.parametrize("name", ["../julie", "a/b", "..", "a b"])
def test_a_credentials_name_leads_nowhere_else(name):
    with pytest.raises(FormError):
        secret.parse(f"credential:{name}")


def test_a_secret_file_is_looked_for_beside_the_configuration(tmp_path):
    (tmp_path / "cadenced.toml").write_text(
        '[[mailbox]]\nname="a"\naddress="a@b.example"\n[mailbox.smtp]\nhost="h"\n'
        '[mailbox.imap]\nhost="h"\nusername="a"\npassword="file:secret"\n'
    )
    (tmp_path / "secret").write_text(CANARY)
    (tmp_path / "secret").chmod(0o600)
    found = config.load(tmp_path / "cadenced.toml")

    assert found.mailboxes[0].imap.password
    assert secret.reveal(found.mailboxes[0].imap.password) == CANARY


def test_the_databases_password_is_in_no_repr(tmp_path):
    (tmp_path / "cadenced.toml").write_text(f'[daemon]\ndatabase = "postgresql://u:{CANARY}@h/db"')
    found = config.load(tmp_path / "cadenced.toml")

    assert CANARY in found.daemon.database
    assert CANARY not in repr(found)
    assert any("password stands in this file" in str(warning) for warning in found.warnings)


def test_revealing_a_token_as_a_password_is_refused():
    with pytest.raises(BrokenWorkspaceError, match="not a password"):
        secret.reveal(secret.parse("oauth2:google"))


def test_a_provider_of_tokens_that_is_unknown_is_refused_at_its_place(tmp_path):
    (tmp_path / "cadenced.toml").write_text(
        '[[mailbox]]\nname="j"\naddress="j@a.example"\n[mailbox.smtp]\nhost="h"\n'
        '[mailbox.imap]\nhost="h"\nusername="a"\npassword="oauth2:yahoo"\n'
    )
    with pytest.raises(BrokenWorkspaceError) as refused:
        config.load(tmp_path / "cadenced.toml")

    (problem,) = refused.value.problems
    assert (problem.line, problem.message) == (9, "password: oauth2:yahoo is not known")
    assert problem.cure == "known here: google, microsoft"


def test_every_provider_that_may_be_written_has_an_endpoint():
    assert set(secret.PROVIDERS) == set(oauth.PROVIDERS)


@pytest.mark.parametrize(
    ("mode", "said"), [(None, "No such file"), (0o644, "others may read"), (0o600, "")], ids=["none", "open", "private"]
)
def test_a_grant_is_looked_for_and_must_be_private(tmp_path, mode, said):
    box = Mailbox(
        "j", "j@a.example", "", Smtp("h"), Imap("h", username="j@a.example", password=secret.parse("oauth2:google"))
    )
    if mode is not None:
        (tmp_path / "j@a.example.google.json").write_text("{}")
        (tmp_path / "j@a.example.google.json").chmod(mode)

    problems = secret.missing(box.secrets(tmp_path))

    assert bool(problems) == bool(said)
    assert all(said in problem.message for problem in problems)


def test_grants_lie_beside_the_configuration_and_with_the_state_of_a_service(tmp_path, monkeypatch):
    (tmp_path / "cadenced.toml").touch()
    found = config.load(tmp_path / "cadenced.toml")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert found.grants == tmp_path / "grants"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/cadenced:/var/lib/other")
    assert str(found.grants) == "/var/lib/cadenced/grants"
