"""What it costs to have two processes run by somebody: a shell's pipe, `dativo run`, `meltano run`.

Every run is a first one: no state is left of the one before.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.case import WORK, Case, Group, Scale, config_file, dataset
from tests.bench.measure import Command
from tests.interop.venvs import tool_bin
from tests.paths import BIN

MEDIUM, SMALL = 100_000, 1_000
SHELL, DATIVO, MELTANO = "shell pipe", "dativo run", "meltano run"
ENTRY = {
    "distribution": "bench",
    "version": "1.0.0",
    "description": "Of the benchmark.",
    "maturity": "alpha",
    "settings": "any.json",
}


@dataclass(frozen=True)
class Program:
    """A tap or a target with its settings.

    Attributes:
        settings: none for one that is called without.
    """

    executable: Path
    settings: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return self.executable.name

    def command(self, directory: str) -> Command:
        if self.settings is None:
            return (str(self.executable),)
        return (str(self.executable), "--config", config_file(f"{directory}/{self.name}", self.settings))


def runner(scale: Scale) -> Group:
    return _into_parquet("runner", scale.records("lineitem"))


def runner_medium(scale: Scale) -> Group:
    return _into_parquet("runner-100k", MEDIUM // scale.divisor)


def runner_small(scale: Scale) -> Group:
    return _into_parquet("runner-1k", SMALL // scale.divisor)


def runner_alone(scale: Scale) -> Group:
    """Two programs that do next to nothing with the lines: what is left is who runs them."""
    records = scale.records("lineitem")
    lines = dataset("lineitem", "singer", records)
    tap = _script("tap-replay", f"exec cat '{lines}'")
    target = _script("target-nothing", "exec cat > /dev/null")
    title = f"`cat FILE` to `cat > /dev/null`, run by whom, {records:,} records"
    return _group("runner-alone", title, tap, target, records, lines.stat().st_size)


def _into_parquet(name: str, records: int) -> Group:
    source = dataset("lineitem", "csv", records)
    files = [{"entity": "lineitem", "path": str(source), "keys": ["l_orderkey"]}]
    plain = {"add_record_metadata": False, "validate_records": False}
    tap = Program(BIN / "tap-csv", {"files": files})
    target = Program(BIN / "target-parquet", {"destination_path": str(WORK / "out"), **plain})
    title = f"`tap-csv` to `target-parquet`, run by whom, {records:,} records"
    return _group(name, title, tap, target, records, source.stat().st_size, WORK / "out")


def _script(name: str, body: str) -> Program:
    path = WORK / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return Program(path)


def _group(
    name: str, title: str, tap: Program, target: Program, records: int, size: int, output: Path | None = None
) -> Group:
    pipelines = {
        SHELL: (tap.command(name), target.command(name)),
        DATIVO: (_dativo(name, tap, target),),
        MELTANO: (_meltano(name, tap, target),),
    }
    cases = (
        Case(by, pipeline, records, size, output=output, spool=WORK / "spool")
        for by, pipeline in pipelines.items()
    )
    return Group(name, title, SHELL, tuple(cases))


def _dativo(directory: str, tap: Program, target: Program) -> Command:
    """A project whose home, with its state, is thrown away before each run."""
    config_file(f"{directory}/any", {"type": "object"})
    foreign = [
        {**ENTRY, "name": each.name, "kind": each.name.partition("-")[0], "executable": str(each.executable)}
        for each in (tap, target)
        if each.settings is None
    ]
    config_file(f"{directory}/connectors", {"version": 1, "connectors": foreign}, ".yaml")
    project = {"version": 1, "home": str(WORK / "spool"), "registries": ["connectors.yaml"]}
    config_file(f"{directory}/dativo", project, ".yaml")
    source, sink = ({"connector": each.name, "config": each.settings or {}} for each in (tap, target))
    job = {"name": "lineitem", "source": source, "target": sink}
    return (str(BIN / "dativo"), "run", config_file(f"{directory}/job", job, ".yaml"))


def _meltano(directory: str, tap: Program, target: Program) -> Command:
    """A project that calls the tap as the shell does: it is not told that there is a catalog to discover."""
    plugins = [
        {
            "name": each.name,
            "namespace": each.name.replace("-", "_"),
            "executable": str(each.executable),
            "capabilities": ["state"],
            "config": each.settings or {},
        }
        for each in (tap, target)
    ]
    project: dict[str, object] = {
        "version": 1,
        "send_anonymous_usage_stats": False,
        "default_environment": "dev",
        "environments": [{"name": "dev"}],
        "plugins": {"extractors": plugins[:1], "loaders": plugins[1:]},
    }
    written = config_file(f"{directory}/meltano", project, ".yml")
    program = (str(tool_bin("meltano") / "meltano"), "--cwd", str(Path(written).parent))
    return (*program, "run", "--full-refresh", tap.name, target.name)
