"""The [[mailbox]] tables: an address of ours with its way out and its way in."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cadenced.config import forms, secret
from cadenced.config.forms import FormError
from cadenced.config.table import Report, Table
from cadenced.config.values import Imap, Mailbox, Ramp, Security, SentCopy, Smtp
from cadenced.core import address
from cadenced.errors import AddressError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_EXAMPLE = "company.example"
"""The domain in the file that ``cadenced init`` writes; no mail can ever go there (RFC 2606, 3)."""

_SAID_OTHERWISE = {
    "ssl": "tls",
    "ssl/tls": "tls",
    "smtps": "tls",
    "imaps": "tls",
    "start_tls": "starttls",
    "tls/starttls": "starttls",
    "plain": "none",
}
_PORTS = {
    ("smtp", Security.STARTTLS): 587,
    ("smtp", Security.TLS): 465,
    ("smtp", Security.NONE): 25,
    ("imap", Security.TLS): 993,
    ("imap", Security.STARTTLS): 143,
    ("imap", Security.NONE): 143,
}


def read(root: Table, base: Path) -> tuple[Mailbox, ...]:
    """Read every mailbox; secrets in files are looked for below ``base``."""
    tables = root.tables("mailbox")
    boxes = tuple(_mailbox(table, base) for table in tables)
    for kind in ("name", "address"):
        _once(root.report, tables, [getattr(box, kind) for box in boxes], kind)
    return boxes


def _once(report: Report, tables: list[Table], values: list[str], key: str) -> None:
    for n, value in enumerate(values):
        if value and value.casefold() in {other.casefold() for other in values[:n]}:
            report.problem((*tables[n].path, key), f'two mailboxes have the {key} "{value}"', "each needs its own")


def _mailbox(table: Table, base: Path) -> Mailbox:
    display, bare = table.need("address", _address, ("", ""))
    box = Mailbox(
        name=table.need("name", _mailbox_name, ""),
        address=bare,
        display=display,
        smtp=_smtp(table.table("smtp", needed=True), base),
        imap=_imap(table.table("imap", needed=True), base),
        daily_limit=table.read("daily_limit", forms.number(0, 1_000_000), 50),
        min_gap=table.read("min_gap", forms.span(timedelta(), timedelta(days=1)), timedelta(seconds=90)),
        ramp=_ramp(table) if "ramp" in table else None,
        signature=table.read("signature", forms.text, ""),
    )
    table.close()
    _warn_of_example(table, box)
    return box


def _warn_of_example(table: Table, box: Mailbox) -> None:
    """Tell of what a new workspace was written with and nobody has replaced yet."""
    places = {("address",): box.address, ("smtp", "host"): box.smtp.host, ("imap", "host"): box.imap.host}
    left = [path for path, value in places.items() if value.endswith(_EXAMPLE)]
    if left:
        names = [".".join(path) for path in left]
        named = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
        message = f"{named}: this is still the example" if len(left) == 1 else f"{named} are still those of the example"
        table.report.warning((*table.path, *left[0]), message, "write your own address and servers")


def _mailbox_name(value: object) -> str:
    given = forms.filled(value)
    if not _NAME.fullmatch(given):
        raise FormError(f'"{given[:80]}" is not a name for a mailbox', "use letters, digits, and . _ - between them")
    return given


def _address(value: object) -> tuple[str, str]:
    """Read ``Julie Martin <julie@abc.example>`` as display name and bare address."""
    try:
        found = address.parse_mailbox(forms.filled(value))
    except AddressError as wrong:
        raise FormError(str(wrong), 'write it like "Julie Martin <julie@abc.example>"') from wrong
    return found.display, found.email


def _ramp(table: Table) -> Ramp:
    inner = table.table("ramp")
    ramp = Ramp(inner.need("start", forms.number(1, 100_000), 10), inner.need("step", forms.number(0, 100_000), 5))
    inner.close()
    return ramp


def _smtp(table: Table, base: Path) -> Smtp:
    host, port, security = _server(table, "smtp", Security.STARTTLS)
    username = table.read("username", forms.text, "")
    password = _password(table, base)
    if bool(username) != ("password" in table):
        missing = "password" if username else "username"
        table.report.problem(table.path, f"{table.title} has no {missing}", "a login needs both, no login neither")
    connections = table.read("connections", forms.number(1, 50), 4)
    table.close()
    return Smtp(host, port, security, username, password, connections)


def _imap(table: Table, base: Path) -> Imap:
    host, port, security = _server(table, "imap", Security.TLS)
    imap = Imap(
        host=host,
        port=port,
        security=security,
        username=table.need("username", forms.filled, ""),
        password=_password(table, base, needed=True),
        folder=table.read("folder", forms.filled, "INBOX"),
        sent=table.read("sent", forms.filled, "auto"),
        sent_copy=SentCopy(table.read("sent_copy", forms.word(SentCopy), SentCopy.AUTO.value)),
    )
    table.close()
    return imap


def _server(table: Table, protocol: str, default: Security) -> tuple[str, int, Security]:
    host = table.need("host", _host, "")
    security = Security(table.read("security", forms.word(Security, _SAID_OTHERWISE), default.value))
    port = table.read("port", forms.number(1, 65535), _PORTS[protocol, security])
    if security is Security.NONE and host and not is_loopback(host):
        message = f"security: passwords and mail would cross the network to {host} in the clear"
        table.report.problem((*table.path, "security"), message, 'use "starttls" or "tls"')
    return host, port, security


def _host(value: object) -> str:
    given = forms.filled(value)
    if "://" in given or re.fullmatch(r"[^:]*:\d+", given):
        raise FormError(f'"{given}" is more than a host name', "the port has its own key: port = …")
    if not _HOST.fullmatch(given):
        raise FormError(f'"{given}" is not a host name')
    return given


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost``, 127.* or ::1."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _password(table: Table, base: Path, *, needed: bool = False) -> secret.Secret | None:
    ask: Callable[..., secret.Secret | None] = table.need if needed else table.read
    return ask("password", lambda value: _reference(table, base, value), None)


def _reference(table: Table, base: Path, value: object) -> secret.Secret:
    found = secret.parse(value)
    if found.kind == "file":
        found = secret.Secret("file", str(base / Path(found.name).expanduser()))
    return found.placed(table.report.at((*table.path, "password"), ""))
