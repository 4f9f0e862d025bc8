"""`dativo check`: everything about a job that can be known without moving a record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dativo.errors import ConnectorError
from dativo.jobs.settings import settings_problems, unknown_settings
from dativo.records import dataclass
from dativo.run.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo.connectors.programs import Program
    from dativo.jobs.ready import ReadyJob
    from dativo.observe.connector_log import ConnectorLog
    from dativo.run.session import Session

ANSWER_SECONDS = 60.0
TEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what, such as `tap-csv --version`.
        ok: False if the job would fail for it.
        detail: what was found, one line each.
    """

    subject: str
    ok: bool
    detail: tuple[str, ...]


def check_job(ready: ReadyJob, log: ConnectorLog) -> Iterator[Finding]:
    """Asks both connectors about themselves, holds the job against their settings, and tries the source."""
    with open_session(ready) as session:
        for side, program in (("source", ready.tap), ("target", ready.target)):
            yield _version(session, program, log)
            if program.connector.can("about"):
                yield _settings(session, program, side, log)
        if ready.tap.connector.can("test"):
            yield _test(session, log)


def _version(session: Session, program: Program, log: ConnectorLog) -> Finding:
    subject = f"{program.name} --version"
    command = session.command(program, "--version", configured=False)
    try:
        answer = session.ask(command, log, seconds=ANSWER_SECONDS)
    except ConnectorError as error:
        return Finding(subject, ok=False, detail=(str(error),))
    return Finding(subject, ok=True, detail=(f"{' '.join(answer.split())} ({program.executable})",))


def _settings(session: Session, program: Program, side: str, log: ConnectorLog) -> Finding:
    subject = f"{program.name} settings"
    command = session.command(program, "--about", "--format=json", configured=False)
    try:
        schema = _settings_in(session.ask(command, log, seconds=ANSWER_SECONDS), program.name)
    except ConnectorError as error:
        return Finding(subject, ok=False, detail=(str(error),))
    document = session.ready.document
    problems = settings_problems(schema, document, side)
    ignored = [f"WARNING: {each}" for each in unknown_settings(schema, document, side)]
    return Finding(subject, not problems, (*map(str, problems), *ignored))


def _test(session: Session, log: ConnectorLog) -> Finding:
    tap = session.ready.tap
    subject = f"{tap.name} --test=schema"
    try:
        session.ask(session.command(tap, "--test=schema"), log, seconds=TEST_SECONDS)
    except ConnectorError as error:
        return Finding(subject, ok=False, detail=(str(error),))
    return Finding(subject, ok=True, detail=())


def _settings_in(answer: str, name: str) -> dict[str, Any]:
    """The settings in what `--about --format=json` answers; raises ConnectorError if there are none."""
    try:
        settings = json.loads(answer)["settings"]
    except (ValueError, TypeError, KeyError) as error:
        raise ConnectorError(
            f"`{name} --about --format=json` does not give a JSON Schema of settings"
        ) from error
    if not isinstance(settings, dict):
        raise ConnectorError(f"`{name} --about --format=json` does not give an object of settings")
    return settings
