//! Somebody who signs tokens: a pipeline's system, or a provider of people's identities. It signs
//! whatever it is given, so it can lie.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// A key with its id.
pub struct Signer {
    key: KeyPair,
    id: String,
}

impl Signer {
    /// A new key.
    pub fn new(id: &str) -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key is made");
        Self { key, id: id.to_owned() }
    }

    /// The set that others verify with.
    pub fn jwks(&self) -> String {
        json!({"keys": [self.jwk()]}).to_string()
    }

    /// The public key.
    pub fn jwk(&self) -> Value {
        // PKCS #1 of 2048 bits: nine bytes of DER, the modulus, the exponent.
        let modulus = self.key.public_key().as_ref().get(9..265).expect("2048 bits");
        let n = BASE64URL_NOPAD.encode(modulus);
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "n": n, "e": "AQAB"})
    }

    /// The private key in PEM (PKCS#8).
    pub fn private_key_pem(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.key.as_der().expect("a key has a form");
        let text = data_encoding::BASE64.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// The claims of a token, where this key has signed it.
    pub fn claims(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let key =
            UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public_key().as_ref());
        key.verify(signed.as_bytes(), &signature).ok()?;
        let claims = BASE64URL_NOPAD.decode(signed.split_once('.')?.1.as_bytes()).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    /// A signed token over these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "RS256", "typ": "JWT", "kid": self.id}), claims)
    }

    /// A signed token with this header.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .expect("a signature is made");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}
