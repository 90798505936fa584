//! The pass as a token: a JWT signed with Ed25519 (RFC 8037), verifiable offline.
//!
//! Only one algorithm, one type and our own key exist here; a header that says anything else is refused, and keys are
//! never taken from a token.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_core::ids::{
    ChangeNumber, CommitId, DecisionId, Digest, EnvironmentName, PassId, ServiceName,
};
use sluice_core::pass::PassClaims;
use sluice_core::run::RunRef;

/// The type in the header.
pub const TYPE: &str = "sluice-pass+jwt";

/// The longest token that is read, in bytes.
const LONGEST: usize = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims of a pass, as they stand in the token. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenClaims {
    /// Origin of the ledger.
    pub iss: String,
    /// `environment:<name>`.
    pub aud: String,
    /// Id of the pass.
    pub jti: PassId,
    /// Issued at.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Not after.
    pub exp: i64,
    /// The decision that gave it.
    pub decision: DecisionId,
    /// The change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeNumber>,
    /// The revision that was decided on.
    pub revision: Digest,
    /// Service.
    pub service: ServiceName,
    /// Environment.
    pub environment: EnvironmentName,
    /// Commit.
    pub commit: CommitId,
    /// Artifact digests.
    pub artifacts: BTreeSet<Digest>,
    /// Digest of the policy bundle.
    pub policy: Digest,
    /// The run and attempt.
    pub run: RunRef,
    /// Index of the decision in the ledger.
    pub seq: u64,
    /// Leaf hash of the decision, base64.
    pub leaf: String,
}

/// Makes the token of a pass. The same claims give the same token.
pub(crate) fn issue(
    key: &SigningKey,
    kid: &str,
    origin: &str,
    claims: &PassClaims,
    seq: u64,
    leaf: &str,
) -> String {
    let header = Header { alg: "EdDSA".into(), typ: TYPE.into(), kid: kid.into() };
    let claims = TokenClaims {
        iss: origin.to_owned(),
        aud: format!("environment:{}", claims.environment),
        jti: claims.pass.clone(),
        iat: claims.not_before.as_second(),
        nbf: claims.not_before.as_second(),
        exp: claims.expires_at.as_second(),
        decision: claims.decision.clone(),
        change: claims.change,
        revision: claims.revision.clone(),
        service: claims.service.clone(),
        environment: claims.environment.clone(),
        commit: claims.commit.clone(),
        artifacts: claims.artifacts.clone(),
        policy: claims.policy.clone(),
        run: claims.run.clone(),
        seq,
        leaf: leaf.to_owned(),
    };
    let part = |value: Result<Vec<u8>, serde_json::Error>| {
        BASE64URL_NOPAD.encode(&value.unwrap_or_default())
    };
    let signed =
        format!("{}.{}", part(serde_json::to_vec(&header)), part(serde_json::to_vec(&claims)));
    let signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature.to_bytes()))
}

/// Why a token is not a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassProblem {
    /// It does not have the form.
    #[error("it is not a pass: {0}")]
    Malformed(String),
    /// Its signature does not verify.
    #[error("its signature does not verify under the given key")]
    BadSignature,
    /// It is over, or has not begun.
    #[error("it is good from {from} to {to}, and now is {now}")]
    OutOfTime {
        /// Its begin.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It is bound to something else.
    #[error("it is for {what} `{found}`, not for `{wanted}`")]
    OtherBinding {
        /// What is bound.
        what: &'static str,
        /// What it is bound to.
        found: String,
        /// What was expected.
        wanted: String,
    },
}

/// What the one who deploys knows; each part given has to be what the pass is bound to.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// Service.
    pub service: Option<ServiceName>,
    /// Environment, by its declared name.
    pub environment: Option<EnvironmentName>,
    /// Commit.
    pub commit: Option<CommitId>,
    /// All artifact digests that will be deployed.
    pub artifacts: Option<BTreeSet<Digest>>,
    /// Run and attempt.
    pub run: Option<(String, u32)>,
}

/// Reads a public key: base64url of 32 bytes.
pub fn parse_key(text: &str) -> Option<VerifyingKey> {
    let bytes = BASE64URL_NOPAD.decode(text.trim().as_bytes()).ok()?;
    VerifyingKey::from_bytes(&<[u8; 32]>::try_from(bytes).ok()?).ok()
}

/// Verifies a pass offline. Whether it was redeemed or superseded meanwhile only the server knows.
pub fn verify(
    token: &str,
    key: &VerifyingKey,
    expected: &Expected,
    now: Timestamp,
) -> Result<TokenClaims, PassProblem> {
    let malformed = |what: &str| PassProblem::Malformed(what.to_owned());
    if token.len() > LONGEST {
        return Err(malformed("it is too long"));
    }
    let (signed, signature) =
        token.trim().rsplit_once('.').ok_or_else(|| malformed("it has no signature"))?;
    let (header, claims) = signed.split_once('.').ok_or_else(|| malformed("it has no header"))?;
    let decode = |part: &str| {
        BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| malformed("it is not base64url"))
    };
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|error| malformed(&error.to_string()))?;
    if header.alg != "EdDSA" || header.typ != TYPE {
        return Err(malformed("its header names another algorithm or type"));
    }
    let signature = Signature::from_slice(&decode(signature)?)
        .map_err(|_| malformed("its signature has another length"))?;
    key.verify_strict(signed.as_bytes(), &signature).map_err(|_| PassProblem::BadSignature)?;
    let claims: TokenClaims =
        serde_json::from_slice(&decode(claims)?).map_err(|error| malformed(&error.to_string()))?;
    check_time(&claims, now)?;
    check_bindings(&claims, expected)?;
    Ok(claims)
}

fn check_time(claims: &TokenClaims, now: Timestamp) -> Result<(), PassProblem> {
    let time = |second| {
        Timestamp::from_second(second)
            .map_err(|_| PassProblem::Malformed("a time is out of range".into()))
    };
    let (from, to) = (time(claims.nbf)?, time(claims.exp)?);
    if claims.exp.saturating_sub(claims.nbf) > 15 * 60 {
        return Err(PassProblem::Malformed("it is good for more than 15 minutes".into()));
    }
    if now < from || now >= to {
        return Err(PassProblem::OutOfTime { from, to, now });
    }
    Ok(())
}

fn check_bindings(claims: &TokenClaims, expected: &Expected) -> Result<(), PassProblem> {
    let same = |what: &'static str, found: String, wanted: Option<String>| match wanted {
        Some(wanted) if wanted != found => Err(PassProblem::OtherBinding { what, found, wanted }),
        _ => Ok(()),
    };
    let list = |digests: &BTreeSet<Digest>| {
        digests.iter().map(Digest::as_str).collect::<Vec<_>>().join(" ")
    };
    same("audience", claims.aud.clone(), Some(format!("environment:{}", claims.environment)))?;
    same(
        "service",
        claims.service.to_string(),
        expected.service.as_ref().map(ToString::to_string),
    )?;
    same(
        "environment",
        claims.environment.to_string(),
        expected.environment.as_ref().map(ToString::to_string),
    )?;
    same("commit", claims.commit.to_string(), expected.commit.as_ref().map(ToString::to_string))?;
    same("artifacts", list(&claims.artifacts), expected.artifacts.as_ref().map(list))?;
    let run = format!("{} attempt {}", claims.run.key(), claims.run.attempt);
    same("run", run, expected.run.as_ref().map(|(key, attempt)| format!("{key} attempt {attempt}")))
}
