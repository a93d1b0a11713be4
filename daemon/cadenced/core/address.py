"""Addresses: one strict grammar for everything that may be written to, and what an address says about a person.

Narrower than RFC 5321 on purpose: an ASCII dot-atom before the @, a domain with at least two labels behind it. Quotes,
comments, routes and controls are how one address is smuggled inside another, and no prospect has them.
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from importlib import resources
from typing import NamedTuple

from cadenced.errors import AddressError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322, 3.2.3: atext
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}")
_PLAIN = re.compile(r"[a-z0-9_+-]{1,20}(?:\.[a-z0-9_+-]{1,20}){0,2}@(?:[a-z0-9]{1,32}\.){1,3}[a-z]{2,12}")
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF])
_SPACES = " \t\r\n\xa0\u2007\u202f\u3000"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]")
_NAMED = re.compile(r"([^<>]*)<([^<>]*)>")
NOWHERE = ".invalid"
"""The end of domains that never exist (RFC 6761, 6.4)."""

_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


class Address(NamedTuple):
    """A mailbox: ``local`` as it was written, ``domain`` in lower-case ASCII, ``display`` the name beside it."""

    local: str
    domain: str
    display: str = ""

    @property
    def email(self) -> str:
        """The address without the name, as it goes on the wire."""
        return f"{self.local}@{self.domain}"


def parse_mailbox(text: str) -> Address:
    """Read ``julie@abc.example`` or ``Julie Martin <julie@abc.example>``; AddressError says what is wrong."""
    clean = _cleaned(text)
    found = _NAMED.fullmatch(clean)
    if found is None:
        return _parse(clean, "")
    return _parse(found[2].strip(_SPACES), _display(found[1]))


def normalise(text: str) -> str:
    """Return the one form in which an address is kept: lower case, ASCII domain; AddressError says what is wrong.

    Takes what stands in spreadsheets: spaces around it, invisible characters, ``mailto:``, a name with ``<...>``.
    """
    if _PLAIN.fullmatch(text):  # nearly every address of a file: nothing to clean, nothing to doubt
        return text
    return parse_mailbox(text).email.lower()


def reachable(text: str) -> str:
    """Return a normalised address; AddressError too where no mail can ever arrive."""
    email = normalise(text)
    if email.endswith(NOWHERE):
        raise AddressError("no mail can be sent to a domain that ends in .invalid")
    return email


def identity(email: str) -> str:
    """Return what a normalised address has in common with its variants: no +tag, and no dots where Gmail ignores them.

    Two prospects of one identity are one person; mail still goes to the address as it was given.
    """
    local, _, domain = email.rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTLESS:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def untagged(email: str) -> str:
    """Return the identity of an address that differs from it, ``""`` for an address that is its own identity."""
    if "+" not in email and not email.endswith(("@gmail.com", "@googlemail.com")):
        return ""
    found = identity(email)
    return "" if found == email else found


def domain_of(email: str) -> str:
    """Return what stands behind the last @."""
    return email.rpartition("@")[2].lower()


def is_freemail(domain: str) -> bool:
    """Whether a domain belongs to a provider whose addresses say nothing about a company."""
    return domain.lower() in _freemail()


def account_key(company: str, email: str) -> str:
    """Return what colleagues share: the company's bare name, else the domain, ``""`` where neither says anything."""
    name = bare_company(company)
    if name:
        return name
    domain = domain_of(email)
    return "" if is_freemail(domain) else domain


_WORD = re.compile(r"[^\W_]+")


@functools.lru_cache(maxsize=16 * 1024)
def bare_company(company: str) -> str:
    """Return a company's name without case, accents, punctuation and legal form, for comparing."""
    plain = company.replace(".", "").replace("'", "").replace("’", "").casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = _WORD.findall(plain)
    forms = _legal_forms()
    while len(words) > 1 and words[-1] in forms:
        words.pop()
    return " ".join(words)[:200]


@functools.cache
def _freemail() -> frozenset[str]:
    return frozenset(domain for family in _data("domains").values() for domain in family)


@functools.cache
def _legal_forms() -> frozenset[str]:
    return frozenset(_data("companies")["legal_forms"]) | frozenset(_data("companies")["joining"])


def _data(table: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = tomllib.loads((resources.files(__package__) / "address.toml").read_text("utf-8"))[
        table
    ]
    return found


def _cleaned(text: str) -> str:
    clean = text.translate(_INVISIBLE).strip(_SPACES) if not text.isascii() else text.strip(_SPACES)
    if clean[:7].lower() == "mailto:":
        clean = clean[7:].partition("?")[0].strip(_SPACES)
    if not clean:
        raise AddressError("no address")
    if _CONTROL.search(clean):
        raise AddressError("the address has a line break or a control character in it")
    if clean[0] == "<" and clean[-1] == ">":
        clean = clean[1:-1].strip(_SPACES)
    return clean


def _display(text: str) -> str:
    name = text.strip(_SPACES)
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1].strip(_SPACES)
    if '"' in name or "\\" in name:
        raise AddressError("the name before the address has a quote or a backslash in it")
    return unicodedata.normalize("NFC", name)


def _parse(text: str, display: str) -> Address:
    _refuse_several(text)
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressError("not an address: there is no @ in it")
    _check_local(local)
    found = ascii_domain(domain)
    if len(local) + len(found) > 253:  # RFC 5321, 4.5.3.1.3: a path is at most 256, with its angle brackets
        raise AddressError("the address is longer than 254 characters")
    return Address(local, found, display)


def _refuse_several(text: str) -> None:
    if text.count("@") > 1:
        raise AddressError("more than one address; give each person a row of their own")
    if any(c in text for c in " \t\xa0"):
        raise AddressError("there is a space in the address")


def _check_local(local: str) -> None:
    if not local:
        raise AddressError("nothing stands before the @")
    if len(local) > 64:  # RFC 5321, 4.5.3.1.1
        raise AddressError("more than 64 characters stand before the @")
    if not _LOCAL.fullmatch(local):
        raise AddressError(f"{_oddity(local)} before the @ cannot be part of an address")


def _oddity(local: str) -> str:
    if local[0] == "." or local[-1] == "." or ".." in local:
        return "a dot at an end or beside another"
    odd = next(c for c in local if not _LOCAL.fullmatch(c) and c != ".")
    return f"{odd!r}" if odd.isprintable() else f"the character U+{ord(odd):04X}"


def ascii_domain(domain: str) -> str:
    """Return a domain as it goes on the wire: lower case, IDN as punycode (RFC 5891); AddressError when it is none."""
    lower = domain.lower()
    if not lower.isascii() or "xn--" in lower:
        lower = _punycode(lower)
    if len(lower) > 253 or not _DOMAIN.fullmatch(lower):
        raise AddressError(_domain_fault(lower))
    return lower


def _domain_fault(domain: str) -> str:
    if not domain:
        return "nothing stands behind the @"
    if "." not in domain:
        return f'"{domain[:60]}" is not a full domain: something like .com is missing'
    return f'"{domain[:60]}" is not a domain that mail can be sent to'


def _punycode(domain: str) -> str:
    import idna  # noqa: PLC0415 - only addresses beyond ASCII need its tables

    try:
        return idna.encode(idna.decode(domain, uts46=True), uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as cause:
        raise AddressError(f'"{domain[:60]}" is not a domain that mail can be sent to') from cause
