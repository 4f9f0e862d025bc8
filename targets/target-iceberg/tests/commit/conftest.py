"""What the tests of commits share: a lake on each kind of catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from target_iceberg.catalogs import open_catalog

from tests.services.lake import Lake

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """On SQLite in the warehouse."""
    return Lake(open_catalog({}, str(tmp_path / "lake"), None), f"file://{tmp_path}/lake")
