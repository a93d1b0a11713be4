"""Both databases: what an import does is the same on each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intake.folder import Inbox, Store
from peers import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_store(server: postgres.Server) -> Iterator[Store]:
    store = Store(server.database())
    yield store
    store.database.close()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgres",
            marks=[
                pytest.mark.postgres,
                pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
            ],
        ),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, on each database."""
    if request.param == "postgres":
        found: Store = request.getfixturevalue("postgres_store")
        found.clear()
        yield found
        return
    found = Store(f"sqlite:///{tmp_path}/cadenced.db")
    yield found
    found.database.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite alone, for laws of files that no database changes."""
    found = Store(f"sqlite:///{tmp_path}/cadenced.db")
    yield found
    found.database.close()


@pytest.fixture
def inbox(tmp_path: Path, lite: Store) -> Inbox:
    return Inbox(tmp_path / "inbox", lite)
