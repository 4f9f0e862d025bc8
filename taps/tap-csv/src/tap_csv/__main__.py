"""The executable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.cli import run, tap_command
from dativo_protocol.config import Connector

from tap_csv.settings import TapCsvSettings

if TYPE_CHECKING:
    from dativo_protocol.tap import Tap

CONNECTOR = Connector(
    name="tap-csv",
    kind="tap",
    distribution="dativo-tap-csv",
    description="Reads CSV files, typed, compressed or not, as Singer streams.",
    settings=TapCsvSettings,
    capabilities=("about", "batch", "catalog", "discover", "state", "structured-logging", "test"),
)


def open_tap(settings: TapCsvSettings) -> Tap:
    """Open the source; pyarrow is not imported before this."""
    from tap_csv.tap import CsvTap

    return CsvTap(settings)


def main() -> None:
    """Run the command line."""
    run(tap_command(CONNECTOR, open_tap))


if __name__ == "__main__":
    main()
