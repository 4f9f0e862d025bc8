"""A Meltano project as jobs, a registry and a project file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dativo.jobs.names import NAME
from dativo.jobs.schedule import NICKNAMES, Cron
from dativo.migrate.entries import Entries
from dativo.migrate.meltano_project import MeltanoProject, Plugin, read_meltano
from dativo.migrate.meltano_select import selection
from dativo.migrate.meltano_settings import connector_config
from dativo.migrate.migration import Migration, NewState
from dativo.migrate.writing import SCHEMA_LINE, yaml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dativo.connectors.registry import Registry
    from dativo.errors import Place
    from dativo.migrate.meltano_state import MeltanoStates

SUFFIX = ".job.yaml"
JOBS_PATTERN = f"*{SUFFIX}"
"""Job files lie where meltano.yml does, so that relative paths in configurations mean what they meant."""

MANUAL = {"@once", "@none", "@manual", None}


@dataclass(slots=True)
class Pair:
    """One "tap mapping… target" of a task or a schedule."""

    tap: Plugin
    mappings: tuple[str, ...]
    target: Plugin
    tags: list[str]
    schedule: dict[str, Any] | None
    state_id: str

    @property
    def name(self) -> str:
        return "-".join([self.tap.name, *self.mappings, "to", self.target.name])


def migrate_meltano(
    file: Path,
    to: Path,
    registry: Registry,
    migration: Migration,
    *,
    environment: str | None = None,
    schema: str,
    states: MeltanoStates | None = None,
) -> None:
    """Adds to a migration what a Meltano project becomes.

    Args:
        file: meltano.yml.
        to: directory for the new files.
        registry: connectors that need no entry of their own.
        migration: takes files, states and notes.
        environment: of the Meltano project; left out, its default one.
        schema: where new job files say that their JSON Schema is.
        states: where states are taken from, if they are wanted.

    Raises:
        ProblemsError: meltano.yml cannot be read.
    """
    project = read_meltano(file, environment, migration)
    entries = Entries(project, registry, migration)
    pairs = _Pairs(project, migration).found()
    for pair in pairs:
        path = to / f"{pair.name}{SUFFIX}"
        document = _job(pair, project, entries, migration)
        migration.files[path] = yaml_text(document, head=SCHEMA_LINE.format(schema))
        text = states.text(pair.state_id) if states else None
        if states and text is None:
            migration.note(
                f"{path.name}: Meltano has no state {pair.state_id!r}: the job starts from nothing"
            )
        elif states and text is not None:
            origin = f"{pair.state_id} of {states.origin}"
            migration.states.append(NewState(path, pair.name, text, origin))
    if not pairs:
        migration.note("no job or schedule pairs a tap with a target: nothing to make", by_hand=True)
    entries.write(to)
    _project_file(to, migration)
    _advise(project, to, migration)


def _job(pair: Pair, project: MeltanoProject, entries: Entries, migration: Migration) -> dict[str, Any]:
    tap, target = pair.tap, pair.target
    known = _known_variables(project, tap, target)
    document: dict[str, Any] = {"name": pair.name}
    if pair.tags:
        document["tags"] = list(dict.fromkeys(pair.tags))
    document["source"] = {
        "connector": entries.name(tap),
        **connector_config(tap, project, known, migration),
        **selection(tap, known, migration),
    }
    if pair.mappings:
        document["mappers"] = [_mapper(name, project, entries, known, migration) for name in pair.mappings]
    document["target"] = {
        "connector": entries.name(target),
        **connector_config(target, project, known, migration),
    }
    if pair.schedule:
        document["schedule"] = pair.schedule
    return document


def _mapper(
    name: str,
    project: MeltanoProject,
    entries: Entries,
    known: Mapping[str, str],
    migration: Migration,
) -> dict[str, Any]:
    plugin = project.mapping(name)
    assert plugin is not None
    mapper = replace(plugin, config={**plugin.config, **plugin.mappings[name]})
    return {"connector": entries.name(plugin), **connector_config(mapper, project, known, migration)}


def _known_variables(project: MeltanoProject, tap: Plugin, target: Plugin) -> dict[str, str]:
    """What Meltano sets itself, and what the project's `env` says."""
    schema = str(tap.extras.get("load_schema") or tap.namespace)
    known = {
        "MELTANO_PROJECT_ROOT": ".",
        "MELTANO_EXTRACTOR_NAME": tap.name,
        "MELTANO_EXTRACTOR_NAMESPACE": tap.namespace,
        "MELTANO_EXTRACT__LOAD_SCHEMA": schema,
        "MELTANO_LOADER_NAME": target.name,
        "MELTANO_LOADER_NAMESPACE": target.namespace,
    }
    if project.environment:
        known["MELTANO_ENVIRONMENT"] = project.environment
    return {**project.env, **tap.env, **target.env, **known}


class _Pairs:
    """The pairs of tap and target that a project runs, each once."""

    def __init__(self, project: MeltanoProject, migration: Migration) -> None:
        self._project = project
        self._migration = migration
        self._pairs: dict[str, Pair] = {}

    def found(self) -> list[Pair]:
        by_job: dict[str, list[Pair]] = {}
        for job, tasks in self._project.tasks.items():
            by_job[job] = [pair for words, place in tasks for pair in self._in(words, place)]
            for pair in by_job[job]:
                pair.tags += [job] if re.fullmatch(NAME, job) else []
        for schedule, place in self._project.schedules:
            self._plan(schedule, place, by_job)
        if not self._pairs:
            self._only_pair()
        return list(self._pairs.values())

    def _in(self, words: list[str], place: Place) -> Iterator[Pair]:
        """Every "tap mapping… target" among the words of a task."""
        tap: Plugin | None = None
        mappings: list[str] = []
        for word in words:
            if (found := self._project.plugin("tap", word)) is not None:
                self._left_alone(tap, place)
                tap, mappings = found, []
            elif tap is not None and self._project.mapping(word) is not None:
                mappings.append(word)
            elif tap is not None and (target := self._project.plugin("target", word)) is not None:
                yield self._pair(tap, tuple(mappings), target)
                tap = None
            else:
                self._migration.note(self._left_over(word), place, by_hand=True)
        self._left_alone(tap, place)

    def _left_alone(self, tap: Plugin | None, place: Place) -> None:
        if tap is not None:
            message = f"{tap.name!r} has no target after it in its task"
            self._migration.note(message, place, by_hand=True)

    def _left_over(self, word: str) -> str:
        """What a word is that belongs to no pair of tap and target."""
        if self._project.plugin("target", word) is not None:
            return f"{word!r} has no tap before it in its task"
        if word.startswith(("tap-", "target-")):
            return f"{word!r} is no plugin of this project"
        return f"{word!r} has no counterpart here: run it after dativo"

    def _pair(self, tap: Plugin, mappings: tuple[str, ...], target: Plugin) -> Pair:
        parts = [f"{tap.name}-to-{target.name}"]
        prefix = f"{self._project.environment}:" if self._project.environment else ""
        if self._project.suffix:
            parts.append(self._project.suffix)
        pair = Pair(tap, mappings, target, [], None, prefix + ":".join(parts))
        return self._pairs.setdefault(pair.name, pair)

    def _plan(self, schedule: dict[str, Any], place: Place, by_job: dict[str, list[Pair]]) -> None:
        name = str(schedule.get("name"))
        if "job" in schedule:
            if str(schedule["job"]) not in by_job:
                self._migration.note(f"{name}: there is no job {schedule['job']!r}", place, by_hand=True)
            pairs = by_job.get(str(schedule["job"]), [])
            if len(pairs) > 1:
                names = ", ".join(pair.name for pair in pairs)
                self._migration.note(f"{name}: ran one after another, now at one time: {names}", place)
        else:
            words = [str(schedule.get("extractor")), str(schedule.get("loader"))]
            pairs = list(self._in(words, place))
            for pair in pairs:
                pair.state_id = name
        if schedule.get("env"):
            self._migration.note(
                f"{name}: 'env' of a schedule: set it where dativo runs", place, by_hand=True
            )
        interval = schedule.get("interval") or schedule.get("cron_interval")
        if interval in MANUAL:
            return
        try:
            cron = Cron(str(interval)).text
        except ValueError as error:
            self._migration.note(f"{name}: {error}", place, by_hand=True)
            return
        planned = {"cron": interval if interval in NICKNAMES else cron}
        for pair in pairs:
            if pair.schedule and pair.schedule != planned:
                message = (
                    f"{name}: {pair.name} had another schedule too, {pair.schedule['cron']!r}: choose one"
                )
                self._migration.note(message, place, by_hand=True)
            pair.schedule = planned

    def _only_pair(self) -> None:
        """Without jobs and schedules there is no doubt only if there is one tap and one target."""
        plugins = self._project.plugins.values()
        taps = [each for each in plugins if each.kind == "tap"]
        targets = [each for each in plugins if each.kind == "target"]
        if len(taps) == len(targets) == 1:
            self._pair(taps[0], (), targets[0])


def _project_file(to: Path, migration: Migration) -> None:
    file = to / "dativo.yaml"
    if not file.exists():
        migration.files[file] = yaml_text({"version": 1, "jobs": [JOBS_PATTERN]})


def _advise(project: MeltanoProject, to: Path, migration: Migration) -> None:
    if to.resolve() != project.root.resolve():
        migration.note(
            f"relative paths in settings started at {project.root}; now they start at {to}: look at them",
            by_hand=True,
        )
    if (project.root / ".env").is_file():
        migration.note("variables of .env are not read by dativo: `set -a; . ./.env; set +a` before it")
