//! An issuer: it signs whatever it is given, sound or not.

use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use data_encoding::BASE64URL_NOPAD;
use sluice_identity::{Audience, Claims, Expected, Family, KeySet, Reject, verify};

/// When the tests are.
pub(crate) const NOW_S: i64 = 1_790_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "sluice:test.example/log";

pub(crate) struct Signer {
    rsa: RsaKeyPair,
    point: EcdsaKeyPair,
    edwards: Ed25519KeyPair,
}

pub(crate) static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    point: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    edwards: Ed25519KeyPair::generate().unwrap(),
});

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

impl Signer {
    /// A token over these texts, signed as the name says whatever the header says.
    pub(crate) fn sign(&self, with: &str, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let message = signed.as_bytes();
        let random = SystemRandom::new();
        let mut rsa = vec![0; self.rsa.public_modulus_len()];
        let signature = match with {
            "RS256" => {
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut rsa).unwrap();
                rsa
            }
            "PS256" => {
                self.rsa.sign(&RSA_PSS_SHA256, &random, message, &mut rsa).unwrap();
                rsa
            }
            "ES256" => self.point.sign(&random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.edwards.sign(message).as_ref().to_vec(),
            // The old trick: the public key, which everybody has, as a shared secret.
            "HS256 with the public key" => {
                let der: PublicKeyX509Der<'_> = self.rsa.public_key().as_der().unwrap();
                let key = hmac::Key::new(hmac::HMAC_SHA256, der.as_ref());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            "HS256 with the modulus" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.modulus().as_bytes());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            _ => Vec::new(),
        };
        format!("{signed}.{}", encoded(signature))
    }

    pub(crate) fn modulus(&self) -> String {
        // PKCS #1 of 2048 bits: nine bytes of DER, the modulus, the exponent.
        encoded(&self.rsa.public_key().as_ref()[9..265])
    }

    fn point_key(&self) -> (String, String) {
        let point = self.point.public_key().as_ref();
        (encoded(&point[1..33]), encoded(&point[33..]))
    }

    pub(crate) fn jwks(&self) -> String {
        let (x, y) = self.point_key();
        let n = self.modulus();
        let edwards = encoded(self.edwards.public_key());
        format!(
            r#"{{"keys":[
            {{"kty":"RSA","use":"sig","kid":"r1","n":"{n}","e":"AQAB"}},
            {{"kty":"EC","crv":"P-256","kid":"p1","x":"{x}","y":"{y}"}},
            {{"kty":"OKP","crv":"Ed25519","kid":"e1","x":"{edwards}"}},
            {{"kty":"oct","kid":"o1","k":"c2VjcmV0"}},
            {{"kty":"RSA","use":"enc","kid":"enc","n":"{n}","e":"AQAB"}}]}}"#
        )
    }

    pub(crate) fn keys(&self) -> KeySet {
        KeySet::parse(self.jwks().as_bytes()).unwrap()
    }
}

/// Claims that are accepted, as text, with replacements; `None` takes a claim away.
pub(crate) fn claims(changes: &[(&str, Option<&str>)]) -> String {
    let (iat, exp) = (NOW_S - 10, NOW_S + 290);
    let mut members = vec![
        ("iss", format!("\"{ISSUER}\"")),
        ("aud", format!("\"{AUDIENCE}\"")),
        ("sub", "\"repo:acme/payments:environment:production\"".to_owned()),
        ("jti", "\"a-1\"".to_owned()),
        ("iat", iat.to_string()),
        ("nbf", iat.to_string()),
        ("exp", exp.to_string()),
    ];
    for (name, value) in changes {
        members.retain(|(known, _)| known != name);
        if let Some(value) = value {
            members.push((name, (*value).to_owned()));
        }
    }
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// What a pipeline's token has to be.
pub(crate) fn strict() -> Expected<'static> {
    Expected {
        issuer: ISSUER,
        audience: AUDIENCE,
        audience_form: Audience::Text,
        family: Family::Rsa,
        demands_nbf: true,
        demands_jti: true,
        max_age_s: 600,
    }
}

pub(crate) const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"r1"}"#;

pub(crate) fn told(token: &str) -> Result<Claims, Reject> {
    verify(token, &strict(), &SIGNER.keys(), NOW_S)
}

pub(crate) fn code(outcome: Result<Claims, Reject>) -> String {
    match outcome {
        Ok(_) => "accepted".to_owned(),
        Err(reject) => reject.code().to_owned(),
    }
}
