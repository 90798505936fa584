//! Every identifier of the domain has a type of its own, and they are all listed here.
//!
//! Names are chosen by people and are checked on the way in; numbers are counted by Sluice without
//! gaps; keys are opaque and say nothing about the person or record behind them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}: {help}")]
pub struct BadId {
    /// What was given, cut to 80 characters.
    pub given: String,
    /// What kind of identifier was wanted, with its article.
    pub wanted: &'static str,
    /// What a right one looks like.
    pub help: &'static str,
}

fn bad(given: &str, wanted: &'static str, help: &'static str) -> BadId {
    BadId { given: given.chars().take(80).collect(), wanted, help }
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident: $wanted:literal, $check:path, $help:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            #[doc = concat!("Reads ", $wanted, ".")]
            pub fn parse(text: &str) -> Result<Self, BadId> {
                if $check(text) { Ok(Self(text.into())) } else { Err(bad(text, $wanted, $help)) }
            }

            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )*};
}

text_ids! {
    /// Name of a service, as its owners write it.
    ServiceName: "a service name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of an environment.
    EnvironmentName: "an environment name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of a team.
    TeamName: "a team name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of an approval rule, a policy rule, a guardrail or an evidence rule.
    RuleName: "a rule name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of a change model.
    ModelName: "a change model name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of a secret that is kept by Sluice.
    SecretName: "a secret name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Name of a link: one configured instance of an external system.
    LinkName: "a link name", is_name, "1 to 128 letters, digits, `.`, `_`, `-` or `/`, starting with a letter or digit";
    /// Opaque id of a person, `person/` and 26 letters or digits. It says nothing about who it is.
    PersonId: "a person id", is_person, "`person/` followed by 26 lower-case letters or digits";
    /// Opaque key of one identity (a mail address, a forge account) of a person.
    IdentityKey: "an identity key", is_identity, "`identity/` followed by 26 lower-case letters or digits";
    /// Id of a bearer token; the secret itself is never an id.
    TokenId: "a token id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of one gate decision.
    DecisionId: "a decision id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of a pass; its `jti`.
    PassId: "a pass id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of a stop.
    StopId: "a stop id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of a role that was proposed or granted.
    GrantId: "a grant id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of a person or group that a provider of identities keeps here.
    ProvisionedId: "a provisioned id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of something that was proposed for the calendar.
    ProposalId: "a proposal id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Id of an exception.
    ExceptionId: "an exception id", is_opaque, "4 to 64 lower-case letters, digits or `-`";
    /// Full id of a commit: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
    CommitId: "a full commit id", is_commit, "40 or 64 lower-case hexadecimal digits; short ids and branch names do not identify a commit";
    /// Digest of content, `sha256:` and 64 lower-case hexadecimal digits.
    Digest: "a digest", is_digest, "`sha256:` followed by 64 lower-case hexadecimal digits; tags do not identify an artifact";
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=128).contains(&bytes.len())
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte))
}

fn is_lower_alphanumeric(byte: &u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_prefixed(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 26 && rest.as_bytes().iter().all(is_lower_alphanumeric))
}

fn is_person(text: &str) -> bool {
    is_prefixed(text, "person/")
}

fn is_identity(text: &str) -> bool {
    is_prefixed(text, "identity/")
}

fn is_opaque(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text.as_bytes().iter().all(|byte| is_lower_alphanumeric(byte) || *byte == b'-')
}

fn is_lower_hex(text: &str) -> bool {
    text.as_bytes().iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_lower_hex(text)
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && is_lower_hex(hex))
}

impl Digest {
    /// The SHA-256 digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(bytes);
        Self(format!("sha256:{}", data_encoding::HEXLOWER.encode(&hash)).into())
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident: $prefix:literal, $wanted:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl $name {
            #[doc = concat!("Reads ", $wanted, ", such as `", $prefix, "0000042`.")]
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let wrong = || bad(text, $wanted, concat!("`", $prefix, "` followed by at least seven digits"));
                let digits = text.strip_prefix($prefix).ok_or_else(wrong)?;
                let written_out = (7..=18).contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits.len() == 7 || !digits.starts_with('0'));
                if !written_out {
                    return Err(wrong());
                }
                digits.parse().map(Self).map_err(|_| wrong())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:07}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    )*};
}

numbers! {
    /// Number of a change, `CHG0000042`.
    ChangeNumber: "CHG", "a change number";
    /// Number of a deployment, `DEP0000042`.
    DeploymentNumber: "DEP", "a deployment number";
    /// Number of an incident, `INC0000042`.
    IncidentNumber: "INC", "an incident number";
    /// Number of a problem, `PRB0000042`.
    ProblemNumber: "PRB", "a problem number";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_itsm_tools_write_them() {
        for (text, number) in
            [("CHG0000001", 1), ("CHG9999999", 9_999_999), ("CHG10000000", 10_000_000)]
        {
            assert_eq!(ChangeNumber::parse(text), Ok(ChangeNumber(number)));
            assert_eq!(ChangeNumber(number).to_string(), text);
        }
        for text in
            ["CHG1", "CHG00000001", "DEP0000001", "chg0000001", "CHG000000x", "CHG+000001", ""]
        {
            assert!(ChangeNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_tag_or_a_short_commit_is_not_an_identity() {
        assert!(Digest::parse("registry.example/app:latest").is_err());
        assert!(CommitId::parse("a1b2c3d").is_err());
        assert_eq!(
            Digest::of(b"").as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
