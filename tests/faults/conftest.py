"""What the suites of faults share: one Dovecot with many mailboxes, one warm process."""

from __future__ import annotations

from collections.abc import Iterator

import grounds
import pytest

from peers import dovecot, warm


@pytest.fixture(scope="session")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running(users=grounds.USERS) as one:
        yield one


@pytest.fixture(scope="session")
def stable() -> Iterator[warm.Stable]:
    with warm.stable() as one:
        yield one
