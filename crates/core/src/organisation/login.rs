//! Who somebody is for a provider of identities.

use crate::ids::Digest;

/// The one way of writing issuer and subject as an identity. Letters' case tells subjects apart, which identities do
/// not have, so a digest stands for both.
pub fn login_of(issuer: &str, subject: &str) -> String {
    Digest::of(format!("{issuer}\n{subject}").as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_issuer_and_subject_tell_people_apart() {
        let all = [
            login_of("https://a.example", "x"),
            login_of("https://a.example", "X"),
            login_of("https://b.example", "x"),
            login_of("https://a.example/", "x"),
        ];
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }
}
