"""Every type and value reaches Parquet as it is, or as a policy says."""

from pathlib import Path

import pytest

from tests.fidelity.cases import BUILT_IN, EXTENSIONS, MADE, OF_EXTENSIONS
from tests.fidelity.matrix import fill_table, make_table, observe
from tests.fidelity.page import PAGE, SECTIONS, section
from tests.fidelity.pipeline import WAYS, source
from tests.services.postgres import Postgres


@pytest.fixture(scope="module")
def built_in(sixteen: Postgres):
    with source(sixteen, "fidelity_built_in") as made:
        with made.connect() as connection:
            make_table(connection, BUILT_IN, MADE)
            fill_table(connection, BUILT_IN)
        yield made


@pytest.fixture(scope="module")
def of_extensions(eighteen: Postgres):
    with source(eighteen, "fidelity_extensions") as made:
        with made.connect() as connection:
            make_table(connection, OF_EXTENSIONS, EXTENSIONS)
            fill_table(connection, OF_EXTENSIONS)
        yield made


@pytest.mark.parametrize("way", WAYS)
def test_every_built_in_type(built_in, tmp_path: Path, way: str) -> None:
    lines = observe(built_in, BUILT_IN, tmp_path, way)
    assert {line.case.declared: line.wrong for line in lines if line.wrong} == {}
    assert section(SECTIONS[0][0], lines) in PAGE.read_text()


@pytest.mark.parametrize("way", WAYS[:2])
def test_every_type_of_an_extension(of_extensions, tmp_path: Path, way: str) -> None:
    lines = observe(of_extensions, OF_EXTENSIONS, tmp_path, way)
    assert {line.case.declared: line.wrong for line in lines if line.wrong} == {}
    assert section(SECTIONS[1][0], lines) in PAGE.read_text()
