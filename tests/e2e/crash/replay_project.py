"""A project with one job of tap-replay and target-parquet, for `dativo run`."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, expected
from tests.e2e.crash.places import LocalPlace
from tests.paths import BIN

TAP = Path(__file__).with_name("tap_replay.py")
LAST = 1000


class ReplayProject:
    """A directory with a job of tap-replay and target-parquet.

    Args:
        directory: where everything is.
        engine: of the tap: one that is `native` is started before the target has said where it stands.
    """

    def __init__(self, directory: Path, engine: str = "singer") -> None:
        self.directory = directory
        self.place = LocalPlace(directory / "lake")
        tap = {
            "name": "tap-replay",
            "kind": "tap",
            "distribution": "tap-replay",
            "version": "0.0.1",
            "executable": str(TAP),
            "description": "Replays exactly",
            "maturity": "stable",
            "capabilities": ["state"],
            "engine": engine,
        }
        self._write("registry.yaml", {"version": 1, "connectors": [tap]})

    def job(self, target: dict[str, Any] | None = None, **tap: Any) -> None:
        """Write the job; keywords are settings of the tap."""
        settings = {"destination_path": "lake", **EPOCHS_BY_RECORDS, "epoch_max_records": 200}
        job = {
            "name": "replay",
            "tenant": "acme",
            "retries": {"attempts": 1},
            "source": {"connector": "tap-replay", "config": {"records": LAST, "state_every": 50, **tap}},
            "target": {
                "connector": "target-parquet",
                "config": settings | (target or {}),
                "env": ["DATIVO_FAULT"],
            },
        }
        self._write("job.yaml", job)

    def start(
        self, *, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE, **environment: str
    ) -> subprocess.Popen[str]:
        """Start `dativo run`; keywords besides are variables of its environment."""
        return subprocess.Popen(
            (str(BIN / "dativo"), "run", "job.yaml"),
            cwd=self.directory,
            env=os.environ | {"DATIVO_REGISTRY": str(self.directory / "registry.yaml")} | environment,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )

    def run(self, **environment: str) -> tuple[int, str]:
        """Run the job; returns its exit code and what it said."""
        with self.start(**environment) as process:
            said, errors = process.communicate(timeout=120)
            return process.returncode, said + errors

    @property
    def state(self) -> dict[str, Any] | None:
        """What the state file holds."""
        path = self.directory / ".dativo/tenants/acme/state/replay/state.json"
        return json.loads(path.read_text())["state"] if path.exists() else None

    def ledger(self) -> list[str]:
        """Entries of this job in the destination."""
        directory = self.place.root / ".dativo/ledger/acme%2Freplay"
        return sorted(path.name for path in directory.glob("*"))

    def check(self, count: int, generation: int = 0) -> None:
        """Hold what is visible against the first `count` records."""
        assert Counter(self.place.rows()) == expected(count, generation)

    def _write(self, name: str, document: Any) -> None:
        (self.directory / name).write_text(json.dumps(document))
