"""The settings of target-iceberg that depend on each other."""

from __future__ import annotations

import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.errors import ConfigError
from target_iceberg.settings import Settings


def test_a_ledger_may_be_beside_a_warehouse_in_s3() -> None:
    settings = load_settings(Settings, {"warehouse": "s3://tables", "ledger": "s3://lake/ledger"})
    assert settings.aside == "s3://lake/ledger"
    assert load_settings(Settings, {"warehouse": "s3://tables"}).aside is None


@pytest.mark.parametrize(
    ("warehouse", "ledger"),
    [("./lake", "s3://lake/ledger"), ("s3://tables", "./ledger"), ("s3://tables", "gs://lake/ledger")],
)
def test_a_ledger_anywhere_else_is_refused(warehouse: str, ledger: str) -> None:
    with pytest.raises(ConfigError, match="ledger: "):
        load_settings(Settings, {"warehouse": warehouse, "ledger": ledger})
