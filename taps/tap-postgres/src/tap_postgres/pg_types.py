"""The types of the server, with all that they are made of, in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import psycopg
    from psycopg.rows import TupleRow

TypeClass = Literal["base", "array", "composite", "domain", "enum", "range", "pseudo"]

_CLASSES: dict[str, TypeClass] = {
    "b": "base",
    "c": "composite",
    "d": "domain",
    "e": "enum",
    "m": "range",
    "p": "pseudo",
    "r": "range",
}
"""By `pg_type.typtype`; a multirange is read as a range is: as text."""


@dataclass(frozen=True, slots=True)
class PgField:
    """A member of a composite type; attributes as those of a column."""

    name: str
    type: PgType
    typmod: int
    dimensions: int


@dataclass(frozen=True, slots=True)
class PgType:
    """A type.

    Attributes:
        name: `typname`, such as "int4".
        schema: it is in.
        extension: that brings it; empty if none does.
        item: of an array.
        base: of a domain, the type one step below.
        typmod: of a domain: that of its base.
        dimensions: of a domain over an array.
        fields: of a composite type.
        delimiter: between values of it in an array's text: a comma, but for `box` and PostGIS.
    """

    oid: int
    name: str
    schema: str
    kind: TypeClass
    extension: str = ""
    item: PgType | None = None
    base: PgType | None = None
    typmod: int = -1
    dimensions: int = 0
    fields: tuple[PgField, ...] = ()
    delimiter: str = ","


_QUERY = """
WITH RECURSIVE wanted(oid) AS (
    SELECT unnest(%s::oid[])
    UNION
    SELECT next.oid FROM wanted
    JOIN pg_catalog.pg_type t ON t.oid = wanted.oid
    CROSS JOIN LATERAL (
        SELECT t.typelem WHERE t.typelem <> 0
        UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
            WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ) next(oid)
)
SELECT t.oid::int8, t.typname, n.nspname, t.typtype::text, coalesce(x.extname, ''),
    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)
        THEN t.typelem::int8 ELSE 0 END,
    t.typbasetype::int8, t.typtypmod, t.typndims, t.typdelim::text,
    coalesce((
        SELECT json_agg(json_build_array(a.attname, a.atttypid::int8, a.atttypmod, a.attndims)
            ORDER BY a.attnum)
        FROM pg_catalog.pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ), '[]')
FROM wanted
JOIN pg_catalog.pg_type t ON t.oid = wanted.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
"""


def read_types(connection: psycopg.Connection[TupleRow], oids: Iterable[int]) -> Mapping[int, PgType]:
    """Ask the server for these types and all that they are made of."""
    rows = connection.execute(_QUERY, [sorted(set(oids))]).fetchall()
    return _Types({row[0]: row for row in rows}).all()


class _Types:
    """Puts types together, each after those it is made of: the server lets none contain itself."""

    def __init__(self, rows: Mapping[int, tuple[Any, ...]]) -> None:
        self._rows = rows
        self._made: dict[int, PgType] = {}

    def all(self) -> Mapping[int, PgType]:
        for oid in self._rows:
            self._type(oid)
        return self._made

    def _type(self, oid: int) -> PgType:
        if oid not in self._made:
            self._made[oid] = self._make(*self._rows[oid])
        return self._made[oid]

    def _make(
        self,
        oid: int,
        name: str,
        schema: str,
        typtype: str,
        extension: str,
        item: int,
        base: int,
        typmod: int,
        dimensions: int,
        delimiter: str,
        fields: list[tuple[str, int, int, int]],
    ) -> PgType:
        return PgType(
            oid,
            name,
            schema,
            "array" if item else _CLASSES.get(typtype, "pseudo"),
            extension,
            item=self._type(item) if item else None,
            base=self._type(base) if base else None,
            typmod=typmod,
            dimensions=dimensions,
            fields=tuple(PgField(field, self._type(of), mod, dims) for field, of, mod, dims in fields),
            delimiter=delimiter,
        )
