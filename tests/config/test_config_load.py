"""A cadenced.toml: what it means, and what is said of one that is wrong."""

from datetime import time, timedelta
from pathlib import Path

import holidays
import pytest

from cadenced import config
from cadenced.config import Listen, Ramp, Security, SentCopy, forms
from cadenced.core.model import Place
from cadenced.errors import BrokenWorkspaceError

MAILBOX = """
[[mailbox]]
name = "julie"
address = "Julie Martin <julie@abc.example>"
[mailbox.smtp]
host = "smtp.abc.example"
username = "julie"
password = "env:JULIE_PASSWORD"
[mailbox.imap]
host = "imap.abc.example"
username = "julie"
password = "env:JULIE_PASSWORD"
"""


@pytest.fixture
def load(tmp_path):
    def _load(text):
        path = tmp_path / "cadenced.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return config.load(path)

    return _load


@pytest.fixture
def complain(load):
    """Load what is wrong, and return what is said of it without the folder's name."""

    def _complain(text):
        with pytest.raises(BrokenWorkspaceError) as caught:
            load(text)
        return [str(problem).partition("cadenced.toml")[2] for problem in caught.value.problems]

    return _complain


def only(problems, *words):
    assert len(problems) == 1, problems
    assert all(word in problems[0] for word in words), problems


def test_an_empty_file_is_a_workspace_of_defaults_that_cannot_send(load, tmp_path):
    found = load("")

    assert found.daemon.inbox == tmp_path / "inbox"
    assert found.daemon.database == f"sqlite:///{tmp_path}/cadenced.db"
    assert found.window.opens == time(8, 30)
    assert found.safety.dot_timeout == timedelta(minutes=10)
    assert found.web.listen == Listen("127.0.0.1", 8024)
    assert "nothing can be sent" in str(found.warnings[0])


def test_every_key_of_a_mailbox_is_read(load):
    found = load(
        MAILBOX.replace(
            "[mailbox.smtp]",
            'daily_limit = 0\nmin_gap = "0 s"\nramp = {start = 10, step = 5}\n'
            "[mailbox.smtp]\nport = 2525\nconnections = 2",
        )
        + 'folder = "Follow-up"\nsent = "Gesendet"\nsent_copy = "self"\n'
    )

    (box,) = found.mailboxes
    assert (box.name, box.display, box.address) == ("julie", "Julie Martin", "julie@abc.example")
    assert (box.daily_limit, box.min_gap, box.ramp) == (0, timedelta(), Ramp(10, 5))
    assert (box.smtp.port, box.smtp.security, box.smtp.connections) == (2525, Security.STARTTLS, 2)
    assert (box.imap.folder, box.imap.sent, box.imap.sent_copy) == ("Follow-up", "Gesendet", SentCopy.SELF)


def test_a_mailbox_is_found_by_its_name_and_by_its_address(load):
    found = load(MAILBOX)

    assert found.mailbox("JULIE") is found.mailbox("Julie@ABC.example") is found.mailboxes[0]
    assert found.mailbox("somebody") is None


def test_the_port_follows_the_security_unless_it_is_said(load):
    secured = MAILBOX.replace("[mailbox.imap]", 'security = "tls"\n[mailbox.imap]\nsecurity = "starttls"')
    (box,) = load(secured).mailboxes

    assert (box.smtp.port, box.imap.port) == (465, 143)


def test_all_problems_come_at_once_in_the_order_of_the_file(complain):
    problems = complain('[daemon]\ntimezone = "Paris"\ncountry = "France"\nsettle = "soon"\n[saftey]\n')

    assert [problem.split(":")[1:3] for problem in problems] == [["2", "12"], ["3", "11"], ["4", "10"], ["5", "1"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[daemon]\ndatabse = "x"', [":2:1:", "databse", 'did you mean "database"?']),
        ('[mailbox]\nname = "x"', ["[[mailbox]] with two brackets"]),
        ('[daemon]\ninbox = 3', [":2:9:", "must be text and is a number"]),
        ('[daemon]\ntimezone = "Paris"', [":2:12:", 'did you mean "Europe/Paris"?']),
        ('[daemon]\ntimezone = "../../etc/passwd"', ["is not a time zone"]),
        ('[daemon]\ncountry = "Germany"', ['did you mean "DE"?']),
        ('[daemon]\ncountry = "UK"', ['did you mean "GB"?']),
        ('[daemon]\nsettle = "2 buisness days"', [":2:10:", "is not a duration"]),
        ('[daemon]\nsettle = "2 months"', ["no fixed length"]),
        ('[daemon]\nsettle = true', ["must be a duration"]),
        ('[daemon]\ndatabase = "mysql://u:geheim@h/db"', ["no database that cadenced can use"]),
        ('[daemon]\ndatabase = "sqlite:///:memory:"', ["memory forgets"]),
        ('[daemon]\ndefault_sequence = "After Meeting"', ["is not a name"]),
        ('[window]\ndays = "mon-fry"', [":2:8:", "is not a day"]),
        ('[window]\nhours = "18:00-08:00"', ["ends before it begins"]),
        ('[window]\ntimezone = "Moon"', ["is not a time zone"]),
        ('[window]\nholidays = "yes"', ["must be true or false"]),
        ('window = "never"', [":1:10:", "is none of always"]),
        ('[safety]\nfence_age = "5 min"', ["is not between 0.1 s and 30 s"]),
        ('[safety]\ncalibration = -1', ["not between 0 and"]),
        ('[web]\nlisten = "8024"', ["not a place to listen"]),
        ('[web]\nlisten = "127.0.0.1:99999"', ["not a place to listen"]),
        ('[web]\npublic_url = "http://go.abc.example"', ["is not an https URL"]),
        ('x = 1', [":1:1:", "the file knows no key x"]),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_its_cure(complain, text, words):
    only(complain(text), *words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("julie@abc.example>", "julie>", ["there is no @ in it", "write it like"]),
        ('name = "julie"', "", [":2:1:", "[mailbox] has no name"]),
        ('name = "julie"', 'name = "ju lie"', ["is not a name for a mailbox"]),
        ('host = "smtp.abc.example"', "", ["[mailbox.smtp] has no host"]),
        ('host = "smtp.abc.example"', 'host = "smtp.abc.example:587"', ["the port has its own key"]),
        ('host = "smtp.abc.example"', 'host = "h"\nport = "587"', ["write it without quotes"]),
        ('host = "smtp.abc.example"', 'host = "h"\nport = 70000', ["not between 1 and 65535"]),
        ('host = "smtp.abc.example"', 'host = "h"\nsecurity = "ssl"', ["none of starttls, tls, none"]),
        ('"julie"\npassword = "env:JULIE_PASSWORD"\n[', '"julie"\n[', ["[mailbox.smtp] has no password"]),
        ("[mailbox.smtp]", "ramp = {start = 10}\n[mailbox.smtp]", ["[mailbox.ramp] has no step"]),
        ("[mailbox.smtp]", "ramp = {start = 0, step = 1}\n[mailbox.smtp]", ["0 is not between"]),
        ("[mailbox.smtp]", "ramp = 3\n[mailbox.smtp]", ["ramp must be a table"]),
    ],
)
def test_a_mistake_in_a_mailbox_is_named(complain, old, new, words):
    assert old in MAILBOX
    problems = complain(MAILBOX.replace(old, new, 1))

    assert any(all(word in problem for word in words) for problem in problems), problems


def test_a_mailbox_without_a_way_in_is_refused_for_answers_must_be_read(complain):
    only(complain(MAILBOX.partition("[mailbox.imap]")[0]), "[mailbox] has no [mailbox.imap]")


def test_two_mailboxes_of_one_name_or_one_address_are_refused(complain):
    problems = complain(MAILBOX + MAILBOX)

    assert [problem.partition(" two ")[0] for problem in problems] == [":15:8:", ":16:11:"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_mail_in_the_clear_is_allowed_towards_this_machine(load, host):
    (box,) = load(MAILBOX.replace('"smtp.abc.example"', f'"{host}"\nsecurity = "none"')).mailboxes

    assert box.smtp.security is Security.NONE


@pytest.mark.parametrize(
    "host", ["smtp.abc.example", "192.168.1.2", "localhost.abc.example", "::2", "127.0.0.1.nip.example"]
)
@pytest.mark.parametrize("server", ["smtp", "imap"])
def test_mail_in_the_clear_is_refused_towards_any_other(complain, host, server):
    text = MAILBOX.replace(f'"{server}.abc.example"', f'"{host}"\nsecurity = "none"')

    only(complain(text), "would cross the network", 'use "starttls" or "tls"')


def test_relative_paths_begin_at_the_file_and_others_are_kept(load, tmp_path):
    found = load('[daemon]\ninbox = "in/box"\ntemplates = "/srv/t"\ndatabase = "sqlite:////var/lib/c.db"').daemon

    assert (found.inbox, found.templates, found.database) == (
        tmp_path / "in/box",
        Path("/srv/t"),
        "sqlite:////var/lib/c.db",
    )


def test_a_relative_configuration_has_absolute_paths(load, tmp_path, monkeypatch):
    load("")
    monkeypatch.chdir(tmp_path)

    assert config.load(Path("cadenced.toml")).daemon.inbox == tmp_path / "inbox"


def test_the_window_may_be_always(load):
    assert load('window = "always"').window.always
    assert load('[window]\ndays = "always"\ntimezone = "prospect"').window.always


def test_the_default_place_is_the_daemons(load):
    assert load('[daemon]\ntimezone = "Asia/Tokyo"\ncountry = "jp"').place == Place("Asia/Tokyo", "JP")


def test_every_country_there_is_has_known_holidays():
    assert set(forms._countries()) <= set(holidays.list_supported_countries(include_aliases=False))


def test_lint_is_handed_on_as_it_stands(load):
    assert load('[lint]\nanything = ["goes"]').lint == {"anything": ["goes"]}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"[daemon\n", [":1:8:", "not TOML"]),
        (b"a = 1\na = 2\n", [":2:", "not TOML"]),
        (b"# caf\xe9\n\n", [":1: ", "not UTF-8"]),
        (b"x = " + b"[" * 40_000, ["nested too deeply"]),
        (b"#" * 1_000_001, ["larger than 1 MB"]),
    ],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(complain, raw, words):
    only(complain(raw), *words)


def test_a_byte_order_mark_and_windows_line_ends_are_taken(load):
    assert load(b'\xef\xbb\xbf[daemon]\r\ntimezone = "Europe/Paris"\r\n').daemon.timezone == "Europe/Paris"


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(BrokenWorkspaceError, match="cannot be read: No such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(BrokenWorkspaceError, match="cannot be read"):
        config.load(tmp_path)


class TestFind:
    """-c FILE, else $CADENCED_CONFIG, ./cadenced.toml, /etc/cadenced/cadenced.toml."""

    @pytest.fixture(autouse=True)
    def nowhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("CADENCED_CONFIG", raising=False)

    def test_what_is_asked_for_comes_first(self, monkeypatch):
        monkeypatch.setenv("CADENCED_CONFIG", "/other.toml")
        assert config.find(Path("mine.toml")) == Path("mine.toml")

    def test_the_environment_comes_before_the_folder(self, tmp_path, monkeypatch):
        (tmp_path / "cadenced.toml").touch()
        monkeypatch.setenv("CADENCED_CONFIG", "/other.toml")
        assert config.find() == Path("/other.toml")

    def test_the_folder_comes_next(self, tmp_path):
        (tmp_path / "cadenced.toml").touch()
        assert config.find() == Path("cadenced.toml")

    def test_a_folder_stands_for_the_file_in_it(self, tmp_path):
        assert config.find(tmp_path) == tmp_path / "cadenced.toml"

    @pytest.mark.skipif(Path("/etc/cadenced/cadenced.toml").exists(), reason="this machine has one")
    def test_nowhere_is_told_with_the_way_to_begin(self):
        with pytest.raises(BrokenWorkspaceError, match="cadenced init DIR"):
            config.find()


@pytest.mark.parametrize(
    ("old", "new", "cure"),
    [
        ('host = "smtp.abc.example"', 'host = "smtp.abc.example"\nsecurity = "ssl"', 'did you mean "tls"?'),
        ('host = "smtp.abc.example"', 'host = "smtp.abc.example"\nsecurity = "SSL/TLS"', 'did you mean "tls"?'),
        ('name = "julie"', 'name = "julie"\nmin_gap = 90', 'did you mean "90 s"?'),
        ('name = "julie"', 'name = "julie"\nmin_gap = "1.5"', 'did you mean "1.5 s"?'),
    ],
)
def test_what_everybody_writes_is_answered_with_what_is_meant(complain, old, new, cure):
    only(complain(MAILBOX.replace(old, new, 1)), cure)


def test_a_plain_password_is_one_problem(complain):
    only(complain(MAILBOX.replace("env:JULIE_PASSWORD", "hunter2", 1)), ":8:12:", "does not belong in this file")


def test_what_init_wrote_and_nobody_replaced_is_a_warning_at_its_place(load):
    found = load(MAILBOX.replace("smtp.abc.example", "smtp.company.example"))
    (warning,) = found.warnings
    assert (warning.line, warning.message) == (6, "smtp.host: this is still the example")
