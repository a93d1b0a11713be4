"""Providers' refusals in plain words, each with what cures it."""

from cadenced.reading import patterns

_GENERAL = (
    "The receiver refuses you as a sender, not this address. Read what its server says, check SPF, DKIM and DMARC"
    " with `cadenced doctor`, and send less until it passes."
)


def explain(status: str, diagnostic: str) -> str:
    """Say what a refusal with this RFC 3463 code and text means and what cures it; a general word when unknown."""
    text = f"{status} {diagnostic}"[:4_000]
    lowered = text.lower()
    for pattern in patterns.load("bounce_advice"):
        if pattern.search(text, lowered):
            return str(pattern.tags["advice"])
    return _GENERAL
