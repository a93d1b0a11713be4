"""One tree of exceptions: a class says what went wrong and carries the data; faces turn it into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A user's mistake with its place (1-based line and column, 0 where none is known) and its cure.

    A line of which no column is known is shown from its first one.
    """

    file: str
    line: int
    column: int
    message: str
    cure: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column: message; cure`` as editors and people read it."""
        place = f"{self.file}:{self.line}:{self.column or 1}" if self.line else self.file
        return f"{place}: {self.message}" + (f" ({self.cure})" if self.cure else "")


class CadencedError(Exception):
    """The root: everything this program raises on purpose."""

    exit_status = 4


class RefusedError(CadencedError):
    """What was asked is understood and not done; the message says why."""

    exit_status = 1


class UsageError(CadencedError):
    """The command line does not make sense."""

    exit_status = 2


class BrokenWorkspaceError(CadencedError):
    """Config, sequences or templates cannot be used; carries every problem, not only the first."""

    exit_status = 3

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class AddressError(RefusedError):
    """Not an address that mail can be sent to; the message says what is wrong with it."""


class TemplateError(RefusedError):
    """A template cannot be parsed or rendered; carries the problem with its place in the source."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class ComposeError(RefusedError):
    """A message cannot be built without breaking the law of headers (RELIABILITY I25)."""


class InboundError(CadencedError):
    """These bytes cannot be read as a message at all."""


class IllegalEventError(CadencedError):
    """The lifecycle's table has no cell for this state and event."""


class StoreError(CadencedError):
    """The database cannot be used."""


class NewerDatabaseError(StoreError):
    """The database was written by a newer version of cadenced; nothing was touched."""


class DatabaseAwayError(StoreError):
    """The database's server does not answer; it may be back soon."""


class DatabaseInUseError(StoreError):
    """Another daemon works on this database."""


class WireError(CadencedError):
    """A mail server could not be used; nothing left this machine."""


class LoginRefusedError(WireError):
    """The server refused user name or password; trying again soon would lock the account."""


class TlsRefusedError(WireError):
    """The connection cannot be made private: no TLS, or a certificate that does not verify."""
