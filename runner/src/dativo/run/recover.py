"""The state that the destination holds: where a run starts, whatever the state file says.

A target with the capability `recover` has completed or given up what a killed run had prepared by the time it
answers `--recover`, and its answer stands for what readers see. The state file is stored a moment later, by
another process, so it may lag behind; starting from it would load records twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dativo.errors import ConnectorError

if TYPE_CHECKING:
    from dativo.observe.connector_log import ConnectorLog
    from dativo.observe.console import Console
    from dativo.run.session import Session
    from dativo.state.run_state import Standing

CAPABILITY = "recover"
PIPELINE = "pipeline"
ANSWER_SECONDS = 60.0
_NOTHING = "{}"


def starting_state(
    session: Session, state: Standing, log: ConnectorLog, console: Console, *, anew: bool = False
) -> str | None:
    """The state for the tap, JSON text; None to start from nothing.

    Args:
        session: of the job.
        state: where the job stands.
        log: is given what the target says.
        console: for people.
        anew: start from nothing, whatever is known.

    Raises:
        StateError: the state file cannot be used.
        ConnectorError: the target cannot tell.
    """
    cached = state.read()
    if not keeps_state(session):
        return None if anew else cached
    name_pipeline(session, pipeline_of(session, log))
    if anew:
        return None
    durable = durable_state(session, log)
    if durable in ("", cached):
        if not durable and cached is not None:
            _say(session, console, f"the destination holds no state, going on from {state.place}")
        return cached
    if durable == _NOTHING:
        if cached is not None:
            _say(session, console, "the destination is loaded anew, so the state is not used")
        return durable
    what = "nothing is stored in" if cached is None else "another one is in"
    _say(session, console, f"going on from the state that the destination holds, {what} {state.place}")
    state.write(durable)
    return durable


def durable_state(session: Session, log: ConnectorLog) -> str:
    """What the destination holds under the name that its target was given; "" for nothing."""
    command = session.command(session.target, "--recover")
    durable = session.ask(command, log, seconds=session.ready.job.timeouts.recover).strip()
    if durable and not is_object(durable):
        raise ConnectorError(f"`{session.target.name} --recover` answered with something that is no state")
    return durable


def keeps_state(session: Session) -> bool:
    """Whether the destination keeps states, and is to be asked for them."""
    return session.ready.job.state.ask_target and session.target.program.connector.can(CAPABILITY)


def is_object(text: str) -> bool:
    """Whether this is the JSON text of an object, as a state must be."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def pipeline_of(session: Session, log: ConnectorLog) -> str | None:
    """The name under which the destination keeps the state of this job; None if its target takes none."""
    job, target = session.ready.job, session.target
    if (given := job.target.config.get(PIPELINE)) is not None:
        return str(given)
    command = session.command(target, "--about", "--format=json", configured=False)
    known = _settings(session.ask(command, log, seconds=ANSWER_SECONDS), target.name)
    return str(session.ready.key) if PIPELINE in known else None


def name_pipeline(session: Session, name: str | None) -> None:
    """Lets the destination tell this job from others."""
    if name is not None:
        session.configure(session.target, {**session.ready.job.target.config, PIPELINE: name})


def _settings(answer: str, name: str) -> dict[str, object]:
    try:
        settings = json.loads(answer)["settings"]["properties"]
    except (ValueError, TypeError, KeyError):
        settings = None
    if not isinstance(settings, dict):
        raise ConnectorError(f"`{name} --about --format=json` does not give a JSON Schema of settings")
    return settings


def _say(session: Session, console: Console, what: str) -> None:
    console.say(f"{session.ready.job.full_name}: {what}")
