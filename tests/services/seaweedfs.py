"""An S3 store for tests: a real SeaweedFS on this machine, one for the whole test session."""

import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tests.paths import BIN

ACCESS_KEY = "admin"
SECRET_KEY = "seaweed-secret-of-the-tests"
BUCKET = "lake"
_START_SECONDS = 60
_PORTS = ("master.port", "volume.port", "filer.port", "s3.port")
TABLE_BUCKET = "tables"
_RUNNING = pytest.StashKey["SeaweedFS"]()


@dataclass
class SeaweedFS:
    """A running server; `start` returns once it stores objects."""

    directory: Path
    ports: dict[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3.port']}"

    @property
    def catalog_uri(self) -> str:
        """Address of its Iceberg REST catalog."""
        return f"http://127.0.0.1:{self.ports['s3.port.iceberg']}"

    def catalog(self, uri: str | None = None) -> dict[str, str]:
        """Properties of its REST catalog for pyiceberg, through `uri` instead of directly if there is one."""
        return {
            "type": "rest",
            "uri": uri or self.catalog_uri,
            "warehouse": f"s3://{TABLE_BUCKET}",
            "credential": f"{ACCESS_KEY}:{SECRET_KEY}",
            "oauth2-server-uri": f"{self.catalog_uri}/v1/oauth/tokens",
        }

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of target-parquet for this server."""
        keys = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
        return {"endpoint_url": self.endpoint, "region": "us-east-1", **keys, **more}

    def client(self, service: str = "s3") -> Any:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        return Session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=config,
        )

    def start(self) -> None:
        self.ports = free_ports(*_PORTS, *(f"{name}.grpc" for name in _PORTS), "s3.port.iceberg")
        for name in ("data", "sockets"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command(),
                env=os.environ | {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _command(self) -> list[str]:
        return [
            str(BIN / "weed"),
            f"-logdir={self.directory}",
            "server",
            f"-dir={self.directory / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            "-volume.max=10000",  # by free space there would be too few for a bucket a test
            "-master.volumeSizeLimitMB=256",
            f"-filer.localSocket={self.directory / 'sockets/filer'}",
            f"-s3.localSocket={self.directory / 'sockets/s3'}",
            *(f"-{name}={port}" for name, port in self.ports.items()),
        ]

    def _await(self) -> None:
        """Wait until an object can be written: the server answers long before its parts know each other."""
        assert self.process is not None
        client, deadline, problem = self.client(), time.monotonic() + _START_SECONDS, "no answer"
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
            except (BotoCoreError, ClientError) as error:
                if "BucketAlready" not in str(error):
                    problem = str(error)
                    time.sleep(0.2)
                    continue
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
            self.client("s3tables").create_table_bucket(name=TABLE_BUCKET)
            return
        self.stop()
        log = self._log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"SeaweedFS does not start in {_START_SECONDS} s: {problem}\n{log}")

    @property
    def _log(self) -> Path:
        return self.directory / "weed.log"


def free_ports(*names: str) -> dict[str, int]:
    """Ports nobody listens on right now, one for each name."""
    sockets = [socket.socket() for _ in names]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in zip(names, sockets, strict=True)}
    finally:
        for each in sockets:
            each.close()


def running(config: pytest.Config, directory: Path) -> SeaweedFS:
    """The server of this session; the first one to ask starts it."""
    if _RUNNING not in config.stash:
        server = SeaweedFS(directory)
        config.add_cleanup(server.stop)
        server.start()
        config.stash[_RUNNING] = server
    return config.stash[_RUNNING]
