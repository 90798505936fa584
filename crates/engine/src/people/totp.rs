//! One-time codes by time (RFC 6238): SHA-1, 30 seconds, 6 digits, as every authenticator app has them.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// Seconds of one step.
const STEP_S: i64 = 30;

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 20;

/// The step of a time.
pub(super) fn step_at(second: i64) -> i64 {
    second.div_euclid(STEP_S)
}

/// The code of a step.
pub(super) fn code(key: &[u8], step: i64) -> String {
    let mac = match Hmac::<Sha1>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(&step.to_be_bytes());
            mac.finalize().into_bytes()
        }
        Err(_) => unreachable!("an HMAC takes a key of any length"),
    };
    // Dynamic truncation, RFC 4226, 5.3.
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 0xf);
    let four = mac.get(offset..offset + 4).unwrap_or_default();
    let number = four.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The step whose code this is: this one or a neighbour, and later than the last that was used.
pub(super) fn find(key: &[u8], given: &str, second: i64, last_used: i64) -> Option<i64> {
    let now = step_at(second);
    let steps = [now, now - 1, now + 1].into_iter().filter(|step| *step > last_used);
    // Every step is compared, in constant time.
    steps.fold(None, |found, step| {
        let same: bool = code(key, step).as_bytes().ct_eq(given.as_bytes()).into();
        if same { Some(step) } else { found }
    })
}

/// The address that authenticator apps read, for a QR code.
pub(super) fn address(key: &[u8], handle: &str, issuer: &str) -> String {
    let part = |text: &str| {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect::<String>()
    };
    let (issuer, handle) = (part(issuer), part(handle));
    format!("otpauth://totp/{issuer}:{handle}?secret={}&issuer={issuer}", text(key))
}

/// A key as people type it into an app.
pub(super) fn text(key: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = b"12345678901234567890";
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(key, step_at(second)), expected, "{second}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_neighbours_and_only_once() {
        let key = b"12345678901234567890";
        let now = 1_234_567_890;
        let step = step_at(now);
        assert_eq!(find(key, "005924", now, 0), Some(step));
        assert_eq!(find(key, "005924", now, step), None);
        assert_eq!(find(key, "005924", now + 30, 0), Some(step));
        assert_eq!(find(key, "005924", now + 90, 0), None);
        assert_eq!(find(key, "005924 ", now, 0), None);
    }
}
