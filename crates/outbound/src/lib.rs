//! The one way out: every request that this program sends to another system goes through here.
//!
//! Whoever may configure an address can try to make a server speak to what only the server can
//! reach. So an address is read once, strictly; its host has to be on the list of the link that
//! asks; its name is resolved once, every address of it is judged, and the connection goes to one
//! of the judged addresses and nowhere else. There is no environment that alters this, no proxy,
//! and no redirect unless a request asks for it.
//!
//! Requests and answers are plain data. [`Net`] is the seam: the program has a [`Client`] behind
//! it, a test has a world of its own.
//!
//! Mail goes the same way: [`Net::mail`] hands a message to a server that the link lists.
//!
//! What it does not do: retry, keep connections, keep cookies, judge what an answer says.

#![warn(missing_docs)]

mod address;
mod client;
mod decode;
mod exchange;
mod failure;
mod mail;
mod net;
mod network;
mod reach;
mod request;
mod target;
mod tls;
mod world;

pub use self::address::judge;
pub use self::client::{Client, Limits};
pub use self::failure::{Failure, Why};
pub use self::mail::{Login, Mail, Security};
pub use self::net::{Net, Nowhere, Sending};
pub use self::network::{BadNetwork, Network};
pub use self::reach::{BadReach, Reach};
pub use self::request::{Answer, Field, Method, Request};
pub use self::target::Target;
pub use self::tls::{BadRoots, Roots};
pub use self::world::{Connecting, Resolving, Sockets, Stream, World};
