"""DuckDB with the extensions that it needs for Iceberg; they come from wheels instead of the network."""

import duckdb
from duckdb_extensions import import_extension


def duckdb_with(*extensions: str) -> duckdb.DuckDBPyConnection:
    """A new connection with these extensions, which shows times in UTC."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in extensions:
        import_extension(name, con=connection)
        connection.load_extension(name)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
