"""OAuth 2 access tokens for XOAUTH2 (RFC 6749, 6), obtained with a refresh token that its owner granted beforehand.

A provider may hand out a new refresh token with every access token and forget the old one at once; so what it says is
written down, durably, before it is used (RELIABILITY, T25). Only the endpoints of ``PROVIDERS`` are ever asked (T18).
"""

from __future__ import annotations

import json
import os
import stat
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cadenced import errors
from cadenced.mail import faults

PROVIDERS: Mapping[str, str] = {
    "google": "https://oauth2.googleapis.com/token",
    "microsoft": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
}
"""Token endpoints by the name that stands behind ``oauth2:`` in the configuration."""

EARLY = 120.0
"""Seconds before its end at which an access token counts as old."""
_LARGEST = 64 * 1024


class AccessTokens:
    """Access tokens of one grant: a call returns one that lasts for a while, and may wait for the network.

    ``grant`` is a private JSON file (``client_id``, ``client_secret``, ``refresh_token``, optionally ``scope``) that is
    rewritten when the provider changes the refresh token. Raises ``LoginRefusedError`` when the grant is gone and
    ``WireError`` for what may pass.
    """

    def __init__(self, endpoint: str, grant: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        if not endpoint.startswith(("https://", "http://127.0.0.1:")):
            raise ValueError("a token endpoint is asked by https")
        self._endpoint = endpoint
        self._grant = grant
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return an access token."""
        with self._lock:
            if not self._token or self._monotonic() >= self._until - EARLY:
                self._refresh()
            return self._token

    def forget(self) -> None:
        """Drop the access token: a server refused it."""
        with self._lock:
            self._token = ""

    def _refresh(self) -> None:
        grant = self._read()
        answer = self._ask({"grant_type": "refresh_token", **grant})
        token, lasts = answer.get("access_token"), answer.get("expires_in", 3600)
        if not isinstance(token, str) or not token or not isinstance(lasts, int | float):
            raise errors.WireError("the provider's answer has no access token")
        renewed = answer.get("refresh_token")
        if isinstance(renewed, str) and renewed and renewed != grant["refresh_token"]:
            self._write(grant | {"refresh_token": renewed})
        self._token, self._until = token, self._monotonic() + float(lasts)

    def _read(self) -> dict[str, str]:
        try:
            with self._grant.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                    raise errors.LoginRefusedError(f"others may read {self._grant}: chmod 600 it")
                grant = json.loads(file.read(_LARGEST))
        except (OSError, ValueError) as error:
            raise errors.LoginRefusedError(f"cannot read the grant {self._grant}: {_why(error)}") from error
        if not isinstance(grant, dict) or not {"client_id", "refresh_token"} <= grant.keys():
            raise errors.LoginRefusedError(f"{self._grant} needs client_id and refresh_token")
        return {str(key): str(value) for key, value in grant.items()}

    def _write(self, grant: dict[str, str]) -> None:
        fresh = self._grant.with_name(self._grant.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(grant, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._grant)
        directory = os.open(self._grant.parent, os.O_RDONLY)
        try:
            os.fsync(directory)  # the name, too, outlives a power cut
        finally:
            os.close(directory)

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        body = urllib.parse.urlencode(form).encode("ascii")
        request = urllib.request.Request(self._endpoint, body, {"Accept": "application/json"})  # noqa: S310 - see __init__
        try:
            with _OPENER.open(request, timeout=20) as response:
                answer = json.loads(response.read(_LARGEST))
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None  # the cause holds the request with its secrets
        except (OSError, ValueError) as error:
            raise errors.WireError(f"the provider of tokens cannot be reached: {_why(error)}") from error
        if not isinstance(answer, dict):
            raise errors.WireError("the provider's answer is no object")
        return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Secrets go to the endpoint that was named, and on to no other."""

    def redirect_request(self, *args: Any) -> None:  # noqa: ARG002 - its base's shape
        """Follow nothing."""
        return


_OPENER = urllib.request.build_opener(_NoRedirect)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return faults.words(reason) if isinstance(reason, OSError) else "it is not JSON"


def _refusal(error: urllib.error.HTTPError) -> errors.WireError:
    try:
        why = str(json.loads(error.read(_LARGEST)).get("error", ""))[:80]
    except (OSError, ValueError, AttributeError):
        why = ""
    if error.code in {400, 401} and why in {"invalid_grant", "invalid_client", "unauthorized_client"}:
        return errors.LoginRefusedError(f"the grant is no longer valid ({why}): it has to be given anew")
    return errors.WireError(f"the provider of tokens answered with {error.code} {why}".rstrip())
