//! HTTP: the pages, the JSON API, the door for deliveries, the published log, events and metrics.
//!
//! What is a URL, a header, a cookie or a status code lives here, and nothing else does: every request is
//! handed to the engine, which decides. Three layers stand before each handler: the [`door`]
//! (odd paths, sizes, ids, panics), the [`guard`] (token, permission, overload, time) and the
//! extractors of [`body`] and [`conditions`].
#![warn(missing_docs)]

mod api;
mod app;
mod auth;
mod body;
mod conditions;
mod door;
mod events;
mod guard;
mod hooks;
mod listen;
mod log;
mod metrics;
mod names;
pub mod openapi;
mod options;
mod overload;
mod paging;
mod path;
mod problem;
mod query;
mod reports;
mod room;
mod route;
mod routes;
pub mod scim;
mod session;
pub mod status;
mod web;

use axum::Router;
use sluice_engine::Engine;

pub use self::listen::serve;
pub use self::options::ServerOptions;
pub use self::route::{Access, Class, Facts};
pub use self::routes::{page_table, route_table};

/// Everything that is served, as one service. Tests call it without a socket.
pub fn app(engine: Engine, options: ServerOptions) -> Router {
    routes::router(&app::App::new(engine, options))
}
