"""Countries, time zones and languages as people write them in a cell, brought to ISO 3166, IANA and ISO 639."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from importlib import resources
from typing import Any
from zoneinfo import available_timezones

_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])\s*0?(\d{1,2})(?::?00)?", re.IGNORECASE)


def word_key(text: str) -> str:
    """Return a word without case, accents, spaces and signs, for looking it up."""
    plain = text.casefold() if text.isascii() else unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


@functools.lru_cache(maxsize=1024)
def country(text: str) -> str:
    """Return the ISO 3166 code of a country's code or name in one of eight languages, ``""`` for an unknown one."""
    return _countries().get(word_key(text), "")


@functools.lru_cache(maxsize=1024)
def timezone(text: str) -> str:
    """Return the IANA name of a zone, a city or a common name; ``""`` for an unknown one."""
    if found := _zones().get(word_key(text.rpartition("/")[2])):
        return _zones().get(word_key(text), found if "/" not in text else "")
    if offset := _OFFSET.fullmatch(text.strip()):
        return _fixed(offset[1], int(offset[2]))
    return _zones().get(word_key(text), "")


@functools.lru_cache(maxsize=1024)
def language(text: str) -> str:
    """Return the two-letter code of a language's code, locale or name; ``""`` for an unknown one."""
    code = text.strip().replace("_", "-").partition("-")[0].lower()
    if len(code) == 2 and code.isascii() and code.isalpha():
        return code
    return _languages().get(word_key(text), "")


def zone_of(country_code: str) -> str:
    """Return the zone in which (nearly) all of a country works, ``""`` where there are several."""
    return _zone_of_country().get(country_code, "")


def country_of(zone: str) -> str:
    """Return the country that a zone's city lies in, ``""`` where the zone has none."""
    return _country_of_zone().get(zone, "")


def month_first(language_code: str, country_code: str) -> bool:
    """Whether 03/04 is the fourth of March to somebody of this language and country."""
    return language_code in {"", "en"} and country_code in _data()["month_first"]["countries"]


def _fixed(sign: str, hours: int) -> str:
    """Return the zone of a whole-hour offset; POSIX counts the other way round."""
    if hours == 0:
        return "UTC"
    name = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
    return name if name in available_timezones() else ""


@functools.cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((resources.files(__package__) / "places.toml").read_text("utf-8"))


@functools.cache
def _countries() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for line in _table("iso3166.tab"):
        code, name = line.split("\t")[:2]
        found |= {word_key(code): code, word_key(name): code}
    for code, names in _data()["countries"].items():
        found |= {word_key(name): code for name in names}
    return found


@functools.cache
def _zones() -> Mapping[str, str]:
    """Return zones by their name, their city and what people call them."""
    found: dict[str, str] = {}
    names = sorted(name for name in available_timezones() if not name.startswith(("posix", "right", "SystemV", "Etc/")))
    for name in names:
        if "/" in name:
            found.setdefault(word_key(name.rpartition("/")[2]), name)
    for name in names:
        found[word_key(name)] = name
    for name, others in _data()["zones"].items():
        found |= {word_key(other): name for other in others}
    return found


@functools.cache
def _languages() -> Mapping[str, str]:
    return {word_key(name): code for code, names in _data()["languages"].items() for name in names}


@functools.cache
def _zone_of_country() -> Mapping[str, str]:
    found: dict[str, list[str]] = {}
    for line in _table("zone.tab"):
        code, _, zone = line.split("\t")[:3]
        found.setdefault(code, []).append(zone)
    single = {code: zones[0] for code, zones in found.items() if len(zones) == 1}
    return single | dict(_data()["main_zones"])


@functools.cache
def _country_of_zone() -> Mapping[str, str]:
    return {line.split("\t")[2]: line.split("\t")[0] for line in _table("zone.tab")}


def _table(name: str) -> list[str]:
    text = (resources.files("tzdata") / "zoneinfo" / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
