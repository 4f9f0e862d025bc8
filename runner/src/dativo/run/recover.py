"""The state that the destination holds: where a run starts, whatever the state file says.

A target with the capability `recover` has completed or given up what a killed run had prepared by the time it
answers `--recover`, and its answer stands for what readers see. The state file is stored a moment later, by
another process, so it may lag behind; starting from it would load records twice.

Hardly ever do the two differ, and the answer takes the start of a process. So a tap of which we know that
starting it for nothing does no harm is started with the stored state, while the target is being asked; the
target loads nothing before the answer has come, so of a tap that was started wrongly nothing is loaded.

A target with the capability `recover-gate` answers in the same process that loads afterwards (`gate`). Others
are asked by a process of its own.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dativo.connectors.settings import keep_settings, known_settings
from dativo.errors import ConnectorError
from dativo.run.gate import CAPABILITY as GATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from dativo.connectors.programs import Program
    from dativo.observe.connector_log import ConnectorLog
    from dativo.observe.console import Console
    from dativo.run.invoke import Answering
    from dativo.run.session import Session
    from dativo.state.run_state import Standing

CAPABILITY = "recover"
LOG_BASED = "log-based"
PIPELINE = "pipeline"
ANSWER_SECONDS = 60.0
_NOTHING = "{}"


class Start:
    """The state that a run starts from.

    Attributes:
        guess: the one that is stored here, JSON text; None is to start from nothing.
        gate_seconds: how long the target may take to answer at its gate; None if it is asked already, or
            is not asked.
    """

    def __init__(
        self, guess: str | None, asked: _Asked | None = None, gate_seconds: float | None = None
    ) -> None:
        self.guess = guess
        self.gate_seconds = gate_seconds
        self._asked = asked

    def settled(
        self, meanwhile: Callable[[], None] | None = None, gated: Answering | None = None
    ) -> str | None:
        """The one to start from, once the destination has said what it holds.

        Args:
            meanwhile: called again and again while that lasts; what it raises ends the wait.
            gated: the target at its gate, if that is to be asked.

        Raises:
            StateError: the state cannot be stored.
            ConnectorError: the target cannot tell.
        """
        return self.guess if self._asked is None else self._asked.state(self.guess, meanwhile, gated)


@contextmanager
def asked_target(
    session: Session,
    state: Standing,
    log: ConnectorLog,
    console: Console,
    *,
    anew: bool = False,
    at_gate: bool = False,
) -> Iterator[Start]:
    """Asks the target, if it can tell; the answer is waited for when it is wanted.

    Args:
        session: of the job.
        state: where the job stands.
        log: is given what the target says.
        console: for people.
        anew: start from nothing, whatever is known.
        at_gate: leave it to the one who starts the target to ask it there, if it has a gate.

    Raises:
        StateError: the state file cannot be used.
        ConnectorError: the target does not start, or cannot tell what settings it has.
    """
    cached = None if anew else state.read()
    if not keeps_state(session):
        yield Start(cached)
        return
    name_pipeline(session, pipeline_of(session, log))
    if anew:
        yield Start(None)
        return
    seconds = session.ready.job.timeouts.recover
    if at_gate and has_gate(session):
        yield Start(cached, _Asked(session, state, log, console), gate_seconds=seconds)
        return
    question = session.question(session.command(session.target, "--recover"), log, seconds=seconds)
    try:
        yield Start(cached, _Asked(session, state, log, console, question))
    finally:
        question.close()


def keeps_state(session: Session) -> bool:
    """Whether the destination keeps states, and is to be asked for them."""
    return session.ready.job.state.ask_target and session.target.program.connector.can(CAPABILITY)


def has_gate(session: Session) -> bool:
    """Whether the target answers at its gate; not out of a sandbox, into which no descriptor is handed."""
    target = session.target
    return target.program.connector.can(GATE) and target.settings.sandbox == "none"


def durable_state(session: Session, log: ConnectorLog) -> str:
    """What the destination holds under the name that its target was given; "" for nothing."""
    command = session.command(session.target, "--recover")
    return _checked(session, session.ask(command, log, seconds=session.ready.job.timeouts.recover))


def pipeline_of(session: Session, log: ConnectorLog) -> str | None:
    """The name under which the destination keeps the state of this job; None if its target takes none."""
    if (given := session.ready.job.target.config.get(PIPELINE)) is not None:
        return str(given)
    return str(session.ready.key) if PIPELINE in _settings(session, log).get("properties", {}) else None


def name_pipeline(session: Session, name: str | None) -> None:
    """Lets the destination tell this job from others."""
    if name is not None:
        session.configure(session.target, {**session.ready.job.target.config, PIPELINE: name})


def may_start_early(tap: Program) -> bool:
    """Whether a tap may be started with a state that may turn out to be the wrong one.

    Not one that reads a log: it tells the source which state it was given, and the source forgets what is
    before that. Nor another's: who knows what it does to its source.
    """
    return tap.connector.engine == "native" and not tap.connector.can(LOG_BASED)


def is_object(text: str) -> bool:
    """Whether this is the JSON text of an object, as a state must be."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


class _Asked:
    """A target that is asked what the destination holds: already, or when it stands at its gate."""

    def __init__(
        self,
        session: Session,
        state: Standing,
        log: ConnectorLog,
        console: Console,
        question: Answering | None = None,
    ) -> None:
        self._session = session
        self._state = state
        self._log = log
        self._console = console
        self._question = question

    def state(
        self, cached: str | None, meanwhile: Callable[[], None] | None, gated: Answering | None
    ) -> str | None:
        question = gated or self._question
        assert question is not None
        durable = _checked(self._session, self._session.answer(question, self._log, meanwhile))
        if durable in ("", cached):
            if not durable and cached is not None:
                self._say(f"the destination holds no state, going on from {self._state.place}")
            return cached
        if durable == _NOTHING:
            if cached is not None:
                self._say("the destination is loaded anew, so the state is not used")
            return durable
        what = "nothing is stored in" if cached is None else "another one is in"
        self._say(f"going on from the state that the destination holds, {what} {self._state.place}")
        self._state.write(durable)
        return durable

    def _say(self, what: str) -> None:
        self._console.say(f"{self._session.ready.job.full_name}: {what}")


def _checked(session: Session, answer: str) -> str:
    durable = answer.strip()
    if durable and not is_object(durable):
        raise ConnectorError(f"`{session.target.name} --recover` answered with something that is no state")
    return durable


def _settings(session: Session, log: ConnectorLog) -> Mapping[str, Any]:
    """JSON Schema of the target's settings; asked, in the sandbox of the job, if nobody knows it yet."""
    target, home = session.target, session.ready.project.home
    known = known_settings(target.program, home)
    if known is not None:
        return known
    command = session.command(target, "--about", "--format=json", configured=False)
    answer = session.ask(command, log, seconds=ANSWER_SECONDS)
    try:
        document = json.loads(answer)
        settings: Mapping[str, Any] = document["settings"]
        is_schema = isinstance(settings["properties"], dict)
    except (ValueError, TypeError, KeyError, RecursionError):
        is_schema = False
    if not is_schema:
        raise ConnectorError(f"`{target.name} --about --format=json` does not give a JSON Schema of settings")
    keep_settings(target.program, home, document)
    return settings
