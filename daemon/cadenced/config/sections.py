"""The tables of cadenced.toml beside the mailboxes: [daemon], [window], [safety] and [web]."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cadenced.config import forms
from cadenced.config.forms import FormError
from cadenced.config.mailboxes import is_loopback
from cadenced.config.table import Table
from cadenced.config.values import Daemon, Listen, Safety, Web
from cadenced.core.pacing import ALWAYS, Window

_POSTGRES = ("postgresql", "postgresql+psycopg")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_SECOND, _HALF_MINUTE, _DAY = timedelta(seconds=1), timedelta(seconds=30), timedelta(days=1)


def daemon(table: Table, base: Path) -> Daemon:
    """Read [daemon]; relative paths begin at ``base``."""
    found = Daemon(
        database=table.read("database", lambda value: _database(value, base), f"sqlite:///{base / 'cadenced.db'}"),
        inbox=_folder(table, "inbox", base),
        sequences=_folder(table, "sequences", base),
        templates=_folder(table, "templates", base),
        timezone=table.read("timezone", forms.timezone, "UTC"),
        country=table.read("country", forms.country, ""),
        postal_address=table.read("postal_address", forms.prose, ""),
        settle=table.read("settle", forms.span(timedelta(), timedelta(hours=1)), timedelta(seconds=2)),
        default_sequence=table.read("default_sequence", _sequence, ""),
    )
    table.close()
    if urlsplit(found.database).password:
        cure = "a ~/.pgpass file or a local socket keeps it out"
        table.report.warning((*table.path, "database"), "the database's password stands in this file", cure)
    return found


def _folder(table: Table, key: str, base: Path) -> Path:
    return table.read(key, lambda value: base / Path(forms.filled(value)).expanduser(), base / key)


def _sequence(value: object) -> str:
    return value if value == "" else forms.name(value)


def _database(value: object, base: Path) -> str:
    """Read a database URL; a relative SQLite path becomes absolute."""
    given = forms.filled(value)
    scheme, colon, rest = given.partition("://")
    if scheme in _POSTGRES and rest:
        return given
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") not in {"", ":memory:"}:
        return f"sqlite:///{base / Path(rest[1:])}"
    if scheme == "sqlite":
        raise FormError("the database must be a file: memory forgets who was written to", "sqlite:///cadenced.db")
    cure = 'write "sqlite:///cadenced.db" or "postgresql://user@host/db"'
    raise FormError(f'"{scheme}{colon}…" is no database that cadenced can use', cure)


def window(root: Table, given: Daemon) -> Window:
    """Read [window] (or ``window = "always"``): when mail may leave where a sequence does not say otherwise."""
    if isinstance(root.values.get("window"), str):
        root.read("window", forms.word(["always"]), "always")
        return ALWAYS
    table = root.table("window")
    found = ALWAYS if _is_always(table) else _span(table)
    table.close()
    try:
        forms.opens_ever(found, given.timezone)
    except FormError as wrong:
        table.report.problem(table.path, wrong.message, wrong.cure)
    return found


def _is_always(table: Table) -> bool:
    """Whether ``always`` stands in place of days or hours; the other keys may then stay, without effect."""
    if "always" not in (table.values.get("days"), table.values.get("hours")):
        return False
    for key in ("days", "hours", "timezone", "holidays"):
        table.read(key, lambda value: value, None)
    return True


def _span(table: Table) -> Window:
    opens, closes = table.read("hours", forms.hours, (time(8, 30), time(17, 30)))
    return Window(
        days=table.read("days", forms.days, frozenset(range(5))),
        opens=opens,
        closes=closes,
        timezone=table.read("timezone", forms.window_zone, "prospect"),
        holidays=table.read("holidays", forms.flag, default=True),
    )


def safety(table: Table) -> Safety:
    """Read [safety]; the defaults are the measured ones."""
    usual = Safety()
    brief, long = forms.span(timedelta(milliseconds=100), _HALF_MINUTE), forms.span(timedelta(), _DAY)
    found = Safety(
        fence_age=table.read("fence_age", brief, usual.fence_age),
        arm_ttl=table.read("arm_ttl", brief, usual.arm_ttl),
        dot_timeout=table.read("dot_timeout", forms.span(_SECOND, timedelta(hours=1)), usual.dot_timeout),
        quiet=table.read("quiet", long, usual.quiet),
        sent_lag=table.read("sent_lag", long, usual.sent_lag),
        calibration=table.read("calibration", forms.number(0, 10_000), usual.calibration),
    )
    table.close()
    if found.quiet > found.arm_ttl:
        return found
    least = found.arm_ttl + _SECOND
    message = f"quiet: a touch would be judged while its message may still be on the way; {least.seconds} s it is"
    table.report.warning((*table.path, "quiet"), message, "make quiet longer than arm_ttl")
    return replace(found, quiet=least)


def web(table: Table) -> Web:
    """Read [web]; an empty listener is off."""
    found = Web(
        listen=table.read("listen", _listen, Web().listen),
        public=table.read("public", _listen, None),
        public_url=table.read("public_url", _public_url, ""),
    )
    table.close()
    if found.public and not found.public_url:
        message = "public: nobody finds the unsubscribe links without public_url"
        table.report.warning((*table.path, "public"), message, 'set public_url = "https://…"')
    return found


def _listen(value: object) -> Listen | None:
    given = forms.text(value)
    if not given:
        return None
    found = _LISTEN.fullmatch(given)
    if not found or int(found[2]) > 65535:
        raise FormError(f'"{given}" is not a place to listen', 'write it like "127.0.0.1:8024", or "" for off')
    return Listen(found[1].strip("[]"), int(found[2]))


def _public_url(value: object) -> str:
    given = forms.text(value).rstrip("/")
    try:
        parts = urlsplit(given)
        host = parts.hostname or ""
    except ValueError as wrong:
        raise FormError(f'"{given}" is not a URL', 'write it like "https://go.abc.example"') from wrong
    plain = parts.scheme == "http" and is_loopback(host)
    if given and (not host or not (parts.scheme == "https" or plain) or parts.query or parts.fragment):
        raise FormError(f'"{given}" is not an https URL', 'write it like "https://go.abc.example"')
    return given
