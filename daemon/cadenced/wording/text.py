"""The words of a message: everything else becomes blanks, so that every offset still is the source's own."""

from __future__ import annotations

import re
from functools import lru_cache

from cadenced.wording import language as languages
from cadenced.wording.language import Language

_VISIBLE = re.compile(r"[^\n]")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)
_SUBJECT = re.compile(r"^subject[ \t]*:[ \t]*(?P<value>[^\n]*)$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(
    r"^[ ]{0,3}(`{3,20}|~{3,20})[^\n]*\n(?:.*?^[ ]{0,3}\1[^\n]*$|.*\Z)",
    re.MULTILINE | re.DOTALL,
)
_QUOTED = re.compile(r"^[ \t]{0,3}>[^\n]*$", re.MULTILINE)
_ATTRIBUTION = re.compile(r"^[^\n>]{0,160}:[ \t]*\n(?=\s{0,3}>)", re.MULTILINE)
_FORWARDED = re.compile(
    r"^[ \t]*(?:-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine|"
    r"message transféré|oorspronkelijk bericht)\s*-{2,}|_{20,})[ \t]*$.*\Z|"
    r"^(?:from|von|de|van|da)[ ]?: [^\n]{1,200}\n(?:sent|date|to|gesendet|datum|an|envoyé|à|verzonden|aan|enviado|para|"
    r"inviato|a)[ ]?: .*\Z",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_SENDER = ("from", "von", "de", "van", "da")
_INLINE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("`", re.compile(r"```|`[^`\n]+`")),
    ("<!--", re.compile(r"<!--.{0,4000}?-->", re.DOTALL)),
    ("<", re.compile(r"<(?:https?:|mailto:)[^>\s]*>|</?[a-zA-Z][^<>\n]{0,200}>")),
    ("![", re.compile(r"!\[[^\]\n]{0,300}\](?:\([^)\n]{0,2000}\))?")),
    ("](", re.compile(r"\]\([^)\n]{0,2000}\)")),
    ("://", re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)),
    ("www.", re.compile(r"www\.[^\s<>\"]+")),
    ("@", re.compile(r"(?<![\w.+-])[\w.+-]{1,100}@[\w-]+(?:\.[\w-]+)+")),
    ("[", re.compile(r"\[(?=[^\]\n]{0,300}(?:\]|[ ]{3}))")),
    ("]", re.compile(r"(?<=\w)\]")),
    ("*", re.compile(r"\*+")),
    ("~~", re.compile(r"~~")),
    ("_", re.compile(r"(?<!\w)_+(?=\w)|(?<=[^\W_])_+(?!\w)")),
    ("#", re.compile(r"^[ ]{0,3}#{1,6}[ ]", re.MULTILINE)),
    ("---", re.compile(r"^[ ]{0,3}-{3,}[ \t]*$", re.MULTILINE)),
)
"""What is no prose, each behind a piece of text without which it cannot stand there."""
_ADDRESSES = ("://", "www.", "@")
_JINJA = re.compile(r"\{\{.{0,2000}?\}\}|\{%.{0,2000}?%\}|\{#.{0,2000}?#\}", re.DOTALL)
_DASHES = re.compile(
    r"^-- ?$|^(?:sent from my|envoyé de(?:puis)? mon|(?:gesendet )?von meinem|verzonden (?:vanaf|met) mijn|"
    r"enviado desde mi|inviato dal mio|enviado do meu)[ ][^\n]{1,40}$",
    re.MULTILINE | re.IGNORECASE,
)
_AFTERTHOUGHT = re.compile(r"^\s*(?:p\.?\s?s\.?|n\.?b\.?)\s*[:.\s-]", re.IGNORECASE | re.MULTILINE)
_SIGNATURE_LINES = 10
_SHORT, _MOST_PLAIN = 100, 10_000
"""Lines that begin no signature are remembered where they are this short, so many of them."""
_SIGNATURE = 1500
"""Characters from the end within which a closing formula is looked for."""


def blank(text: str) -> str:
    """As many blanks as characters, line breaks kept."""
    return _VISIBLE.sub(" ", text) if "\n" in text else " " * len(text)


def front_matter(source: str) -> int:
    """Where the body starts: behind the front matter, 0 where there is none."""
    if not source.startswith("---"):
        return 0
    match = _FRONT.match(source)
    return match.end() if match else 0


def subject_span(source: str, body: int) -> tuple[int, int]:
    """Start and end of the subject's words within the front matter, quotes left out; (0, 0) without one."""
    match = _SUBJECT.search(source, 0, body)
    if match is None:
        return 0, 0
    start, end = match.span("value")
    value = source[start:end].rstrip()
    end = start + len(value)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return start + 1, end - 1
    return start, end


def own_words(source: str, language: str = "") -> str:
    """Return the message's own words; a text of one line is a sentence and keeps its greeting."""
    if "{" in source:
        source = _JINJA.sub(_blank_match, source)
    body = front_matter(source)
    own = own_body(source[body:], language)
    if not body:
        return own
    start, end = subject_span(source, body)
    head = blank(source[:start]) + source[start:end] + blank(source[end:body])
    return head + own


def own_body(body: str, language: str = "") -> str:
    """Return the body's own words: no markup, code, quotes, greeting or signature."""
    if "\n" not in body.strip():
        return without_addresses(body)
    read = without_markup(body)
    return without_frame(read, languages.chosen(read, language))


def without_markup(body: str) -> str:
    """Blank what is not prose: code, quoted lines, addresses, Markdown's signs."""
    if "```" in body or "~~~" in body:
        body = _FENCE.sub(_blank_match, body)
    if ">" in body:
        body = _QUOTED.sub(_blank_match, _ATTRIBUTION.sub(_blank_match, body))
    if "--" in body or "____" in body or _names_a_sender(body):
        body = _FORWARDED.sub(_blank_match, body)
    for needle, pattern in _INLINE:
        if needle in body:
            body = body.replace("*", " ") if needle == "*" else pattern.sub(_blank_match, body)
    return body


def _names_a_sender(body: str) -> bool:
    """Whether a forwarded mail's head may begin anywhere; without case, as no other letters fold to these."""
    at = body.find(": ")
    while at >= 0:
        if body[max(0, at - 5) : at].rstrip(" ").lower().endswith(_SENDER):
            return True
        at = body.find(": ", at + 1)
    return False


def _blank_match(match: re.Match[str]) -> str:
    return blank(match.group())


def without_addresses(text: str) -> str:
    """Blank web and mail addresses, and leave all else as it stands."""
    if "@" not in text and "://" not in text and "www." not in text:
        return text
    for needle, pattern in _INLINE:
        if needle in _ADDRESSES and needle in text:
            text = pattern.sub(_blank_match, text)
    return text


def without_frame(read: str, language: Language) -> str:
    """Blank the greeting and the signature."""
    start, end = frame(read, language)
    tail = read[end:]
    after = _AFTERTHOUGHT.search(tail)
    kept = len(tail) if after is None else after.start()
    return blank(read[:start]) + read[start:end] + blank(tail[:kept]) + tail[kept:]


def frame(read: str, language: Language) -> tuple[int, int]:
    """Where the greeting ends and where the signature begins."""
    greeting, closing = _frames(language)
    match = greeting.match(read)
    start = match.end() if match else 0
    if not _may_end(read, language):
        return start, len(read)
    dashes = _DASHES.search(read, start)
    end = dashes.start() if dashes else len(read)
    for match in closing.finditer(read, max(start, end - _SIGNATURE), end):
        if _is_signature(read[match.end() : end]):
            return start, match.end() if match["thanks"] else match.start()
    return start, end


def _may_end(read: str, language: Language) -> bool:
    """Whether any line may be the first of a signature; those that are not come again in the next message."""
    closing, plain = _frames(language)[1], _plain_lines(language)
    if len(plain) > _MOST_PLAIN:  # looked at first: most messages have a line that ends this early
        plain.clear()
    for line in set(read.split("\n")) - plain:
        if closing.match(line) or _DASHES.match(line):
            return True
        if len(line) <= _SHORT:
            plain.add(line)
    return False


@lru_cache(maxsize=16)
def _plain_lines(language: Language) -> set[str]:  # noqa: ARG001 - a set for each
    return set()


def _is_signature(rest: str) -> bool:
    """Whether what follows a closing formula is a few short lines."""
    after = _AFTERTHOUGHT.search(rest)
    lines = [line for line in rest[: after.start() if after else None].splitlines() if line.strip()]
    return len(lines) <= _SIGNATURE_LINES and all(len(line.strip()) <= 90 for line in lines)


@lru_cache(maxsize=16)
def _frames(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]]:
    greetings = _alternatives(language.words("message", "greetings"))
    greeted = _alternatives(language.words("message", "greeted"))
    closings = _alternatives(language.words("message", "closings"))
    named = rf"(?:[ \t,]+(?:(?i:{greeted})\b\.?|[A-ZÀ-ÞŠ-ž][\w.’'-]*)){{0,6}}"
    greeting = rf"\s*(?i:{greetings})(?!\w){named}[ \t]*(?:[,!:.–—-]+(?=\s|$)|(?=\n|\Z))"
    thanks = _alternatives(language.words("message", "thanks"))
    closing = rf"^[ \t]*(?:{closings}|(?P<thanks>{thanks}))[ \t]*[,.!]*[ \t]*$"
    return re.compile(greeting), re.compile(closing, re.MULTILINE | re.IGNORECASE)


def _alternatives(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: -len(word))) or "(?!)"
