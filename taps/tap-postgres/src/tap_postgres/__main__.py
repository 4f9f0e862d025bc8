"""The executable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dativo_protocol.cli import run, tap_command
from dativo_protocol.config import Connector

from tap_postgres.settings import TapPostgresSettings

if TYPE_CHECKING:
    from dativo_protocol.tap import Tap

CONNECTOR = Connector(
    name="tap-postgres",
    kind="tap",
    distribution="dativo-tap-postgres",
    description="Reads tables of PostgreSQL, typed as they are, as Singer streams.",
    settings=TapPostgresSettings,
    capabilities=(
        "about",
        "activate-version",
        "batch",
        "catalog",
        "discover",
        "log-based",
        "state",
        "structured-logging",
        "test",
    ),
)


def open_tap(settings: TapPostgresSettings) -> Tap:
    """Open the source; neither the driver nor pyarrow is imported before this."""
    from tap_postgres.tap import PostgresTap

    return PostgresTap(settings)


def main() -> None:
    """Run the command line."""
    run(tap_command(CONNECTOR, open_tap))


if __name__ == "__main__":
    main()
