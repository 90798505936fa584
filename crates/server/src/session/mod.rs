//! Sessions of browsers: the cookie, and what keeps other sites from using it.
//!
//! A browser's session has a secret in a cookie, and everything that a page changes must come from our own pages: the
//! guard checks `Origin`, `Sec-Fetch-Site` and a token that is bound to the session before any handler runs.

mod address;
mod cookie;
mod csrf;
mod logins;

pub(crate) use address::{From, Peer, address_of};
pub(crate) use cookie::{clear, clear_login, is_loopback, login_of, secret_of, set};
pub(crate) use csrf::{Csrf, check_own, check_token, needs_check};
pub(crate) use logins::{Logins, set_login};
