"""Readers of Iceberg tables that are none of ours, so that any test can hold a table against all of them."""

from tests.readers.agreement import QUICK_READERS, READERS, assert_readers_agree, rows_by

__all__ = ["QUICK_READERS", "READERS", "assert_readers_agree", "rows_by"]
