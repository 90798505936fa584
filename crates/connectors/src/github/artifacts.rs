//! Releases and packages.

use sluice_core::ids::Digest;
use sluice_core::signal::Signal;

use crate::github::hear::Event;
use crate::github::wire::{PackageEvent, ReleaseEvent};
use crate::kit::halt::Halt;
use crate::kit::reading::{commit, need, need_text};

/// `release`: only `published`, which every release that is visible has exactly once.
pub(crate) fn release(event: &Event) -> Result<Vec<Signal>, Halt> {
    if event.action() != "published" {
        return Err(event.action_not_used());
    }
    let release = need(event.read::<ReleaseEvent>()?.release, "release")?;
    event.host()?;
    let tag = need_text(release.tag_name, "release.tag_name")?;
    Ok(vec![Signal::ArtifactReported {
        artifact: format!("pkg:github/{}@{tag}", event.full_name()?.to_lowercase()),
        digest: None,
        commit: commit(release.target_commitish.as_deref()),
        action: "published".to_owned(),
        run: None,
    }])
}

/// `registry_package` and `package`.
pub(crate) fn package(event: &Event) -> Result<Vec<Signal>, Halt> {
    if !["published", "updated"].contains(&event.action()) {
        return Err(event.action_not_used());
    }
    let read: PackageEvent = event.read()?;
    event.host()?;
    let package = need(read.registry_package.or(read.package), "registry_package")?;
    let name = need_text(package.name, "registry_package.name")?;
    let version = package.package_version.unwrap_or_default();
    let digest = version.version.as_deref().and_then(|version| Digest::parse(version).ok());
    let kind = package.ecosystem.or(package.package_type).unwrap_or_default().to_lowercase();
    let path = match package.namespace {
        Some(namespace) if !namespace.is_empty() && !namespace.ends_with(&name) => {
            format!("{namespace}/{name}")
        }
        Some(namespace) if !namespace.is_empty() => namespace,
        _ => name,
    };
    let kind =
        if ["docker", "container"].contains(&kind.as_str()) { "oci".to_owned() } else { kind };
    let at = version.version.map(|version| format!("@{version}")).unwrap_or_default();
    Ok(vec![Signal::ArtifactReported {
        artifact: format!("pkg:{kind}/{}{at}", path.to_lowercase()),
        digest,
        commit: commit(version.target_oid.as_deref()),
        action: "published".to_owned(),
        run: None,
    }])
}
