//! Percent-decoding that refuses what is not UTF-8.

/// One round of percent-decoding. A `%` without two hexadecimal digits stands for itself.
/// `None` if the result is not UTF-8.
pub(crate) fn decode(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                decoded.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_is_undone_and_bad_utf8_refused() {
        for (text, decoded) in [
            ("plain", Some("plain")),
            ("Euro%20%E2%82%AC", Some("Euro €")),
            ("%2520", Some("%20")),
            ("100%", Some("100%")),
            ("%zz%4", Some("%zz%4")),
            ("%C0%A0", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), decoded, "{text}");
        }
    }
}
