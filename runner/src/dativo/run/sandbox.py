"""Shuts the connectors of one job in: what each may reach, as its job, its settings and the registry say."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from dativo.home import make_private
from dativo.isolation.bwrap import find_bwrap, shut_in
from dativo.isolation.programs import directories_of
from dativo.isolation.reach import Reach, declared, settings_at
from dativo.isolation.seccomp import seccomp_program
from dativo.jobs.secret_backends import FileSecrets

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.jobs.project import Project
    from dativo.jobs.ready import ReadyJob
    from dativo.run.process import Command
    from dativo.run.sides import Side
    from dativo.run.workspace import Workspace


class Sandbox:
    """Makes commands of a job commands in a sandbox.

    Args:
        ready: the job.
        workspace: its private files; a connector sees those only that it is given.
        scratch: directory of its temporary files.
        lock: descriptor of the job's lock, held by the sandbox and unknown to what is in it.

    Raises:
        PolicyError: this machine has no sandbox.
    """

    def __init__(self, ready: ReadyJob, workspace: Workspace, scratch: Path, lock: int | None) -> None:
        self._ready = ready
        self._scratch = scratch
        self._lock = lock
        self._bwrap = find_bwrap()
        self._filter = workspace.write_bytes("seccomp.bpf", seccomp_program())
        self._opened: list[int] = []

    def around(self, side: Side, command: Command, files: list[Path]) -> Command:
        """The same command in a sandbox.

        Args:
            side: whose command it is.
            command: as it would run outside.
            files: private files among its arguments.

        Raises:
            PolicyError: its job lets it reach what no connector may.
        """
        # Each sandbox reads its filter from a descriptor of its own, which has its own place in the file.
        seccomp = os.open(self._filter, os.O_RDONLY | os.O_CLOEXEC)
        self._opened.append(seccomp)
        reach = self.reach(side)
        for path in reach.write:
            path.mkdir(parents=True, exist_ok=True)
        argv = shut_in(
            command.argv,
            bwrap=self._bwrap,
            directory=self._ready.directory,
            scratch=make_private(self._scratch / side.name / "tmp"),
            needs=directories_of(side.program.executable),
            files=files,
            reach=reach,
            seccomp=seccomp,
            lock=self._lock,
        )
        environ = {**command.environ, "TMPDIR": "/tmp", "HOME": "/tmp"}  # noqa: S108  (inside)
        inherits = (*command.inherits, seccomp)
        return dataclasses.replace(command, argv=argv, environ=environ, inherits=inherits, is_shut_in=True)

    def reach(self, side: Side) -> Reach:
        """What the job and the registry let one connector reach."""
        settings, connector = side.settings, side.program.connector
        hidden = (self._ready.project.home.root, *_secret_directories(self._ready.project))
        read = [*settings.paths.read, *settings_at(settings.config, connector.paths.read)]
        write = [*settings.paths.write, *settings_at(settings.config, connector.paths.write)]
        directory = self._ready.directory
        return Reach(
            tuple(declared(side.name, read, directory, hidden)),
            tuple(declared(side.name, write, directory, hidden)),
            settings.network or connector.network,
            hidden,
        )

    def close(self) -> None:
        while self._opened:
            os.close(self._opened.pop())


def _secret_directories(project: Project) -> list[Path]:
    """Where secrets lie as files, those of every tenant."""
    settings = project.settings
    sources = [*settings.secrets, *(each for tenant in settings.tenants.values() for each in tenant.secrets)]
    return [project.root / source.dir for source in sources if isinstance(source, FileSecrets)]
