"""Iceberg's jar for Spark is fetched once, and is the one that is known or none."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.readers.jar import NAME, JarError, spark_jar

CONTENT = b"a jar"
SHA256 = hashlib.sha256(CONTENT).hexdigest()

Fetch = Callable[[str, Path], None]


def bringing(content: bytes) -> Fetch:
    def fetch(version: str, directory: Path) -> None:
        (directory / f"{NAME}-{version}.jar").write_bytes(content)

    return fetch


def refused(version: str, directory: Path) -> None:
    raise JarError(f"{version} not found")


def test_it_is_fetched_once(tmp_path: Path) -> None:
    jar = spark_jar(tmp_path / "jars", SHA256, bringing(CONTENT))
    assert jar.read_bytes() == CONTENT
    assert spark_jar(tmp_path / "jars", SHA256, refused) == jar
    assert list((tmp_path / "jars").iterdir()) == [jar]


def test_another_one_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(JarError, match=f"came with the SHA-256 .*, not {SHA256}"):
        spark_jar(tmp_path, SHA256, bringing(b"another"))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_one_is_fetched_anew(tmp_path: Path) -> None:
    jar = spark_jar(tmp_path, SHA256, bringing(CONTENT))
    jar.write_bytes(CONTENT[:2])
    assert spark_jar(tmp_path, SHA256, bringing(CONTENT)).read_bytes() == CONTENT


def test_one_that_cannot_be_had_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(JarError, match=rf"(?s)put it to {tmp_path}/{NAME}.*Ivy said:\n.* not found"):
        spark_jar(tmp_path, SHA256, refused)
