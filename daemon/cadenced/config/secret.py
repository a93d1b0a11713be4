"""Secrets are named in the configuration, never written there; they are read when a connection needs them.

``env:NAME`` is an environment variable, ``file:PATH`` a file that nobody else may read, ``credential:NAME`` one of
systemd's credentials, ``oauth2:PROVIDER`` a token that the mail layer obtains.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from cadenced.config.forms import FormError, text
from cadenced.config.spelling import did_you_mean
from cadenced.errors import BrokenWorkspaceError, Problem

KINDS = ("env", "file", "credential", "oauth2")
PROVIDERS = ("google", "microsoft")
"""Who gives tokens: the names that may stand behind ``oauth2:``."""

_CURE = 'write "env:NAME", "file:PATH", "credential:NAME" or "oauth2:PROVIDER"'
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]*")
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is to be found, and where in the configuration that is said; holds no secret itself."""

    kind: str
    name: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return the reference as it stands in the file."""
        return f"{self.kind}:{self.name}"

    def placed(self, problem: Problem) -> Secret:
        """Return the same reference with the place of ``problem``."""
        return replace(self, file=problem.file, line=problem.line, column=problem.column)


def parse(value: object) -> Secret:
    """Read a reference; a password in plain text is refused without being repeated."""
    kind, colon, name = text(value).partition(":")
    name = name.strip()
    if kind not in KINDS or not colon or not name:
        raise FormError("a secret does not belong in this file", _CURE)
    if kind == "env" and not _ENV.fullmatch(name):
        raise FormError("after env: stands the name of an environment variable", 'such as "env:JULIE_PASSWORD"')
    if kind in {"credential", "oauth2"} and not _NAME.fullmatch(name):
        raise FormError(f"after {kind}: stands a plain name", _CURE)
    if kind == "oauth2" and name not in PROVIDERS:
        raise FormError(f"oauth2:{name} is not known", did_you_mean(name, PROVIDERS))
    return Secret(kind, name)


def grant(reference: Secret, username: str, folder: Path) -> Secret:
    """Return the file in which the grant behind an ``oauth2:`` lies: private, as any other file with a secret."""
    return replace(reference, kind="file", name=str(folder / f"{username}.{reference.name}.json"))


def reveal(secret: Secret) -> str:
    """Return the secret itself; BrokenWorkspaceError says what is missing and where it was asked for."""
    if secret.kind == "env":
        found = os.environ.get(secret.name, "")
        if not found:
            _refuse(secret, f"the environment has no {secret.name}", f"export {secret.name}, or use file:PATH")
        return found
    if secret.kind == "oauth2":
        _refuse(secret, f"{secret} is not a password", "a token has to be obtained for it")
    return _from_file(secret, _path(secret), private=secret.kind == "file")


def missing(secrets: Iterable[Secret]) -> list[Problem]:
    """Return why secrets cannot be read from here, each with its cure; empty where all of them can."""
    found: list[Problem] = []
    for one in secrets:
        try:
            reveal(one)
        except BrokenWorkspaceError as wrong:
            found += wrong.problems
    return found


def _path(secret: Secret) -> Path:
    if secret.kind == "file":
        return Path(secret.name)
    directory = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not directory:
        cure = f"start it as a service with LoadCredential={secret.name}:…, or use env:NAME or file:PATH"
        _refuse(secret, "systemd handed over no credentials", cure)
    return Path(directory) / secret.name


def _from_file(secret: Secret, path: Path, *, private: bool) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if private and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                _refuse(secret, f"others may read {path}", f"chmod 600 {path}")
            content = file.read(_LARGEST)
        found = content.decode("utf-8").rstrip("\r\n")
    except OSError as wrong:
        _refuse(secret, f"cannot read {path}: {wrong.strerror}", "check that it is there and readable", wrong)
    except UnicodeDecodeError as wrong:
        _refuse(secret, f"{path} is not text", "save it as UTF-8 with nothing but the secret", wrong)
    if not found:
        _refuse(secret, f"{path} is empty", "write the secret into it, and nothing else")
    return found


def _refuse(secret: Secret, message: str, cure: str, cause: Exception | None = None) -> NoReturn:
    raise BrokenWorkspaceError([Problem(secret.file, secret.line, secret.column, message, cure)]) from cause
