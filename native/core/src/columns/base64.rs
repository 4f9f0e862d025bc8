//! Base64, the form JSON gives to bytes.

/// Appends the bytes that `text` stands for; padding may be left out. On none, `out` may hold a part of them.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let text = without_padding(text)?;
    let quads = text.chunks_exact(4);
    let rest = quads.remainder();
    for quad in quads {
        let bits = bits(quad)?;
        out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
    }
    match *rest {
        [] => {}
        [_, _] => out.push((bits(rest)? >> 4) as u8),
        [_, _, _] => {
            let bits = bits(rest)? << 6;
            out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8]);
        }
        _ => return None,
    }
    Some(())
}

fn without_padding(text: &[u8]) -> Option<&[u8]> {
    let stripped = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    (stripped.len() == text.len() || text.len().is_multiple_of(4)).then_some(stripped)
}

fn bits(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |bits, &digit| Some(bits << 6 | u32::from(sextet(digit)?)))
}

fn sextet(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out)?;
        Some(out)
    }

    #[test]
    fn the_vectors_of_rfc_4648() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zg", "f"),
            ("Zm8", "fo"),
        ] {
            assert_eq!(decoded(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(decoded("+/+/").as_deref(), Some(&[0xFB, 0xFF, 0xBF][..]));
    }

    #[test]
    fn garbage_is_refused() {
        for text in ["Z", "Zg=", "Zm9v=", "Zm9v==", "Zm 9", "Zm9v\n", "Zm9v-", "====", "=", "Zm=v"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
