//! Signature algorithms, by family. An issuer has one family; `none` and shared secrets have none.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, UnparsedPublicKey,
    VerificationAlgorithm,
};

use crate::keys::Key;

/// A family of algorithms that take the same kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// RSA with PKCS #1 v1.5: `RS256`, `RS384`, `RS512`. What GitHub, GitLab and Jenkins use.
    Rsa,
    /// RSA with PSS: `PS256`, `PS384`, `PS512`.
    RsaPss,
    /// ECDSA over P-256: `ES256`.
    P256,
    /// ECDSA over P-384: `ES384`.
    P384,
    /// Ed25519: `EdDSA`.
    Ed25519,
}

impl Family {
    /// Reads a family by the first of its algorithms.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rsa),
            "PS256" => Some(Self::RsaPss),
            "ES256" => Some(Self::P256),
            "ES384" => Some(Self::P384),
            "EdDSA" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The algorithm of that exact name, if it is of this family.
    pub(crate) fn algorithm(self, name: &str) -> Option<Algorithm> {
        match (self, name) {
            (Self::Rsa, "RS256") => Some(Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA256)),
            (Self::Rsa, "RS384") => Some(Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384)),
            (Self::Rsa, "RS512") => Some(Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA512)),
            (Self::RsaPss, "PS256") => Some(Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256)),
            (Self::RsaPss, "PS384") => Some(Algorithm::Rsa(&RSA_PSS_2048_8192_SHA384)),
            (Self::RsaPss, "PS512") => Some(Algorithm::Rsa(&RSA_PSS_2048_8192_SHA512)),
            (Self::P256, "ES256") => Some(Algorithm::Point(&ECDSA_P256_SHA256_FIXED)),
            (Self::P384, "ES384") => Some(Algorithm::Point(&ECDSA_P384_SHA384_FIXED)),
            (Self::Ed25519, "EdDSA") => Some(Algorithm::Point(&ED25519)),
            _ => None,
        }
    }
}

/// One algorithm, by the shape of its keys.
pub(crate) enum Algorithm {
    Rsa(&'static RsaParameters),
    Point(&'static dyn VerificationAlgorithm),
}

impl Algorithm {
    /// Whether the signature over the message is of the key.
    pub(crate) fn verifies(&self, key: &Key, message: &[u8], signature: &[u8]) -> bool {
        match (self, key) {
            (Self::Rsa(parameters), Key::Rsa(components)) => {
                components.verify(parameters, message, signature).is_ok()
            }
            (Self::Point(algorithm), Key::Point(point)) => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature).is_ok()
            }
            (Self::Rsa(_), Key::Point(_)) | (Self::Point(_), Key::Rsa(_)) => false,
        }
    }
}
