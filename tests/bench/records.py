"""The records of each stream as JSON text; each function makes `rows` records of block `block`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.bench.streams import WIDE
from tests.bench.text import Dice, concat, escaped, hundredths, or_null, quoted

FIRST_SHIP_DAY = 8_036  # 1992-01-02, as in TPC-H
LAST_SHIP_DAY = 10_561
WORDS = (
    *(Path(__file__).parent / "words.txt").read_text().split(),
    *(
        "Köln",
        "café",
        "détectés",
        "naïve",
        "東京",
        '"quoted"',
        '"final"',
        "back\\slash",
        "tab\tbed",
        "O'Neil",
    ),
)
PHRASES = (
    'the "regular" accounts haggle',
    "requests détectés à café",
    "pending\tinstructions sleep",
    "furiously express Köln pinto beans",
    'even, "special" foxes\' ideas',
    "路径 with \\ in it",
    "blithely unusual asymptotes nag",
)


def lineitem_columns(block: int, rows: int) -> dict[str, pa.Array]:
    """The sixteen columns as plain text, before any quoting."""
    dice = Dice(1 + block, rows)
    row = pc.add(pa.array(range(rows), pa.int64()), block * rows)
    order = pc.add(pc.divide(row, 4), 1)
    shipped = dice.integers(FIRST_SHIP_DAY, LAST_SHIP_DAY)
    quantity = dice.integers(1, 51)
    words = [dice.pick(WORDS) for _ in range(9)]
    return {
        "l_orderkey": pc.cast(order, pa.string()),
        "l_partkey": dice.numerals(1, 200_001),
        "l_suppkey": dice.numerals(1, 10_001),
        "l_linenumber": pc.cast(
            pc.add(pc.subtract(row, pc.multiply(pc.subtract(order, 1), 4)), 1), pa.string()
        ),
        "l_quantity": hundredths(pc.multiply(quantity, 100)),
        "l_extendedprice": hundredths(pc.multiply(quantity, dice.integers(90_000, 210_000))),
        "l_discount": hundredths(dice.integers(0, 11)),
        "l_tax": hundredths(dice.integers(0, 9)),
        "l_returnflag": dice.pick("ANR"),
        "l_linestatus": dice.pick("FO"),
        "l_shipdate": _days(shipped),
        "l_commitdate": _days(pc.add(shipped, dice.integers(-60, 61))),
        "l_receiptdate": _days(pc.add(shipped, dice.integers(1, 31))),
        "l_shipinstruct": dice.pick(["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]),
        "l_shipmode": dice.pick(["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]),
        "l_comment": pc.binary_join_element_wise(*words, " "),
    }


def lineitem(block: int, rows: int) -> pa.Array:
    """TPC-H's `lineitem`: every key in every record, quotes, escapes and non-ASCII in the comment."""
    columns = lineitem_columns(block, rows)
    numbers = list(columns)[:8]
    values = {name: text if name in numbers else quoted(text) for name, text in columns.items()}
    values["l_comment"] = escaped(columns["l_comment"])
    return _object(values)


def events(block: int, rows: int) -> pa.Array:
    """A SaaS API's events: structs, optional structs, lists of structs, offsets, escapes."""
    dice = Dice(1_000_001 + block, rows)
    address = _object(
        {
            "city": escaped(dice.pick(["Köln", "Montréal", "東京", "Oslo"])),
            "country": quoted(dice.pick(["DE", "CA", "JP", "NO"])),
        }
    )
    actor = {
        "id": dice.numerals(1, 1_000_000),
        "email": quoted(concat("user.", dice.numerals(0, 100_000), "@example.com")),
        "name": escaped(dice.pick(['Zoë "Z" Müller', "José Pérez", "Anne-Marie O'Neil", "李小龍"])),
        "address": or_null(dice.chance(0.7), address),
    }
    return _object(
        {
            "id": quoted(concat("evt_", pc.utf8_lpad(dice.numerals(0, 10**15), 15, "0"))),
            "type": quoted(
                dice.pick(["invoice.paid", "invoice.created", "customer.updated", "charge.refunded"])
            ),
            "created_at": dice.moments(),
            "livemode": dice.pick(["true", "false"]),
            "amount": or_null(dice.chance(0.8), hundredths(dice.integers(0, 10_000_000))),
            "currency": quoted(dice.pick(["eur", "usd", "cad", "jpy"])),
            "actor": _object(actor),
            "tags": _list(dice, [quoted(dice.pick(["new", "vip", "trial", "churned"])) for _ in range(3)]),
            "items": _list(dice, [_item(dice) for _ in range(2)]),
            "message": escaped(concat(dice.pick(PHRASES), dice.pick(["", "\n"]), dice.pick(PHRASES))),
        }
    )


def wide(block: int, rows: int) -> pa.Array:
    """Many columns, few filled: an absent value is a null in half of the columns, no key in the rest."""
    dice = Dice(2_000_001 + block, rows)
    row = pc.add(pa.array(range(rows), pa.int64()), block * rows)
    members: list[pa.Array] = [concat('"id": ', pc.cast(row, pa.string()))]
    for index, field in enumerate(WIDE.fields[1:]):
        value = concat(f'"{field.name}": ', _scalar(dice, field.kind))
        present = dice.chance(0.05 + 0.4 * (index % 7) / 7)
        absent = f'"{field.name}": null' if index // 2 % 2 else pa.scalar(None, pa.string())
        members.append(pc.if_else(present, value, absent))
    joined = pc.binary_join_element_wise(*members, ", ", null_handling="skip")
    return concat("{", joined, "}")


RECORDS = {"lineitem": lineitem, "events": events, "wide": wide}


def _object(values: dict[str, pa.Array]) -> pa.Array:
    parts: list[pa.Array | str] = []
    for name, text in values.items():
        parts += [f'{", " if parts else "{"}"{name}": ', text]
    return concat(*parts, "}")


def _list(dice: Dice, items: list[pa.Array]) -> pa.Array:
    """JSON arrays of the first 0..n of the items."""
    lengths = [
        concat("[", pc.binary_join_element_wise(*items[:count], ", "), "]")
        for count in range(1, len(items) + 1)
    ]
    return pc.choose(dice.integers(0, len(items) + 1), "[]", *lengths)


def _item(dice: Dice) -> pa.Array:
    return _object(
        {
            "sku": quoted(concat("SKU-", dice.numerals(10_000, 100_000))),
            "quantity": dice.numerals(1, 20),
            "price": hundredths(dice.integers(100, 50_000)),
            "shipped_at": or_null(dice.chance(0.5), dice.moments()),
        }
    )


def _scalar(dice: Dice, kind: str) -> pa.Array:
    match kind:
        case "integer":
            return dice.numerals(0, 10**9)
        case "number":
            return hundredths(dice.integers(0, 10**8))
        case "boolean":
            return dice.pick(["true", "false"])
        case "datetime":
            return dice.moments()
        case _:
            return escaped(dice.pick(PHRASES))


def _days(days: pa.Array) -> pa.Array:
    return pc.cast(pc.cast(pc.cast(days, pa.int32()), pa.date32()), pa.string())
