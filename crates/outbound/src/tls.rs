//! Whom the client trusts.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

/// Certificate authorities.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    extra: Vec<CertificateDer<'static>>,
}

/// Why trust cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BadRoots {
    /// A text without certificates in PEM.
    #[error("there is no certificate in PEM form")]
    NoCertificate,
    /// The system's certificates cannot be read, or one of ours is not acceptable.
    #[error("the certificates cannot be used")]
    Refused(#[source] rustls::Error),
}

impl Roots {
    /// What the system trusts.
    pub fn of_system() -> Self {
        Self::default()
    }

    /// And what is in this text, in PEM: an authority of the organisation's own.
    pub fn and_pem(mut self, pem: &[u8]) -> Result<Self, BadRoots> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.extra.push(certificate.map_err(|_| BadRoots::NoCertificate)?);
        }
        if self.extra.len() == before { Err(BadRoots::NoCertificate) } else { Ok(self) }
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 only, no certificates of ours.
    pub(crate) fn into_config(self) -> Result<Arc<ClientConfig>, BadRoots> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.extra, provider.clone())
            .map_err(BadRoots::Refused)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(BadRoots::Refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
