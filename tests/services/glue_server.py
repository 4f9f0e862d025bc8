"""The Glue of moto, as a server on the port that its argument says; run by the Python of `tools/moto.txt`.

AWS refuses an update whose `VersionId` is not that of the table by then. moto takes every update, so the
check is made here, beside the update, as AWS describes it.
"""

import sys
import threading

from moto.glue.exceptions import GlueClientError
from moto.glue.responses import GlueResponse
from moto.server import main

_one_update_at_a_time = threading.Lock()
_update_table = GlueResponse.update_table


def update_table(response: GlueResponse) -> object:
    """Update a table if it is the version that the caller has read."""
    asked = response.parameters
    with _one_update_at_a_time:
        table = response.glue_backend.get_table(asked["DatabaseName"], asked["TableInput"]["Name"])
        if asked.get("VersionId", table.as_dict()["VersionId"]) != table.as_dict()["VersionId"]:
            raise GlueClientError(
                "ConcurrentModificationException", "Update table failed due to concurrent modifications."
            )
        return _update_table(response)


if __name__ == "__main__":
    GlueResponse.update_table = update_table
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
