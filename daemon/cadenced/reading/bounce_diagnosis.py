"""What a refusal means: hard, soft or blocked, and its RFC 3463 status, from diagnostic words and codes."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice

from cadenced.reading import patterns
from cadenced.reading.phrasebook import Phrasebook

_LIMIT = 3_000  # characters of a diagnostic that are read
_LOCAL = re.compile(r"<?(?<![\w.!#$%&'*+/=?^{|}~-])[\w.!#$%&'*+/=?^{|}~-]{1,64}\Z")  # up to the sign of an address
_DOMAIN = re.compile(r"[\w.-]{1,255}>?")
# Each begins with the one figure that it must have and looks back afterwards: found several times as fast.
_CONTINUED = re.compile(r"[45](?<![\d.][45])\d\d-(?:[ ]?[45]\.\d{1,3}\.\d{1,3})?[ ]?")
_ENHANCED = re.compile(r"[245](?<![\d.][245])\.\d{1,3}\.\d{1,3}(?![\d.]*\.?\d)")
_REPLY = re.compile(r"[45](?<![\d.:/@#-][45])[0-7]\d(?=[ \-:,;)\]]|$)(?![ ]?(?:bytes|days|hours|KB|MB))")
# Some gateways put a heading of their own before the answer that they got.
_WRAPPED = re.compile(r"5\.1\.\d - (?:[Uu]nknown|[Bb]ad) [\w ]{1,40}error (?=[45]\d\d-)")
_STOPS = ("(in reply to", "----", "====", "****")
# RFC 5321, 4.1.4: what is refused before RCPT says nothing of the recipient.
_EARLY = re.compile(
    r"(?:in reply to|after|during|response to|stage:?) (?:end of )?(?:the )?\W{0,3}"
    r"(?:mail from|ehlo|helo|initial|connect\w*\b|banner)"
    r"|\[mail_?from\]|sender was rejected|refused to talk to me|while performing the (?:ehlo|helo)"
)
_LATE = re.compile(
    r"(?:reply to|after|during|response to) (?:the )?(?:end of )?(?:the )?\W?data\b|\bend of data\b|\[data\]"
)
# One of them stands in whatever the early expression finds.
_EARLY_KEYS = (
    *("mail from", "mail_from", "mailfrom", "helo", "ehlo", "initial", "connect", "banner"),
    *("sender was rejected", "refused to talk"),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`kind` is hard, soft or blocked; `reason` the family; `sure` is False where only a code or nothing spoke."""

    kind: str
    status: str
    reason: str
    sure: bool
    words: str = ""


@lru_cache(maxsize=8)  # the same words are asked for their meaning and for their code
def clean(text: str) -> str:
    """Bring a diagnostic to one line, without addresses and continuation codes."""
    line = _line(text)
    plain = _without_addresses(line) if "@" in line else line
    return _CONTINUED.sub(" ", plain)[:_LIMIT]


def _without_addresses(line: str) -> str:
    """Put `<addr>` in place of each address; looked for from its sign on, for most of a line is none."""
    pieces: list[str] = []
    at = 0
    sign = line.find("@")
    while sign >= 0:
        local = _LOCAL.search(line, max(at, sign - 66), sign)
        domain = _DOMAIN.match(line, sign + 1) if local else None
        if local and domain:
            pieces += [line[at : local.start()], "<addr>"]
            at = domain.end()
        sign = line.find("@", max(at, sign + 1))
    return "".join([*pieces, line[at:]])


def _line(text: str) -> str:
    limited = text[: _LIMIT * 2]
    return " ".join((_WRAPPED.sub("", limited) if "rror" in limited else limited).split())


def replies(text: str) -> list[str]:
    """Return what stands behind each SMTP reply code in a notice: the remote server's own words, at most eight."""
    line = _line(text)
    return [_up_to_stop(line[match.start() : match.start() + 300]) for match in islice(_REPLY.finditer(line), 8)]


def _up_to_stop(piece: str) -> str:
    return piece[: min((at for at in map(piece.find, _STOPS) if at >= 0), default=len(piece))]


def enhanced(text: str) -> str:
    """Return the first RFC 3463 code in a text that says more than x.0.0, else the first, else ""."""
    first = ""
    for match in _ENHANCED.finditer(text, 0, _LIMIT * 2):
        if not match[0].endswith(".0.0"):
            return match[0]
        first = first or match[0]
    return first


def reply_code(text: str) -> str:
    """Return the first SMTP reply code 4yz or 5yz in a text, or ""."""
    match = _REPLY.search(text[: _LIMIT * 2])
    return match[0] if match else ""


def by_words(text: str, weak: bool = False) -> Diagnosis | None:
    """Judge by the first family of phrases that speaks, or None; `weak` by single words, which only hint."""
    line = clean(text)
    found = _reasons(weak).first(line.lower())
    if found is None:
        return None
    pattern, match = found
    return Diagnosis(pattern.tags["class"], pattern.tags["status"], pattern.code, not weak, _around(line, match))


@cache
def _reasons(weak: bool = False) -> Phrasebook:
    return Phrasebook(one for one in patterns.load("bounce_reasons") if one.tags.get("weak", False) == weak)


def warm() -> None:
    """Compile every phrase ahead of its first use."""
    for weak in (False, True):
        _reasons(weak).compile()


def _around(line: str, match: re.Match[str]) -> str:
    return line[max(0, match.start() - 40) : match.end() + 40].strip()


_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.10", "5.2.1"})
_WEAK = frozenset({"system", "network", "expired"})  # words that also stand beside what is meant


def early(text: str) -> bool:
    """Whether the refusal came before the recipient was named: on connecting, HELO or MAIL FROM."""
    line = " ".join(text[: _LIMIT * 2].lower().split())
    return any(key in line for key in _EARLY_KEYS) and _EARLY.search(line) is not None


# RFC 3463, 3 and its registry: class of the subject.detail pair, whatever the first digit says.
_HARD = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.9", "1.10", "2.0", "2.1", "2.4", "4.4", "7.17"})
_SOFT_SUBJECTS = frozenset({"2", "3", "4"})
_BLOCKED_SUBJECTS = frozenset({"5", "6", "7"})
_SENDER = frozenset({"1.7", "1.8"})


def by_status(status: str) -> Diagnosis | None:
    """Judge by an RFC 3463 code that says more than x.0.0, or None."""
    if not status or status.endswith(".0.0") or status[0] not in "45":
        return None
    pair = status[2:]
    if pair in _HARD:
        kind = "hard" if status[0] == "5" or pair.startswith("1.") else "soft"
    elif pair in _SENDER or pair.split(".")[0] in _BLOCKED_SUBJECTS:
        kind = "blocked"
    elif pair.split(".")[0] in _SOFT_SUBJECTS or status[0] == "4":
        kind = "soft"
    else:
        kind = "hard"
    return Diagnosis(kind, status, "status", False)


_BY_REPLY = {"552": "soft", "530": "blocked", "535": "blocked", "571": "blocked", "503": "blocked", "501": "blocked"}


def by_reply(code: str) -> Diagnosis | None:
    """Judge by an SMTP reply code (RFC 5321, 4.2.3), or None."""
    if not code:
        return None
    kind = "soft" if code.startswith("4") else _BY_REPLY.get(code, "hard")
    return Diagnosis(kind, f"{code[0]}.0.0", "reply code", False)


def judge(quoted: Iterable[str], told: str = "", status: str = "", title: str = "") -> Diagnosis:
    """Judge a refusal; hard and unstated when nothing speaks.

    `quoted` are the remote server's words, surest first; `told` the notice around them; `status` the report's own
    code; `title` the subject. Words go before codes, the remote's before the notice's: codes are often set wrongly,
    words seldom.
    """
    said = _Kept(quoted)
    found = (
        _first(by_words, said)
        or _first(by_status, map(enhanced, said))
        or _first(by_words, [told])
        or _first(by_status, [status, enhanced(told)])
        or _first(by_words, [title])
        or _first(_by_hints, said)
        or _first(by_reply, map(reply_code, said))
        or Diagnosis("hard", "5.0.0", "unstated", False)
    )
    if found.reason in _WEAK and any(enhanced(one) in _DEAD and by_status(enhanced(one)) for one in (*said, status)):
        return replace(found, kind="hard")
    if found.reason == "host_unknown" and _passing((*said, status)):
        return replace(found, kind="soft")
    if found.reason == "unavailable" and next(filter(None, map(reply_code, said)), "").startswith("4"):
        return replace(found, kind="soft", status="4.2.0")  # RFC 5321, 4.2.3: 450 is a mailbox that is busy
    if found.kind == "hard" and found.reason != "disabled" and early(f"{told} {next(iter(said), '')}"):
        return Diagnosis("blocked", found.status, "refused before the recipient was named", False, found.words)
    return found


def _by_hints(text: str) -> Diagnosis | None:
    """Judge a refusal that nothing understands: by single words, else by when it came."""
    code = reply_code(text)
    hint = (by_words(text, weak=True) or _late(text)) if code.startswith("5") else None
    return None if hint and hint.kind == "hard" and code in _BY_REPLY else hint


def _late(text: str) -> Diagnosis | None:
    """Judge a refusal after the recipient had been taken (RFC 5321, 3.3): it is about the mail, not the address."""
    said = _LATE.search(" ".join(text.lower().split()))
    return Diagnosis("blocked", "5.6.0", "refused after the recipient was taken", False, said[0]) if said else None


class _Kept:
    """What an iterator gives, worked out only as far as somebody asks, and once."""

    def __init__(self, source: Iterable[str]) -> None:
        self._source = iter(source)
        self._kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        yield from self._kept
        for one in self._source:
            self._kept.append(one)
            yield one


def _passing(sources: Iterable[str]) -> bool:
    """Whether the sending server itself calls a trouble with names or routes temporary (4.0.0, 4.3.z, 4.4.z)."""
    return any(enhanced(one).startswith(("4.0", "4.3", "4.4")) for one in sources)


def _first(one: Callable[[str], Diagnosis | None], sources: Iterable[str]) -> Diagnosis | None:
    return next(filter(None, (one(source) for source in sources if source)), None)
