"""States of Meltano: its database, read only, or what `meltano state export` wrote."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from dativo.errors import Place, Problem, ProblemsError
from dativo.migrate.meltano_settings import read_only
from dativo.migrate.values import deep_merged

if TYPE_CHECKING:
    from pathlib import Path


class MeltanoStates:
    """States by Meltano's id, `ENVIRONMENT:TAP-to-TARGET[:SUFFIX]`.

    Attributes:
        origin: the file, for people.
    """

    def __init__(self, states: dict[str, Any], origin: str) -> None:
        self._states = states
        self.origin = origin

    def text(self, state_id: str) -> str | None:
        """JSON text of the Singer state, None if there is none."""
        found = self._states.get(state_id)
        return json.dumps(found, ensure_ascii=False) if found else None

    @property
    def ids(self) -> list[str]:
        return sorted(self._states)


def states_of_database(file: Path) -> MeltanoStates:
    """The states in a meltano.db; raises ProblemsError if it cannot be read."""
    try:
        with closing(sqlite3.connect(read_only(file), uri=True)) as database:
            rows = database.execute("SELECT state_id, completed_state, partial_state FROM state").fetchall()
        states = {str(key): _merged(_parsed(done), _parsed(part)) for key, done, part in rows}
    except (sqlite3.Error, ValueError) as error:
        raise ProblemsError([Problem(Place(file), f"holds no states of Meltano: {error}")]) from error
    return MeltanoStates({key: state for key, state in states.items() if state}, str(file))


def states_of_export(file: Path) -> MeltanoStates:
    """The states in a file that `meltano state export` wrote; raises ProblemsError if it is none."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        states = {
            str(key): _merged(each.get("completed"), each.get("partial")) for key, each in document.items()
        }
    except OSError as error:
        raise ProblemsError([Problem(Place(file), f"cannot be read: {error.strerror}")]) from error
    except (ValueError, AttributeError) as error:
        message = "is not what `meltano state export` writes"
        raise ProblemsError([Problem(Place(file), message)]) from error
    return MeltanoStates({key: state for key, state in states.items() if state}, str(file))


def _parsed(text: str | None) -> Any:
    return json.loads(text) if text else {}


def _merged(completed: Any, partial: Any) -> Any:
    """Meltano lays what a run had reached when it failed over what the last whole one left."""
    return deep_merged(_singer(completed), _singer(partial))


def _singer(payload: Any) -> Any:
    found = payload.get("singer_state") if isinstance(payload, dict) else None
    return found if isinstance(found, dict) else {}
