//! The seam between what wants to send and what sends.

use std::future::Future;
use std::pin::Pin;

use crate::failure::Failure;
use crate::mail::Mail;
use crate::reach::Reach;
use crate::request::{Answer, Request};

/// An answer to come.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send + 'a>>;

/// Whatever can send requests: the program's [`Client`](crate::Client), or the world of a test.
///
/// Promise: at most one request goes out for each call (redirects that were asked for apart), and
/// none when the answer is [`Failure::Blocked`]. A future that is dropped stops where it is.
pub trait Net: Send + Sync {
    /// Sends a request within the reach of a link.
    fn send<'a>(&'a self, reach: &'a Reach, request: Request) -> Sending<'a>;

    /// Hands a message to a mail server within the reach of a link. The status of the answer is the server's code.
    fn mail<'a>(&'a self, _reach: &'a Reach, _mail: Mail) -> Sending<'a> {
        Box::pin(async { Err(Failure::Unreachable { sent: false }) })
    }
}

/// A net that reaches nothing: for those who have none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Net for Nowhere {
    fn send<'a>(&'a self, _: &'a Reach, _: Request) -> Sending<'a> {
        Box::pin(async { Err(Failure::Unreachable { sent: false }) })
    }
}
