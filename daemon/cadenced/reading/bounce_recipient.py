"""Which address failed: from the report, X-Failed-Recipients, and the many ways of writing it into a text."""

import re

from cadenced.reading.bounce_notice import Notice
from cadenced.reading.headers import addresses
from cadenced.reading.inbound import Inbound

_ADDRESS = r"(?<![\w.!#$%&'*+/=?^{|}~-])[\w.!#$%&'*+/=?^{|}~-]{1,64}@(?:[\w-]{1,63}\.){0,8}[\w-]{1,63}"
_FIND = re.compile(_ADDRESS)
_LINE = r"^[ \t>*-]{0,12}"
_NOUN = (
    r"(?:recipient|address|user|mailbox|account|addressee|destinat\w*|empf\w*|adress\w*|ontvanger|mottagar\w*|宛先)"
    r"(?: name)?s?(?:\(e?s\))?[^\n@]{0,40}[\s:<\"'(]"
)
# From the surest form to the vaguest; the first that gives an address that is not ours decides. `@@` is the address.
_FORMS = tuple(
    re.compile(form.replace("@@", f"({_ADDRESS})"), re.IGNORECASE | re.MULTILINE)
    for form in (
        _LINE + r"<@@>[ \t]*(?:\([^)\n]{0,200}\))?[ \t]*(?::|\.\.\.|$)",  # qmail, Postfix, Sendmail
        _LINE + r"[\"'<]?(?:mailto:|smtp:)?@@[\">']?[ \t]*:?[ \t]*(?:<mailto:[^>\n]{0,300}>)?[ \t]*$",  # Exim, Google
        _LINE + r"(?:\"[^\"\n]{0,80}\"[ \t]*)?[<\"'\[(]?@@[>\"'\])]?[ \t]*(?:[:;,\[(<-]| on |\.\.\.| [A-Z])",
        r"^[ \t]{0,12}[<>]{0,4}[ \t]{0,4}RCPT TO:[ \t]*<?@@",
        _NOUN + "@@",
        r"\bto:?\s{0,10}[\"'<(]{0,2}(?:mailto:)?@@",
        r"[<(\"']@@[>)\"']",
        r"@@",
    )
)
_HELPERS = re.compile(
    r"^(?:mailer-?daemon|post-?master|abuse|support|help\w*|admin\w*|no-?reply|double-bounce|webmaster)@", re.IGNORECASE
)


def find(inbound: Inbound, notice: Notice) -> tuple[str, ...]:
    """Return the addresses that failed, the surest first; () when none can be told."""
    named = _named(inbound, notice)
    if named:
        return named
    ours = _ours(inbound)
    written = _written(notice.words, ours)
    if written:
        return written
    if any(_HELPERS.match(one) for one in _header(notice.returned.raw("from"))):
        return ()  # what came back is itself a bounce
    returned = tuple(one for one in _header(notice.returned.raw("to")) if one.lower() not in ours)
    return returned if len(returned) == 1 else ()


def _named(inbound: Inbound, notice: Notice) -> tuple[str, ...]:
    """Read the report's own fields, then X-Failed-Recipients."""
    failing = [
        one
        for one in notice.refusals
        if one.action in {"failed", "delayed", "failure", ""} or one.status[:1] in {"4", "5"}
    ]
    whole = [_best(one.original, one.recipient) for one in failing or notice.refusals]
    full = tuple(dict.fromkeys(one for one in whole if "@" in one))
    if full:
        return full
    return _header(inbound.headers.raw("x-failed-recipients"))


def _best(original: str, final: str) -> str:
    """Prefer what was written to, when it is an address, to what it became (RFC 3464, 2.3.1)."""
    return original if "@" in original and "." in original.rpartition("@")[2] else final or original


def _header(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.address for value in values for one in addresses(value) if "@" in one.address))


def _ours(inbound: Inbound) -> frozenset[str]:
    """Addresses that write or receive this bounce: they are the sender's side."""
    sides = (*inbound.to, *inbound.header_from, *inbound.sender, *inbound.cc)
    return frozenset(one.address.lower() for one in sides)


def _written(words: str, ours: frozenset[str]) -> tuple[str, ...]:
    second: tuple[str, ...] = ()
    for number, form in enumerate(_FORMS):
        found = tuple(dict.fromkeys(match[1].strip("'").rstrip(".'") for match in form.finditer(words)))
        named = found if number == 0 else tuple(one for one in found if not _HELPERS.match(one))
        theirs = tuple(one for one in named if one.lower() not in ours)
        if theirs:
            return theirs[:50]
        second = second or named
    return second[:50]
