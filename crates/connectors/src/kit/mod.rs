//! What all connectors share: deliveries, secrets, signatures, limits and strict reading of JSON.
//!
//! No connector's vocabulary lives here, and nothing here knows an endpoint or an event of anybody.

pub mod delivery;
pub mod limits;
pub mod secret;
pub mod signature;
pub mod strict_json;

pub(crate) mod account;
pub(crate) mod answers;
pub(crate) mod bounds;
pub(crate) mod failure;
pub(crate) mod halt;
pub(crate) mod pages;
pub(crate) mod percent;
pub(crate) mod reading;
pub(crate) mod repository;
pub(crate) mod settings;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod words;
