//! UUIDs in their text form.

/// The sixteen bytes of 32 hexadecimal digits, with the dashes of RFC 9562 or without any.
pub(crate) fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let dashed = text.len() == 36;
    if dashed && [8, 13, 18, 23].iter().any(|&at| text[at] != b'-') || !dashed && text.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let dashes = if dashed { [4, 6, 8, 10].iter().filter(|&&group| index >= group).count() } else { 0 };
        let at = index * 2 + dashes;
        *byte = hex(text[at])? << 4 | hex(text[at + 1])?;
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_the_same() {
        let expected = std::array::from_fn(|index| 0x11 * index as u8);
        assert_eq!(parse(b"00112233-4455-6677-8899-AABBCCddeeff"), Some(expected));
        assert_eq!(parse(b"00112233445566778899aabbccddeeff"), Some(expected));
    }

    #[test]
    fn garbage_is_refused() {
        for text in [
            "",
            "00112233-4455-6677-8899-aabbccddeef",
            "00112233-4455-6677-8899-aabbccddeefg",
            "001122334-455-6677-8899-aabbccddeeff",
            "00112233445566778899aabbccddeeffff00",
            "{0112233445566778899aabbccddeeff",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
