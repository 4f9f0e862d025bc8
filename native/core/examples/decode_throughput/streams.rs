//! Singer input of three kinds: flat, nested, wide and sparse.

use std::fmt::Write;

use crate::dice::Dice;

const PHRASES: [&str; 10] = [
    "carefully final deposits",
    r#"the \"regular\" accounts haggle"#,
    "quickly bold packages wake",
    r"requests d\u00e9tect\u00e9s \u00e0 caf\u00e9",
    "slyly ironic theodolites",
    r"路径 with \\ in it",
    r"pending\tinstructions sleep",
    "furiously express Köln pinto beans",
    r#"even, \"special\" foxes' ideas"#,
    "blithely unusual asymptotes nag",
];

/// The named stream: SCHEMA, RECORD lines, a STATE after every 10,000. None for another name.
pub fn generate(name: &str, strict: bool) -> Option<Vec<u8>> {
    let (records, schema, record): (u64, String, fn(&mut Dice, u64) -> String) = match name {
        "lineitem" => (200_000, lineitem_schema(strict), lineitem),
        "events" => (150_000, events_schema(), event),
        "wide" => (40_000, wide_schema(), wide),
        _ => return None,
    };
    let mut dice = Dice::new(7);
    let mut out =
        format!("{{\"type\": \"SCHEMA\", \"stream\": \"{name}\", \"schema\": {schema}, \"key_properties\": []}}\n");
    for row in 0..records {
        let _ = writeln!(
            out,
            "{{\"type\": \"RECORD\", \"stream\": \"{name}\", \"record\": {}, \"time_extracted\": \
             \"2024-01-01T00:{:02}:{:02}.{:06}+00:00\"}}",
            record(&mut dice, row),
            row / 60_000 % 60,
            row / 1_000 % 60,
            row % 1_000 * 1_000,
        );
        if row % 10_000 == 9_999 {
            let _ = writeln!(out, "{{\"type\": \"STATE\", \"value\": {{\"bookmarks\": {{\"{name}\": {row}}}}}}}");
        }
    }
    Some(out.into_bytes())
}

/// With `strict` every column has an assertion: not null, or a range.
fn lineitem_schema(strict: bool) -> String {
    let (null, range) = if strict { ("", r#", "minimum": 0, "maximum": 10000000"#) } else { (r#", "null""#, "") };
    let mut names = Vec::new();
    let properties: Vec<String> = [
        ("integer", "", "orderkey partkey suppkey linenumber"),
        ("number", "", "quantity extendedprice discount tax"),
        ("string", "", "returnflag linestatus"),
        ("string", r#", "format": "date""#, "shipdate commitdate receiptdate"),
        ("string", "", "shipinstruct shipmode comment"),
    ]
    .iter()
    .flat_map(|(kind, format, columns)| columns.split(' ').map(move |column| (kind, format, column)))
    .map(|(kind, format, column)| {
        names.push(format!("\"l_{column}\""));
        let range = if *kind == "string" { "" } else { range };
        format!(r#""l_{column}": {{"type": ["{kind}"{null}]{format}{range}}}"#)
    })
    .collect();
    let required = if strict { format!(r#", "required": [{}]"#, names.join(", ")) } else { String::new() };
    format!(r#"{{"type": "object", "properties": {{{}}}{required}}}"#, properties.join(", "))
}

fn lineitem(dice: &mut Dice, row: u64) -> String {
    format!(
        "{{\"l_orderkey\": {}, \"l_partkey\": {}, \"l_suppkey\": {}, \"l_linenumber\": {}, \"l_quantity\": {}.00, \
         \"l_extendedprice\": {}, \"l_discount\": 0.{:02}, \"l_tax\": 0.{:02}, \"l_returnflag\": \"{}\", \
         \"l_linestatus\": \"{}\", \"l_shipdate\": \"{}\", \"l_commitdate\": \"{}\", \"l_receiptdate\": \"{}\", \
         \"l_shipinstruct\": \"{}\", \"l_shipmode\": \"{}\", \"l_comment\": \"{} {} {}\"}}",
        row / 4 + 1,
        dice.within(1, 200_001),
        dice.within(1, 10_001),
        row % 4 + 1,
        dice.within(1, 51),
        dice.hundredths(10_500_000),
        dice.within(0, 11),
        dice.within(0, 9),
        dice.pick(&["A", "N", "R"]),
        dice.pick(&["F", "O"]),
        dice.day(),
        dice.day(),
        dice.day(),
        dice.pick(&["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]),
        dice.pick(&["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"]),
        dice.pick(&PHRASES),
        dice.within(0, 10_000_000),
        dice.pick(&PHRASES),
    )
}

fn events_schema() -> String {
    let text = r#"{"type": ["string", "null"]}"#;
    let integer = r#"{"type": ["integer", "null"]}"#;
    let number = r#"{"type": ["number", "null"]}"#;
    let moment = r#"{"type": ["string", "null"], "format": "date-time"}"#;
    let address = format!(r#"{{"type": ["object", "null"], "properties": {{"city": {text}, "country": {text}}}}}"#);
    let actor = format!(r#""id": {integer}, "email": {text}, "name": {text}, "address": {address}"#);
    let item = format!(r#""sku": {text}, "quantity": {integer}, "price": {number}, "shipped_at": {moment}"#);
    format!(
        r#"{{"type": "object", "properties": {{"id": {text}, "type": {text}, "created_at": {moment},
        "livemode": {{"type": ["boolean", "null"]}}, "amount": {number}, "currency": {text},
        "actor": {{"type": ["object", "null"], "properties": {{{actor}}}}},
        "tags": {{"type": ["array", "null"], "items": {text}}},
        "items": {{"type": ["array", "null"], "items": {{"type": ["object", "null"], "properties": {{{item}}}}}}},
        "message": {text}}}}}"#
    )
    .replace('\n', " ")
}

fn event(dice: &mut Dice, _row: u64) -> String {
    let address = match dice.chance(70) {
        true => format!(
            r#"{{"city": "{}", "country": "{}"}}"#,
            dice.pick(&["Köln", r"Montr\u00e9al", "東京", "Oslo"]),
            dice.pick(&["DE", "CA", "JP", "NO"])
        ),
        false => "null".into(),
    };
    let amount = if dice.chance(80) { dice.hundredths(10_000_000) } else { "null".into() };
    let tags: Vec<String> =
        (0..dice.within(0, 4)).map(|_| format!("\"{}\"", dice.pick(&["new", "vip", "trial", "churned"]))).collect();
    let items: Vec<String> = (0..dice.within(0, 3)).map(|_| item(dice)).collect();
    format!(
        r#"{{"id": "evt_{:015}", "type": "{}", "created_at": {}, "livemode": {}, "amount": {amount}, "currency": "{}", "actor": {{"id": {}, "email": "user.{}@example.com", "name": "{}", "address": {address}}}, "tags": [{}], "items": [{}], "message": "{}{}"}}"#,
        dice.within(0, 1_000_000_000_000_000),
        dice.pick(&["invoice.paid", "invoice.created", "customer.updated", "charge.refunded"]),
        dice.moment(),
        dice.pick(&["true", "false"]),
        dice.pick(&["eur", "usd", "cad", "jpy"]),
        dice.within(1, 1_000_000),
        dice.within(0, 100_000),
        dice.pick(&[r#"Zoë \"Z\" Müller"#, r"Jos\u00e9 P\u00e9rez", "Anne-Marie O'Neil", "李小龍"]),
        tags.join(", "),
        items.join(", "),
        dice.pick(&PHRASES),
        dice.pick(&PHRASES),
    )
}

fn item(dice: &mut Dice) -> String {
    let shipped = if dice.chance(50) { dice.moment() } else { "null".into() };
    format!(
        r#"{{"sku": "SKU-{}", "quantity": {}, "price": {}, "shipped_at": {shipped}}}"#,
        dice.within(10_000, 100_000),
        dice.within(1, 20),
        dice.hundredths(50_000),
    )
}

const WIDE: [(&str, &str); 6] = [
    ("integer", r#"{"type": ["integer", "null"]}"#),
    ("number", r#"{"type": ["number", "null"]}"#),
    ("string", r#"{"type": ["string", "null"]}"#),
    ("boolean", r#"{"type": ["boolean", "null"]}"#),
    ("datetime", r#"{"type": ["string", "null"], "format": "date-time"}"#),
    ("string", r#"{"type": ["string", "null"]}"#),
];

fn wide_schema() -> String {
    let properties: Vec<String> = (1..120)
        .map(|index| (index, WIDE[index % WIDE.len()]))
        .map(|(index, (kind, schema))| format!(r#""{kind}_property_{index:03}": {schema}"#))
        .collect();
    format!(r#"{{"type": "object", "properties": {{"id": {{"type": "integer"}}, {}}}}}"#, properties.join(", "))
}

/// Few columns are filled: an absent value is a null in every other pair of columns and no key in the rest.
fn wide(dice: &mut Dice, row: u64) -> String {
    let mut members = vec![format!("\"id\": {row}")];
    for index in 1..120_usize {
        let kind = WIDE[index % WIDE.len()].0;
        let value = match kind {
            _ if !dice.chance(5 + 40 * (index as u64 % 7) / 7) => {
                if index / 2 % 2 == 0 {
                    continue;
                }
                "null".into()
            }
            "integer" => dice.within(0, 1_000_000_000).to_string(),
            "number" => dice.hundredths(100_000_000),
            "boolean" => dice.pick(&["true", "false"]).into(),
            "datetime" => dice.moment(),
            _ => format!("\"{}\"", dice.pick(&PHRASES)),
        };
        members.push(format!("\"{kind}_property_{index:03}\": {value}"));
    }
    format!("{{{}}}", members.join(", "))
}
