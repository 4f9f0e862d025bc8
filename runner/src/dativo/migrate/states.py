"""Gives the jobs of a migration the states that they had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dativo.state.local import StateStore

if TYPE_CHECKING:
    from dativo.migrate.migration import NewState


def store_state(state: NewState) -> str:
    """Stores a state for a job that has none; says what was done."""
    store = StateStore(
        state.file.absolute().parent / Path(".dativo", "state", f"{state.job}.json"), state.job
    )
    with store.locked():
        present = store.read()
        if present == state.text:
            return f"{state.job} has this state already"
        if present is not None:
            return f"{state.job} has a state of its own, which stays"
        store.write(state.text)
    return f"{state.job} goes on from {state.origin}"
