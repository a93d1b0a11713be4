"""What a configuration is: frozen values with every default filled in and every path absolute."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from cadenced.config import secret
from cadenced.config.secret import Secret
from cadenced.core.model import Place
from cadenced.core.pacing import Window
from cadenced.errors import Problem

NOTHING: Mapping[str, object] = MappingProxyType({})


class Security(StrEnum):
    """How a connection is made private; ``none`` only towards this machine."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class SentCopy(StrEnum):
    """Who files sent mail: the server, we by a copy to ourselves, we by an APPEND, nobody, or find out."""

    AUTO = "auto"
    SERVER = "server"
    SELF = "self"
    APPEND = "append"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Daemon:
    """The workspace. ``database`` is a URL with an absolute path; a dropped file must be still for ``settle``."""

    database: str = field(repr=False)
    inbox: Path
    sequences: Path
    templates: Path
    timezone: str = "UTC"
    country: str = ""
    postal_address: str = ""
    settle: timedelta = timedelta(seconds=2)
    default_sequence: str = ""


@dataclass(frozen=True, slots=True)
class Ramp:
    """The cap of a mailbox's first day, and by how much it grows each day."""

    start: int
    step: int


@dataclass(frozen=True, slots=True)
class Smtp:
    """The way out. Without ``username`` no AUTH is tried."""

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: Secret | None = None
    connections: int = 4


@dataclass(frozen=True, slots=True)
class Imap:
    """The way in. ``sent`` is ``auto`` or a folder's name."""

    host: str
    port: int = 993
    security: Security = Security.TLS
    username: str = ""
    password: Secret | None = None
    folder: str = "INBOX"
    sent: str = "auto"
    sent_copy: SentCopy = SentCopy.AUTO


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address of ours, bare, with the name beside it; ``daily_limit`` 0 is no limit, ``signature`` a text."""

    name: str
    address: str
    display: str
    smtp: Smtp
    imap: Imap
    daily_limit: int = 50
    min_gap: timedelta = timedelta(seconds=90)
    ramp: Ramp | None = None
    signature: str = ""

    def secrets(self, grants: Path) -> tuple[Secret, ...]:
        """Return what must be readable for a login, each once; ``oauth2:`` is read from its grant below ``grants``."""
        named = ((self.imap.password, self.imap.username), (self.smtp.password, self.smtp.username))
        found = {str(one): _at_rest(one, username, grants) for one, username in named if one is not None}
        return tuple(found.values())


def _at_rest(one: Secret, username: str, grants: Path) -> Secret:
    return secret.grant(one, username, grants) if one.kind == "oauth2" else one


@dataclass(frozen=True, slots=True)
class Safety:
    """The measured constants of sending (RELIABILITY 2.1)."""

    fence_age: timedelta = timedelta(seconds=3)
    arm_ttl: timedelta = timedelta(seconds=3)
    dot_timeout: timedelta = timedelta(minutes=10)
    quiet: timedelta = timedelta(minutes=15)
    sent_lag: timedelta = timedelta(minutes=10)
    calibration: int = 20


@dataclass(frozen=True, slots=True)
class Listen:
    """A host and a port to listen on."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Web:
    """The dashboard's and the unsubscribe links' listeners; None is off."""

    listen: Listen | None = Listen("127.0.0.1", 8024)
    public: Listen | None = None
    public_url: str = ""


@dataclass(frozen=True)
class Config:
    """One cadenced.toml, checked. ``lint`` is handed on as it stands."""

    path: Path
    daemon: Daemon
    window: Window = Window()
    mailboxes: tuple[Mailbox, ...] = ()
    safety: Safety = Safety()
    web: Web = Web()
    lint: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    warnings: tuple[Problem, ...] = ()

    @property
    def place(self) -> Place:
        """Where prospects are taken to live when their row says nothing."""
        return Place(self.daemon.timezone, self.daemon.country)

    @property
    def grants(self) -> Path:
        """Where the grants of ``oauth2:`` lie and are rewritten: in a service's own state, else beside the file."""
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd.exec(5): several are joined by ":"
        return (Path(state) if state else self.path.parent) / "grants"

    def mailbox(self, name: str) -> Mailbox | None:
        """Return the mailbox of this name or address, None where there is none."""
        return self._named.get(name.casefold())

    @cached_property
    def _named(self) -> Mapping[str, Mailbox]:
        """Every mailbox by its name and by its address: each touch asks, and there may be a thousand."""
        return {word.casefold(): box for box in reversed(self.mailboxes) for word in (box.address, box.name)}
