"""Every kind of store, for the tests of what all of them promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from dativo.home import Home
from dativo.state.owner import this_process
from dativo.state.places import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.state.store import Owner, StateStore

STORES = ("file",)


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path) -> str:
    """The URL of an empty store, one of each kind."""
    return f"file:{tmp_path}/states"


@pytest.fixture
def open_it(url, tmp_path) -> Callable[..., StateStore]:
    """Opens the same store, as often as called: each is what another process would have."""
    return lambda **options: open_store(url, Home(tmp_path / ".dativo"), **options)


@pytest.fixture
def store(open_it) -> StateStore:
    return open_it()


@pytest.fixture
def owner() -> Owner:
    return this_process("20260131T120000Z-1f2e3d")
