"""Column types as an oracle sees them: how their values are spelled in JSON, and what Python's own
libraries make of that spelling."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import uuid
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

JSON_TEXT = {b"dativo.json": b"text"}
SPACES = st.sampled_from(["", "", "", " ", "\t", "  "])


@dataclass(frozen=True)
class Kind:
    """One column type.

    Attributes:
        type: its Arrow type.
        texts: JSON texts of values of this type, never `null`.
        expect: what a parsed JSON value (numbers with a point as Decimal) means to pyarrow.
        values: what pyarrow can hold in this type and the encoder can say.
        metadata: of the field.
    """

    type: pa.DataType
    texts: st.SearchStrategy[str]
    expect: Callable[[Any], Any]
    values: st.SearchStrategy[Any]
    metadata: dict[bytes, bytes] | None = None

    def field(self, name: str) -> pa.Field:
        return pa.field(name, self.type, metadata=self.metadata)

    def expect_or_null(self, parsed: Any) -> Any:
        return None if parsed is None else self.expect(parsed)


def spaced(text: str) -> st.SearchStrategy[str]:
    return st.builds(lambda before, after: f"{before}{text}{after}", SPACES, SPACES)


def json_string(text: str) -> st.SearchStrategy[str]:
    return st.booleans().map(lambda ascii_only: json.dumps(text, ensure_ascii=ascii_only))


def replace_lone_surrogates(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


INT64 = st.integers(-(2**63), 2**63 - 1)


def integer_texts(value: int) -> st.SearchStrategy[str]:
    ends = ["", ".0", ".000", "e0", ".00E+00"]
    return st.sampled_from([f"{value * 10}e-1", *(f"{value}{end}" for end in ends)])


def to_float(parsed: Any) -> float | None:
    number = float(parsed)
    return number if number == number and abs(number) != float("inf") else None


FINITE = st.floats(allow_nan=False, allow_infinity=False)
FLOAT_TEXTS = st.one_of(
    FINITE.map(repr),
    FINITE.map(lambda value: f"{value:.25e}"),
    st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "-0.0", "0", "5e-324", "1E5", "123.0e-2"]),
)

SCALE = 9
# The default context rounds to 28 digits; the type has 38.
WIDE = Context(prec=60)
UNSCALED = st.integers(-(10**38) + 1, 10**38 - 1)
DECIMALS = UNSCALED.map(lambda unscaled: Decimal(unscaled).scaleb(-SCALE, WIDE))


def decimal_text(unscaled: int) -> st.SearchStrategy[str]:
    plain = format(Decimal(unscaled).scaleb(-SCALE, WIDE), "f")
    return st.sampled_from([plain, f'"{plain}"', f"{unscaled}e-{SCALE}", plain.rstrip("0") + "0"])


STRINGS = st.text()
STRING_TEXTS = st.one_of(
    STRINGS.flatmap(json_string),
    st.lists(
        st.sampled_from([r"\ud83d", r"\ude00", r"\u0000", r"\/", r"\b\f\n\r\t", r"\"\\", "é🦀", "x" * 40])
    ).map(lambda parts: f'"{"".join(parts)}"'),
)
BYTES = st.binary(max_size=40)
DATES = st.dates()
TIMES = st.times()
MOMENTS = st.datetimes(min_value=dt.datetime(1, 1, 3), max_value=dt.datetime(9999, 12, 29))  # noqa: DTZ001
OFFSETS = st.sampled_from(["", "Z", "+00:00", "+0530", "-07", "+14:00", "-03:30"])


def moment_texts(offset: str) -> st.SearchStrategy[str]:
    separators = st.sampled_from(["T", " "])
    return st.builds(lambda moment, sep: f'"{moment.isoformat(sep=sep)}{offset}"', MOMENTS, separators)


def to_instant(parsed: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(parsed)
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), INT64, st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)

SCALARS = [
    Kind(pa.bool_(), st.sampled_from(["true", "false"]), bool, st.booleans()),
    Kind(pa.int64(), INT64.flatmap(integer_texts), int, INT64),
    Kind(pa.float64(), FLOAT_TEXTS, to_float, FINITE),
    Kind(
        pa.decimal128(38, SCALE),
        UNSCALED.flatmap(decimal_text),
        lambda parsed: Decimal(parsed).quantize(Decimal(1).scaleb(-SCALE), context=WIDE),
        DECIMALS,
    ),
    Kind(pa.string(), STRING_TEXTS, replace_lone_surrogates, STRINGS),
    Kind(
        pa.string(),
        JSON_VALUES.filter(lambda value: value is not None).map(json.dumps),
        json.dumps,
        JSON_VALUES.map(json.dumps).filter(lambda text: text != "null"),
        JSON_TEXT,
    ),
    Kind(
        pa.binary(),
        BYTES.map(lambda data: json.dumps(base64.b64encode(data).decode())),
        base64.b64decode,
        BYTES,
    ),
    Kind(
        pa.binary(16),
        st.uuids().map(lambda value: f'"{value}"'),
        lambda parsed: uuid.UUID(parsed).bytes,
        st.uuids().map(lambda value: value.bytes),
    ),
    Kind(
        pa.timestamp("us", "UTC"),
        OFFSETS.flatmap(moment_texts),
        to_instant,
        MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.UTC)),
    ),
    Kind(
        pa.timestamp("us"),
        st.sampled_from(["", "Z", "+00:00"]).flatmap(moment_texts),
        lambda parsed: to_instant(parsed).replace(tzinfo=None),
        MOMENTS,
    ),
    Kind(
        pa.date32(),
        st.builds(lambda date, midnight: f'"{date}{midnight}"', DATES, st.sampled_from(["", "T00:00:00"])),
        lambda parsed: dt.date.fromisoformat(parsed[:10]),
        DATES,
    ),
    Kind(
        pa.time64("us"),
        st.builds(lambda time, zone: f'"{time.isoformat()}{zone}"', TIMES, st.sampled_from(["", "Z"])),
        lambda parsed: dt.time.fromisoformat(parsed.removesuffix("Z")),
        TIMES,
    ),
]


def list_of(item: Kind) -> Kind:
    texts = st.lists(nullable(item.texts), max_size=4).map(lambda items: f"[{','.join(items)}]")
    return Kind(
        pa.list_(item.field("item")),
        texts,
        lambda parsed: [item.expect_or_null(value) for value in parsed],
        st.lists(st.none() | item.values, max_size=4),
    )


def map_of(value: Kind) -> Kind:
    texts = st.dictionaries(STRINGS, nullable(value.texts), max_size=3).map(
        lambda members: "{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in members.items()) + "}"
    )
    return Kind(
        pa.map_(pa.string(), value.field("value")),
        texts,
        lambda parsed: [(key, value.expect_or_null(item)) for key, item in parsed.items()],
        st.dictionaries(STRINGS, st.none() | value.values, max_size=3).map(lambda pairs: list(pairs.items())),
    )


def struct_of(members: dict[str, Kind]) -> Kind:
    return Kind(
        pa.struct([kind.field(name) for name, kind in members.items()]),
        object_texts(members),
        lambda parsed: {name: kind.expect_or_null(parsed.get(name)) for name, kind in members.items()},
        st.fixed_dictionaries({name: st.none() | kind.values for name, kind in members.items()}),
    )


def nullable(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(st.just("null"), texts, texts).flatmap(spaced)


@st.composite
def object_texts(draw: Any, members: dict[str, Kind]) -> str:
    """A JSON object with its keys in any order, some missing, some twice, some unknown."""
    names = draw(st.permutations(list(members)))
    present = [name for name in names if draw(st.integers(0, 4)) > 0]
    repeated = [name for name in present if draw(st.integers(0, 9)) == 0]
    parts = [
        f"{draw(json_string(name).flatmap(spaced))}:{draw(nullable(members[name].texts))}"
        for name in [*repeated, *present]
    ]
    if draw(st.integers(0, 4)) == 0:
        unknown = draw(JSON_VALUES.map(json.dumps))
        parts.insert(draw(st.integers(0, len(parts))), f'"not a column":{unknown}')
    return f"{{{','.join(parts)}}}"


# Arrow passes names as C strings, so a NUL in one cannot cross.
NAMES = st.one_of(
    st.sampled_from(["a", "b", "Name", "e-mail", "a/b"]),
    st.text(min_size=1, max_size=6).filter(lambda name: "\0" not in name),
)


def columns(kinds: st.SearchStrategy[Kind], *, at_least: int = 0) -> st.SearchStrategy[dict[str, Kind]]:
    return st.dictionaries(NAMES, kinds, min_size=at_least, max_size=4)


KINDS = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(inner.map(list_of), inner.map(map_of), columns(inner, at_least=1).map(struct_of)),
    max_leaves=3,
)
