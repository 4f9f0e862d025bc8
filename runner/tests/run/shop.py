"""A job of tap-steps, taken for one of our own, and of a target-lines that can tell where it stands."""

from __future__ import annotations

import yaml


class Shop:
    def __init__(self, project, capabilities):
        self.project = project
        self.change("tap-steps", engine="native")
        self.change("target-lines", capabilities=capabilities, environment=["TARGET_LINES_ASKED"])

    def change(self, name, **facts):
        registry = yaml.safe_load(self.project.registry.read_text())
        [entry] = [each for each in registry["connectors"] if each["name"] == name]
        entry.update(facts)
        self.project.registry.write_text(yaml.safe_dump(registry, sort_keys=False))

    def job(self, steps, **recover):
        target = {"config": {"path": "loaded", "recover": {k: str(v) for k, v in recover.items()}}}
        if "code" in recover:
            target["config"]["recover"]["code"] = recover["code"]
        return self.project.job(steps, target=target)

    def path(self, name):
        return self.project.directory / name

    def has_run_to(self, state):
        """One run, after which this is the stored state."""
        done = self.project.dativo("run", self.job([{"records": 1}, {"state": state}]))
        assert done.returncode == 0, done.stderr
