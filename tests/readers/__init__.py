"""Readers of Iceberg tables that are none of ours, so that any test can hold a table against all of them."""

from tests.readers.agreement import READERS, assert_readers_agree, rows_by

__all__ = ["READERS", "assert_readers_agree", "rows_by"]
