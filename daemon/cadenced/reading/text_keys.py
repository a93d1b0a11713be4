"""The keys of one text for all its readers: each cuts it into sentences its own way and asks what the text has."""

from functools import lru_cache

from cadenced.reading import presence, quoting


def around(keys: presence.Index, *texts: str) -> frozenset[str]:
    """Return the keys that any sentence of texts can hold, however its lines are broken; quoted lines count, too.

    A sentence is lower-case, has plain apostrophes and one space between words. It need not hold all of these keys.
    """
    return frozenset().union(*(_around(keys, text) for text in texts if text))


@lru_cache(maxsize=8)
def _around(keys: presence.Index, text: str) -> frozenset[str]:
    return presence.likely(keys, _plain(text))


@lru_cache(maxsize=2)
def _plain(text: str) -> str:
    spoken = quoting.spoken(text)
    whole = text if spoken is text else f"{text}\n{spoken}"
    plain = " ".join(whole.lower().split()).replace("’", "'")
    return f"{plain}\n{plain.replace('´', chr(39))}" if "´" in plain else plain
