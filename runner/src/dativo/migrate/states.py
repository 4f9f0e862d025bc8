"""Gives the jobs of a migration the states that they had."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dativo.jobs.format import StateSettings
from dativo.jobs.project import find_project
from dativo.state.owner import new_run
from dativo.state.places import job_store
from dativo.state.run_state import held_state
from dativo.state.store import StateKey

if TYPE_CHECKING:
    from dativo.migrate.migration import NewState


def store_state(state: NewState) -> str:
    """Stores a state for a job that has none; says what was done."""
    directory = state.file.absolute().parent
    tenant, _, name = state.job.rpartition("/")
    key = StateKey(tenant or None, name)
    store = job_store(key, StateSettings(), directory, find_project(directory, os.environ))
    with held_state(store, key, new_run()) as held:
        present = held.read()
        if present == state.text:
            return f"{state.job} has this state already"
        if present is not None:
            return f"{state.job} has a state of its own, which stays"
        held.write(state.text)
    return f"{state.job} goes on from {state.origin}"
