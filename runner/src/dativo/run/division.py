"""The state of a job taken apart into one a stream, and put together again.

A target that keeps the state with its data is asked first for it, so it has to know of both: it is handed
each new state as it would be at the end of a run that loaded nothing. What a killed run leaves half done is
done again by the next one; no part runs before the whole says that it is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo.errors import ConnectorError
from dativo.run.recover import (
    CAPABILITY,
    asked_target,
    durable_state,
    keeps_state,
    name_pipeline,
    pipeline_of,
)
from dativo.state.parts import joined, part_of, parts_of, taken_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dativo.observe.connector_log import ConnectorLog
    from dativo.observe.console import Console
    from dativo.run.session import Session
    from dativo.state.run_state import RunState

_NOTHING = "{}"


class Division:
    """The states of one job.

    Args:
        session: of the job.
        state: of the whole job, which is held.
        log: is given what the target says.
        console: for people.
    """

    def __init__(self, session: Session, state: RunState, log: ConnectorLog, console: Console) -> None:
        self._session = session
        self._state = state
        self._log = log
        self._console = console
        self._pipeline: str | None = None
        if session.target.program.connector.can(CAPABILITY):
            self._pipeline = pipeline_of(session, log)

    def pipeline(self, stream: str) -> str | None:
        """The name under which the destination keeps the state of a stream."""
        return None if self._pipeline is None else f"{self._pipeline}#{stream}"

    def take_apart(self, streams: Sequence[str]) -> None:
        """Gives each of the streams a state of its own, that of the whole, if it has none yet."""
        whole = self._state.read()
        known = parts_of(whole) if whole else ()
        if not known:
            with asked_target(self._session, self._state, self._log, self._console) as start:
                whole = start.settled()
            known = parts_of(whole) if whole else ()
        new = [stream for stream in streams if stream not in known]
        if not new:
            return
        for stream in new if whole is not None else ():
            seed = _in_one_line(part_of(whole or _NOTHING, stream))
            self._hand_over(seed, self.pipeline(stream))
            part = self._state.part(stream)
            part.read()
            part.write(seed)
            part.flush()
        self._store_whole(taken_apart(whole or _NOTHING, [*known, *new]))

    def put_together(self) -> None:
        """Makes the states of the parts that of the whole, if it has been taken apart."""
        whole = self._state.read()
        streams = parts_of(whole) if whole else ()
        if whole is None or not streams:
            return
        parts = {stream: text for stream in streams if (text := self._of_part(stream)) is not None}
        self._store_whole(joined(whole, parts))
        self._state.put_parts_aside()
        self._say(f"the states of {len(streams)} streams are one again")

    def _of_part(self, stream: str) -> str | None:
        stored = self._state.part(stream).read()
        if not keeps_state(self._session):
            return stored
        name_pipeline(self._session, self.pipeline(stream))
        return durable_state(self._session, self._log) or stored

    def _store_whole(self, text: str) -> None:
        text = _in_one_line(text)
        self._hand_over(text, self._pipeline)
        self._state.write(text)
        self._state.flush()

    def _hand_over(self, text: str, pipeline: str | None) -> None:
        """Lets the destination keep a state, and goes on only when it does."""
        session = self._session
        if pipeline is None or not keeps_state(session):
            return
        name_pipeline(session, pipeline)
        line = session.workspace.write_text("handed-over", f'{{"type": "STATE", "value": {text}}}\n')
        with line.open("rb") as file:
            seconds = session.ready.job.timeouts.recover
            command = session.command(session.target)
            answer = session.ask(command, self._log, seconds=seconds, stdin=file.fileno())
        if answer.strip().split("\n")[-1] != text:
            raise ConnectorError(f"{session.target.name} was handed a state and did not confirm it")

    def _say(self, what: str) -> None:
        self._console.say(f"{self._session.ready.job.full_name}: {what}")


def _in_one_line(text: str) -> str:
    """JSON in one line, as messages are; strings in it hold no line breaks as such."""
    return text.replace("\r", " ").replace("\n", " ").strip()
