"""Files for keys that the settings hold as text."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tap_postgres.certificates import PrivateFiles

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("given", [PEM, PEM.strip(), PEM.strip().replace("\n", "\\n"), f"\n {PEM}"])
def test_text_becomes_a_file_of_our_own(given: str) -> None:
    with PrivateFiles() as files:
        path = Path(files.path_of(given, "sslcert"))
        assert path.read_text() == PEM
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


def test_a_path_stays_what_it_is() -> None:
    with PrivateFiles() as files:
        assert files.path_of("/etc/ssl/ca.pem", "sslrootcert") == "/etc/ssl/ca.pem"
        assert files.path_of("~/ca.pem", "sslrootcert") == str(Path.home() / "ca.pem")
