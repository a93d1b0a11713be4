"""One message as it came, decoded once: any bytes become an `Inbound`, or `InboundError`, never anything else."""

import html
import re
from dataclasses import dataclass
from datetime import datetime

from cadenced.errors import InboundError
from cadenced.reading import headers as header
from cadenced.reading import mime, tnef
from cadenced.reading.headers import Address, Headers
from cadenced.reading.mime import Part

SIZE_LIMIT = 64_000_000  # bytes; above every provider's limit for a message
BODY_LIMIT = 400_000  # characters of text, and of HTML, that are read
_JUNK = re.compile(rb"\A(?:[\s\x00]{0,1000}|\xef\xbb\xbf)(?:>?From [^\n:]{0,300}[^\n]{0,300}\n)?")
_TAG_GAP = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|/?blockquote|/?pre|hr)\b[^<>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"<[!/a-zA-Z][^<>]{0,4000}>")
_UNSEEN = re.compile(r"<(style|script|head|title)\b[^<>]{0,2000}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message that came in. Ids are without angle brackets; texts have LF line ends; "" and () mean none."""

    headers: Headers
    subject: str
    header_from: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sender: tuple[Address, ...]
    return_path: str | None  # None: no such field; "": the null return path `<>`
    date: datetime | None
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    cadence_ref: str
    text: str
    html: str
    parts: tuple[Part, ...]
    content_type: str
    size: int

    @property
    def author(self) -> str:
        """The first address in From, else in Sender, lower-cased, or ""."""
        first = next(iter((*self.header_from, *self.sender)), None)
        return first.address.lower() if first else ""

    def readable(self) -> str:
        """Return the text, else the HTML without its tags: for machines' mail, where quoting does not matter."""
        return self.text if self.text.strip() or not self.html else plain(self.html)

    def part(self, *content_types: str) -> Part | None:
        """Return the first part of one of these types, or None."""
        return next((part for part in self.parts if part.content_type in content_types), None)


def parse(raw: bytes) -> Inbound:
    """Read the bytes of one message; InboundError when there is nothing to read or far too much."""
    if len(raw) > SIZE_LIMIT:
        raise InboundError(f"a message of {len(raw)} bytes is not read (limit {SIZE_LIMIT})")
    start = _JUNK.match(raw)
    clean = raw[start.end() :] if start else raw
    if not clean.strip(b"\x00 \t\r\n"):
        raise InboundError("an empty message")
    fields, body = mime.split(clean)
    return _inbound(fields, mime.leaves(fields, body), len(raw))


def _inbound(fields: Headers, parts: tuple[Part, ...], size: int) -> Inbound:
    text, html_text = _body(parts, "text/plain"), _body(parts, "text/html")
    if not text.strip() and not html_text.strip():
        text, html_text = _packet(parts)
    return Inbound(
        headers=fields,
        subject=fields.get("subject")[:2_000],
        header_from=_addresses(fields, "from"),
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        reply_to=_addresses(fields, "reply-to"),
        sender=_addresses(fields, "sender"),
        return_path=_return_path(fields),
        date=header.date_of(fields.get("date")),
        message_id=next(iter(header.message_ids(fields.get("message-id"))), ""),
        in_reply_to=_ids(fields, "in-reply-to"),
        references=_ids(fields, "references"),
        cadence_ref=fields.get("x-cadence-ref").strip()[:300],
        text=text,
        html=html_text,
        parts=parts,
        content_type=fields.get("content-type").split(";", 1)[0].strip().lower(),
        size=size,
    )


def _addresses(fields: Headers, name: str) -> tuple[Address, ...]:
    return tuple(one for value in fields.raw(name)[:20] for one in header.addresses(value))


def _ids(fields: Headers, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for value in fields.get_all(name)[:20] for one in header.message_ids(value)))


def _return_path(fields: Headers) -> str | None:
    if "return-path" not in fields:
        return None
    return fields.get("return-path").strip().strip("<>").strip()[:320]


def _body(parts: tuple[Part, ...], kind: str) -> str:
    """All inline texts of one kind, in order: Apple Mail cuts a text at every picture."""
    wanted = [part for part in parts if part.content_type == kind]
    shown = [part for part in wanted if not part.attached and not part.filename] or wanted[:1]
    pieces: list[str] = []
    room = BODY_LIMIT
    for part in shown[:20]:
        pieces.append(part.text(room))
        room -= len(pieces[-1])
        if room <= 0:
            break
    return "\n".join(pieces) if len(pieces) > 1 else "".join(pieces)


def _packet(parts: tuple[Part, ...]) -> tuple[str, str]:
    """Return text and HTML of a `winmail.dat`; asked for only where the mail itself says nothing."""
    packet = next((one for one in parts if one.content_type in tnef.TYPES or one.filename.lower() == tnef.NAME), None)
    if packet is None:
        return "", ""
    found = tnef.body(packet.data(tnef.LIMIT))
    return found.text[:BODY_LIMIT], found.html[:BODY_LIMIT]


def plain(source: str) -> str:
    """Return the words of HTML with line ends at blocks; quoting is not looked at."""
    text = _TAG_GAP.sub("\n", _seen(source[:BODY_LIMIT]))
    return html.unescape(_TAG.sub(" ", text)).replace("\xa0", " ")


def _seen(source: str) -> str:
    """Leave out what no reader sees: style, script, head."""
    lowered = source.lower()
    pieces: list[str] = []
    at = 0
    while match := _UNSEEN.search(source, at):
        end = lowered.find(f"</{match[1].lower()}", match.end())
        pieces.append(source[at : match.start()])
        if end < 0:  # never closed: browsers show nothing of it either
            return "".join(pieces)
        at = end
    return "".join([*pieces, source[at:]])
