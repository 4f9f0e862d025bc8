"""`dativo state`: look at the states of jobs, and change them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dativo.cli.options import suffix_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from dativo.state.locate import Located, States

_project = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True),
    help="The project file, or its directory; left out, the nearest upwards.",
)
_suffix = suffix_option("--suffix", help_text="The state of runs with --state-id-suffix S.")
_json = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
_yes = click.option("--yes", is_flag=True, help="Do it without asking.")
_file = click.argument("file", type=click.File(encoding="utf-8"), default="-")


def job_command(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command about one job: a job file, or `[TENANT/]NAME`."""
    for decorate in (_suffix, _project, click.argument("job")):
        function = decorate(function)
    return state_command.command(name=function.__name__.removesuffix("_state"))(function)


@click.group(name="state")
def state_command() -> None:
    """Look at the states of jobs and change them; each change is kept in the history."""


@state_command.command(name="list")
@click.option("--tenant", help="Only those of one tenant.")
@_json
@_project
def list_states(tenant: str | None, project: Path | None, *, as_json: bool) -> None:
    """List the states of the project: how old, of which run."""
    from dativo.state.listing import state_facts, state_lines

    found = (each for each in _states(project).all() if tenant in (None, each.key.tenant))
    facts = list(state_facts(found))
    _show(facts, state_lines(facts), as_json=as_json)


@job_command
@click.argument("stream", required=False)
def get_state(job: str, stream: str | None, suffix: str | None, project: Path | None) -> None:
    """Print the state of JOB as its target gave it, or the bookmark of one STREAM."""
    from dativo.state.text import bookmark_of

    text = _text(_states(project).find(job, suffix))
    click.echo(bookmark_of(text, stream) if stream else text)


@job_command
@click.option("--stream", help="Replace the bookmark of this stream alone.")
@_file
def set_state(job: str, file: Any, stream: str | None, suffix: str | None, project: Path | None) -> None:
    """Store what FILE or stdin holds: a state, an envelope, a STATE message, a state of Meltano."""
    from dativo.state.change import changing
    from dativo.state.text import state_in, with_bookmark

    given, place = file.read(), _states(project).find(job, suffix)
    with changing(place, "set") as change:
        if stream:
            given = with_bookmark(change.text_or("{}"), stream, given.strip())
        _done(place, "set", change.put(state_in(given, file.name)).seq)


@job_command
def edit_state(job: str, suffix: str | None, project: Path | None) -> None:
    """Open the state in $EDITOR, and store it as it was saved."""
    from dativo.state.change import changing
    from dativo.state.text import indented, state_in

    place = _states(project).find(job, suffix)
    with changing(place, "edit") as change:
        edited = click.edit(indented(change.text) + "\n", extension=".json")
        if edited is None:
            click.echo(f"{place.key}: nothing changed")
            return
        _done(place, "edited", change.put(state_in(edited, "the edited state")).seq)


@state_command.command(name="copy")
@click.argument("job")
@click.argument("to")
@_project
def copy_state(job: str, to: str, project: Path | None) -> None:
    """Store the state of JOB as that of the job TO."""
    from dativo.state.change import copy

    source, target = _two(project, job, to)
    _done(target, f"copied from {job}", copy(source, target).seq)


@state_command.command(name="move")
@click.argument("job")
@click.argument("to")
@_project
def move_state(job: str, to: str, project: Path | None) -> None:
    """Store the state of JOB as that of the job TO, and forget it here; as after a change of name."""
    from dativo.state.change import move

    source, target = _two(project, job, to)
    _done(target, f"moved from {job}", move(source, target).seq)


@job_command
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@click.option("--meltano", is_flag=True, help="In the form that `meltano state set` takes.")
def export_state(job: str, file: Any, suffix: str | None, project: Path | None, *, meltano: bool) -> None:
    """Write the state with its envelope (job, number, digest) into FILE or to stdout."""
    from dativo.state.change import exported
    from dativo.state.text import object_of

    place = _states(project).find(job, suffix)
    file.write(f"{object_of({'singer_state': _text(place)})}\n" if meltano else exported(place))


@job_command
@_file
@click.option("--merge", is_flag=True, help="Keep the streams that FILE does not name.")
def import_state(job: str, file: Any, suffix: str | None, project: Path | None, *, merge: bool) -> None:
    """Store what was exported, here or by Meltano (`meltano state get`)."""
    from dativo.state.change import changing
    from dativo.state.text import merged, state_in

    place, given = _states(project).find(job, suffix), state_in(file.read(), file.name)
    with changing(place, "import") as change:
        older = change.text_or(None) if merge else None
        text = given if older is None else merged(older, given)
        _done(place, "imported", change.put(text).seq)


@job_command
@click.argument("stream", required=False)
@_yes
def clear_state(job: str, stream: str | None, suffix: str | None, project: Path | None, *, yes: bool) -> None:
    """Forget the state of JOB, or the bookmark of one STREAM: the next run loads it from the start."""
    from dativo.state.change import changing, clear
    from dativo.state.text import with_bookmark

    place = _states(project).find(job, suffix)
    what = f"{stream} of {place.key}" if stream else str(place.key)
    if not yes:
        raise click.UsageError(f"the next run will load {what} from the start: say so with --yes")
    if stream:
        with changing(place, f"clear {stream}") as change:
            _done(place, f"cleared {stream}", change.put(with_bookmark(change.text, stream, None)).seq)
    else:
        clear(place)
        _done(place, "cleared", None)


@job_command
@_json
def history_state(job: str, suffix: str | None, project: Path | None, *, as_json: bool) -> None:
    """List what is kept of the past, newest first."""
    from dataclasses import asdict

    from dativo.state.listing import version_lines

    place = _states(project).find(job, suffix)
    versions = place.store.versions(place.key)
    _show([asdict(each) for each in versions], version_lines(versions), as_json=as_json)


@job_command
@click.argument("seq", type=int, required=False)
def rollback_state(job: str, seq: int | None, suffix: str | None, project: Path | None) -> None:
    """Go back to number SEQ of the history, left out to the one before the present state."""
    from dativo.state.change import rollback

    place = _states(project).find(job, suffix)
    number, stored = rollback(place, seq)
    _done(place, f"rolled back to {number}", stored.seq)


@job_command
@_yes
def unlock_state(job: str, suffix: str | None, project: Path | None, *, yes: bool) -> None:
    """Show who holds the state of JOB; with --yes end those processes."""
    place = _states(project).find(job, suffix)
    for line in place.store.unlock(place.key, force=yes):
        click.echo(line)


def _states(project: Path | None) -> States:
    import os

    from dativo.state.locate import States

    return States(os.environ, project, lambda line: click.echo(f"dativo: {line}", err=True))


def _two(project: Path | None, job: str, to: str) -> tuple[Located, Located]:
    """The states of two jobs; raises StateError if they are one."""
    from dativo.errors import StateError

    source, target = (_states(project).find(each) for each in (job, to))
    if source.store.place(source.key) == target.store.place(target.key):
        raise StateError(f"{job} and {to} are one and the same state, {source.store.place(source.key)}")
    return source, target


def _text(place: Located) -> str:
    from dativo.state.change import text_of

    return text_of(place)


def _done(place: Located, what: str, seq: int | None) -> None:
    click.echo(f"{place.key}: {what}" + (f", the state is number {seq} now" if seq else ""), file=sys.stdout)


def _show(facts: Any, lines: list[str], *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)
