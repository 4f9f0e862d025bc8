"""A Glue catalog for tests: moto's, as a server on this machine, one for the whole test session."""

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.venvs import tool_bin
from tests.services.seaweedfs import free_ports

SECRET_KEY = "glue-secret-of-the-tests"
_KEYS = {"AWS_ACCESS_KEY_ID": "loader", "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
_SERVER = Path(__file__).with_name("glue_server.py")
_START_SECONDS = 60
_RUNNING = pytest.StashKey["Glue"]()


@dataclass
class Glue:
    """A running server; `start` returns once it answers."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def catalog(self, endpoint: str | None = None) -> dict[str, str]:
        """Properties for pyiceberg, through another address than its own if there is one."""
        return {
            "type": "glue",
            "glue.endpoint": endpoint or self.endpoint,
            "glue.region": "us-east-1",
            "glue.access-key-id": _KEYS["AWS_ACCESS_KEY_ID"],
            "glue.secret-access-key": SECRET_KEY,
        }

    def start(self) -> None:
        self.port = free_ports("glue")["glue"]
        python = tool_bin("moto") / "python"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [python, _SERVER, str(self.port)],
                env=os.environ | _KEYS,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _await(self) -> None:
        """Wait until it listens: it is ready then."""
        assert self.process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        raise RuntimeError(f"Glue does not start in {_START_SECONDS} s:\n{self._log.read_text()[-2000:]}")

    @property
    def _log(self) -> Path:
        return self.directory / "glue.log"


def running(config: pytest.Config, directory: Path) -> Glue:
    """The server of this session; the first one to ask starts it."""
    if _RUNNING not in config.stash:
        server = Glue(directory)
        config.add_cleanup(server.stop)
        server.start()
        config.stash[_RUNNING] = server
    return config.stash[_RUNNING]
