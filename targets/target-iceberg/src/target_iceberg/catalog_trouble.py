"""What a catalog fails with, told to the user without the secrets it was opened with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from target_iceberg.errors import StoreError
from target_iceberg.secrets import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.catalog import Catalog


@contextmanager
def explained(catalog: Catalog, doing: str) -> Iterator[None]:
    """Turn the errors of a catalog into ours; `doing` is a verb and its object, as in "load table a.b".

    Raises:
        StoreError: says what it was.
    """
    from target_iceberg.commit.outcomes import catalog_errors, reason_of

    try:
        yield
    except catalog_errors() as error:
        reason = Redactor(catalog.properties)(reason_of(error))
        raise StoreError(
            f"cannot {doing}: {reason}", instruction="Check the catalog, and the rights it gives."
        ) from error
