"""The header of a file held against what a stream expects of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_csv.errors import HeaderError
from tap_csv.plan import ByKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_csv.header import Header
    from tap_csv.notices import Notices
    from tap_csv.plan import StreamPlan


def check_header(header: Header, plan: StreamPlan, file: str, notices: Notices) -> None:
    """Say where a file differs from its stream; its rows then have nulls, or fields that nobody reads.

    Raises:
        HeaderError: a key column or the replication key is missing.
    """
    say_renamed(header, plan.id, file, notices)
    replication_key = [plan.replication.column.name] if isinstance(plan.replication, ByKey) else []
    require(header, (name for name in plan.keys if not plan.produces(name)), "key column", file)
    require(header, replication_key, "replication key", file)
    if not header.columns:
        return
    known = plan.message.schema["properties"] | dict.fromkeys(plan.deselected)
    for name in header.columns:
        if name not in known:
            notices.warn(
                plan.id,
                f"column {name!r} is not in the catalog and is not read (first seen in {file})",
                about=name,
            )
    for column in plan.columns:
        if column.name not in header.columns and not plan.produces(column.name):
            notices.warn(
                plan.id,
                f"column {column.name!r} is null where files lack it (first: {file})",
                about=column.name,
            )


def say_renamed(header: Header, stream: str, file: str, notices: Notices) -> None:
    """Say which columns are called otherwise than in the file."""
    for old, new in header.renamed:
        if old:
            text = f"the name {old!r} is taken, a further column of it is called {new!r} (first: {file})"
        else:
            text = f"a column without a name is called {new!r} (first: {file})"
        notices.warn(stream, text, about=f"{old}/{new}")
    if not header.columns:
        notices.warn(stream, f"{file} is empty: no header, no rows")


def require(header: Header, names: Iterable[str], what: str, file: str) -> None:
    """Insist on columns, unless the file is empty.

    Raises:
        HeaderError: one of them is missing.
    """
    for name in names:
        if header.columns and name not in header.columns:
            among = ", ".join(map(repr, header.columns))
            raise HeaderError(f"no {what} {name!r} among the columns {among}", file=file)
