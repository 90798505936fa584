//! Package URLs: what CDEvents name artifacts with.

use sluice_core::ids::Digest;

use crate::kit::percent;

/// What the part behind `@` identifies.
pub(crate) struct Identified {
    pub(crate) digest: Option<Digest>,
    pub(crate) version: Option<String>,
}

/// Digest or version in `pkg:oci/payments@sha256%3A0b31...`. The colon may be written in either
/// way. A container image is also taken by its plain name, `host/name@sha256:...`.
pub(crate) fn identified(artifact: &str) -> Identified {
    let bare = artifact.split(['?', '#']).next().unwrap_or_default();
    let behind = bare.rsplit_once('@').map(|(_, behind)| behind);
    let version = behind.and_then(|text| percent::decode(text.as_bytes()));
    let digest =
        version.as_deref().and_then(|version| Digest::parse(&version.to_ascii_lowercase()).ok());
    Identified {
        version: version.filter(|version| digest.is_none() && !version.is_empty()),
        digest,
    }
}
