"""Executables of these tests: as commands, and as the connectors they describe."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dativo_protocol.config import Connector

EXECUTABLES = Path(__file__).parent / "executables"


@pytest.fixture
def tap() -> list[str]:
    return [sys.executable, str(EXECUTABLES / "tap_numbers.py")]


@pytest.fixture
def target() -> list[str]:
    return [sys.executable, str(EXECUTABLES / "target_lines.py")]


@pytest.fixture(scope="session")
def tap_numbers() -> Connector:
    return connector("tap_numbers")


@pytest.fixture(scope="session")
def target_lines() -> Connector:
    return connector("target_lines")


def connector(name: str) -> Connector:
    spec = importlib.util.spec_from_file_location(name, EXECUTABLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # types named in annotations are looked up there
    spec.loader.exec_module(module)
    return module.CONNECTOR
