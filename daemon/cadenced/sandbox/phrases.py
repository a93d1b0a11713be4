"""The words of invented answers, by verdict and language (``phrases.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources

RETURNED: Mapping[str, tuple[str, str, str]] = {
    "bounce.hard": ("5.1.1", "550 5.1.1 no such user here", "failed"),
    "bounce.soft": ("4.2.2", "452 4.2.2 mailbox is full", "failed"),
    "bounce.blocked": ("5.7.1", "550 5.7.1 message rejected due to policy", "failed"),
    "bounce.delayed": ("4.4.1", "421 4.4.1 connection timed out, will keep trying", "delayed"),
}
"""Enhanced status (RFC 3463), diagnostic and action of each kind of bounce."""


@cache
def _known() -> Mapping[str, Mapping[str, str]]:
    text = resources.files("cadenced.sandbox").joinpath("phrases.toml").read_text("utf-8")
    return tomllib.loads(text)


def _phrase(name: str, language: str) -> str:
    known = _known()
    return known.get(language, {}).get(name) or known["en"].get(name, "")


def verdicts() -> tuple[str, ...]:
    """Return every verdict that an answer can be invented for."""
    families = ("reply.", "auto.", "invite.")
    return (*(name for name in _known()["en"] if name.startswith(families)), *RETURNED)


def usual(verdict: str, language: str) -> str:
    """Return what is usually said, in English where nothing is known in a language."""
    return _phrase(verdict, language)


def filled(text: str, language: str, until: date | None) -> str:
    """Return a text with its day."""
    return text.replace("{until}", day(until, language) if until else "")


def day(at: date, language: str) -> str:
    """Return a day as people write it."""
    month = _phrase("months", language).split()[at.month - 1]
    return _phrase("day", language).format(day=at.day, month=month, year=at.year)


def subject(verdict: str, language: str, answered: str, *, new: bool) -> str:
    """Return the subject of an answer."""
    if new:
        return "Your mail"
    if verdict.startswith("auto."):
        return _phrase("subject.auto", language).format(subject=answered)
    if verdict.startswith("invite."):
        return f"{verdict.partition('.')[2].capitalize()}: {answered}"
    return answered if answered.lower().startswith("re:") else f"Re: {answered}"


def quoting(language: str, who: str) -> str:
    """Return the line above quoted words."""
    return _phrase("quoting", language).format(who=who)


def returned(verdict: str, text: str) -> tuple[str, str, str]:
    """Return status, diagnostic and action of a bounce."""
    status, diagnostic, action = RETURNED[verdict]
    return status, " ".join(text.split()) or diagnostic, action
