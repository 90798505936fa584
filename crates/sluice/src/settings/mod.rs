//! Configuration: flags, the environment and the configuration file. The environment is read here
//! and nowhere else.

mod ci;
mod file;
mod id_token;
mod kept;
mod login;
mod secrets;
mod server;
mod vault;
mod witness;

pub(crate) use ci::RunIdentity;
pub(crate) use file::{LogFormat, ServeFile};
pub(crate) use id_token::IdTokenSource;
pub(crate) use kept::{keep, kept};
pub(crate) use login::{odd, providers, with_secrets};
pub(crate) use secrets::PlainSecrets;
pub(crate) use server::{JsonArgs, PageArgs, PassKeyArgs, ServerArgs};
pub(crate) use vault::vault;
pub(crate) use witness::witnessing;

/// Whether a variable of the environment is set to nothing, as pipelines do with one that has no value.
#[expect(clippy::disallowed_methods, reason = "this is the configuration")]
pub(crate) fn is_blank(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value.trim().is_empty())
}

/// A variable of the environment; empty counts as absent.
#[expect(clippy::disallowed_methods, reason = "this is the configuration")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
