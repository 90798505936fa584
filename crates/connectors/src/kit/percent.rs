//! Percent-encoding, and decoding that refuses what is not UTF-8.

use std::fmt::Write as _;

/// A text as one part of a path or as a value of a query (RFC 3986): everything but the unreserved characters is
/// escaped, spaces too, which only forms write as `+`.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

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
    fn what_is_encoded_is_one_part_and_comes_back() {
        for (text, encoded) in [
            ("acme/payments", "acme%2Fpayments"),
            ("incident/board:INC 7", "incident%2Fboard%3AINC%207"),
            ("a+b?c#d&e=100%", "a%2Bb%3Fc%23d%26e%3D100%25"),
            ("~*é", "~%2A%C3%A9"),
        ] {
            assert_eq!(encode(text), encoded);
            assert_eq!(decode(encoded.as_bytes()).as_deref(), Some(text));
        }
    }

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
