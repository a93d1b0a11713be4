"""cadenced.toml: found, read and checked as a whole into a frozen Config."""

from cadenced.config.document import find, load
from cadenced.config.secret import Secret
from cadenced.config.values import (
    Config,
    Daemon,
    Imap,
    Listen,
    Mailbox,
    Ramp,
    Safety,
    Security,
    SentCopy,
    Smtp,
    Web,
)

__all__ = [
    "Config",
    "Daemon",
    "Imap",
    "Listen",
    "Mailbox",
    "Ramp",
    "Safety",
    "Secret",
    "Security",
    "SentCopy",
    "Smtp",
    "Web",
    "find",
    "load",
]
