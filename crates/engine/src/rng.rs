//! Chance. The only place that asks the system for it.

/// A source of random bytes.
pub trait Rng: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// 26 lower-case letters and digits: 128 bits and a little.
    fn opaque_id(&self) -> String {
        let mut bytes = [0_u8; 17];
        self.fill(&mut bytes);
        let mut text = crate::keys::base32(&bytes);
        text.truncate(26);
        text
    }
}

/// The system's source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        // Without chance no id, no secret and no key can be made: nothing is left to do.
        if let Err(error) = getrandom::fill(bytes) {
            tracing::error!(%error, "the system gives no random bytes");
            std::process::abort();
        }
    }
}
