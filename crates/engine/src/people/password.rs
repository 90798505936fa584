//! Passwords: Argon2id with a pepper of the installation, and which ones are too easy to guess.

use argon2::{Algorithm, Argon2, Params, Version};
use data_encoding::BASE64_NOPAD;
use subtle::ConstantTimeEq;

use crate::rng::Rng;

/// Memory in KiB, passes and lanes (OWASP's first choice, which is TRUST's least).
const COST: Cost = (19_456, 2, 1);

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The shortest and the longest password, in characters.
pub(super) const SHORTEST: usize = 15;
const LONGEST: usize = 256;

/// Hashes a password: `argon2id$m$t$p$salt$hash`. Slow on purpose.
pub(super) fn hash(password: &str, pepper: &[u8; 32], rng: &dyn Rng) -> Option<String> {
    let mut salt = [0_u8; SALT_BYTES];
    rng.fill(&mut salt);
    let (m, t, p) = COST;
    let hash = derive(password, &salt, pepper, COST)?;
    Some(format!(
        "argon2id${m}${t}${p}${}${}",
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(&hash)
    ))
}

/// Whether a password is the one that was hashed. Slow on purpose, and as slow for a wrong one.
pub(super) fn verify(password: &str, stored: &str, pepper: &[u8; 32]) -> bool {
    let Some((cost, salt, expected)) = parse(stored) else { return false };
    let Some(given) = derive(password, &salt, pepper, cost) else { return false };
    given.as_slice().ct_eq(&expected).into()
}

/// Memory in KiB, passes and lanes.
type Cost = (u32, u32, u32);

fn parse(stored: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = stored.strip_prefix("argon2id$")?.split('$');
    let mut number = || parts.next()?.parse().ok();
    let cost = (number()?, number()?, number()?);
    let salt = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
    let hash = BASE64_NOPAD.decode(parts.next()?.as_bytes()).ok()?;
    parts.next().is_none().then_some((cost, salt, hash))
}

fn derive(
    password: &str,
    salt: &[u8],
    pepper: &[u8; 32],
    (m, t, p): Cost,
) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(m, t, p, Some(HASH_BYTES)).ok()?;
    let argon =
        Argon2::new_with_secret(pepper, Algorithm::Argon2id, Version::V0x13, params).ok()?;
    let mut hash = [0_u8; HASH_BYTES];
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

/// Why a password is not good enough, if so. Length is what counts; beyond it only what attackers try first.
pub(super) fn weakness(password: &str, handle: &str) -> Option<&'static str> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some("it has fewer than 15 characters");
    }
    if length > LONGEST {
        return Some("it has more than 256 characters");
    }
    let lower = password.to_lowercase();
    let beside = beside(&lower, handle);
    if beside.chars().count() < 8 {
        return Some("it is little more than the name of the account");
    }
    // The name of the account is known: what is beside it has to be hard to guess by itself.
    if repeats(&lower) || repeats(&beside) {
        return Some("it repeats itself");
    }
    if runs(&lower) || runs(&beside) {
        return Some("it runs along the alphabet, the digits or the keyboard");
    }
    let letters: String = beside.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let rest = COMMON
        .lines()
        .filter(|word| !word.is_empty())
        .fold(letters, |rest, word| rest.replace(word, ""));
    (rest.chars().count() < 6).then_some("it is made of passwords that everybody tries first")
}

/// A password without the name of its account; names of one or two letters are in many words.
fn beside(lower: &str, handle: &str) -> String {
    if handle.chars().count() < 3 {
        lower.to_owned()
    } else {
        lower.replace(&handle.to_lowercase(), "")
    }
}

/// Words that lists of breached passwords begin with, longest first.
const COMMON: &str = include_str!("common.txt");

/// Whether it is one short piece over and over.
fn repeats(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    (1..=5).any(|period| {
        letters.iter().zip(letters.iter().skip(period)).all(|(one, next)| one == next)
    })
}

/// Whether it is one long run of neighbours.
fn runs(text: &str) -> bool {
    const ROWS: [&str; 5] =
        ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let near = |one: char, next: char| {
        ROWS.iter().any(|row| {
            let at = |letter: char| row.chars().position(|here| here == letter);
            at(one).zip(at(next)).is_some_and(|(one, next)| one.abs_diff(next) == 1)
        })
    };
    let letters: Vec<char> = text.chars().collect();
    let pairs = letters.len().saturating_sub(1);
    let along =
        letters.iter().zip(letters.iter().skip(1)).filter(|(one, next)| near(**one, **next));
    along.count() * 10 >= pairs * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let pepper = [7; 32];
        let rng = crate::rng::SystemRng;
        let stored = hash("correct horse battery staple", &pepper, &rng).expect("a hash");
        assert!(stored.starts_with("argon2id$19456$2$1$"));
        assert!(verify("correct horse battery staple", &stored, &pepper));
        for (password, pepper) in
            [("correct horse battery stapl", pepper), ("correct horse battery staple", [8; 32])]
        {
            assert!(!verify(password, &stored, &pepper), "{password}");
        }
        for broken in ["", "argon2id$", "argon2i$1$1$1$AA$AA", "argon2id$19456$2$1$AA"] {
            assert!(!verify("", broken, &pepper), "{broken}");
        }
    }

    #[test]
    fn what_everybody_tries_is_too_weak() {
        for password in [
            "short",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "1234567890123456",
            "qwertyuiopasdfghjkl",
            "passwordpassword123",
            "Password1234567!",
            "alice.archer-alice.archer",
            "letmein-welcome-admin",
        ] {
            assert!(weakness(password, "alice.archer").is_some(), "{password}");
        }
        for password in
            ["alice1234567890", "Alice-password-1", "xyalicexyalicexyxyxy", "alice.qwertyuiop"]
        {
            assert!(weakness(password, "alice").is_some(), "{password}");
        }
        for password in ["correct horse battery staple", "vier Ecken, drei Hüte", "kX9!pQ2#vL7@mN4"]
        {
            assert_eq!(weakness(password, "alice"), None, "{password}");
        }
    }
}
