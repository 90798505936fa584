//! What an answer means, whoever gave it.
//!
//! An answer counts as success only with the expected status, as JSON where JSON is expected. Everything else
//! has one of the closed set of reasons; what cannot be understood is taken as not known, never as done.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::tell::{Because, Exchange, Reply, Step, Trouble};

/// The longest that another side's wish to be left alone is honoured, in seconds.
pub(crate) const LONGEST_WAIT_S: u32 = 3_600;

/// What is said of a page that comes from where an API should be.
const PAGE: &str = "the answer is a page: a login, somebody who stands in for them, or another address than that of the API";

/// The JSON of a successful answer, or what follows from there being none.
pub(crate) fn json<T>(exchange: &Exchange) -> Result<Value, Step<T>> {
    let reply = of_the_api(exchange)?;
    parsed(reply).ok_or_else(|| match is_page(reply) {
        true => not_understood(PAGE),
        false => not_understood("the answer is not the JSON that was expected"),
    })
}

/// A successful answer to something that was altered: it has no body, or JSON. A page that says 200 is none.
pub(crate) fn done<T>(exchange: &Exchange) -> Result<&Reply, Step<T>> {
    let reply = of_the_api(exchange)?;
    match reply.status {
        204 | 205 => Ok(reply),
        _ if parsed(reply).is_some() => Ok(reply),
        _ => Err(not_understood("the answer does not say that it was done")),
    }
}

/// A successful answer of something that speaks JSON. Its refusals are JSON too: with a page somebody else answers, who
/// knows nothing of our records, and who may be gone tomorrow.
fn of_the_api<T>(exchange: &Exchange) -> Result<&Reply, Step<T>> {
    match success(exchange) {
        Err(Step::GiveUp(_)) if exchange.answer.as_ref().is_ok_and(is_page) => {
            Err(not_understood(PAGE))
        }
        other => other,
    }
}

/// A successful answer, or what follows from there being none.
pub(crate) fn success<T>(exchange: &Exchange) -> Result<&Reply, Step<T>> {
    let reply = replied(exchange)?;
    match reply.status {
        200..=299 => Ok(reply),
        _ => Err(refused(reply)),
    }
}

/// An answer of whatever status, or what follows from there being none.
pub(crate) fn replied<T>(exchange: &Exchange) -> Result<&Reply, Step<T>> {
    exchange.answer.as_ref().map_err(|lost| {
        let detail = match lost.because {
            Because::Timeout => "there was no answer in time",
            Because::Unreachable => "the host cannot be reached",
            Because::Client => "the request was not sent: its address is none of the link's, or lies in a private network that `networks` does not open",
            Because::Auth => "no trusted connection could be made: their certificate is not believed, or nobody speaks TLS there",
            Because::RateLimited | Because::Server | Because::NotYet if lost.is_too_large => {
                "the answer is larger than it may be"
            }
            Because::RateLimited | Because::Server | Because::NotYet => "the answer cannot be read",
        };
        Step::Retry(Trouble::new(lost.because, detail))
    })
}

/// What follows from a status that is no success.
pub(crate) fn refused<T>(reply: &Reply) -> Step<T> {
    let after_s = retry_after_s(reply);
    let limited = header(reply, "x-ratelimit-remaining") == Some("0");
    let (reason, detail) = match reply.status {
        429 => (Because::RateLimited, "too much at once"),
        403 if after_s.is_some() || limited => (Because::RateLimited, "too much at once"),
        401 => (Because::Auth, "the credentials are not accepted"),
        403 => (Because::Auth, "the account may not do this"),
        408 | 425 => (Because::Timeout, "the other side gave up waiting"),
        404 | 410 => {
            let detail = "there is nothing at this address, or the account may not see it";
            return Step::GiveUp(Trouble::new(Because::Client, detail));
        }
        400..=499 => {
            return Step::GiveUp(Trouble::new(Because::Client, "the request is not accepted"));
        }
        300..=399 => {
            (Because::Server, "the answer leads elsewhere: to a login, or another address")
        }
        _ => (Because::Server, "the other side failed"),
    };
    Step::Retry(Trouble { reason, detail, after_s })
}

/// Not known: to be looked up again later.
pub(crate) fn not_understood<T>(detail: &'static str) -> Step<T> {
    Step::Retry(Trouble::new(Because::Server, detail))
}

/// Whether the exchange was refused with this status, by something that speaks JSON: that a page is not found says
/// nothing of a record.
pub(crate) fn is_status(exchange: &Exchange, statuses: &[u16]) -> bool {
    exchange.answer.as_ref().is_ok_and(|reply| {
        statuses.contains(&reply.status) && !(reply.status == 404 && is_page(reply))
    })
}

/// Whether an answer is for people to look at.
fn is_page(reply: &Reply) -> bool {
    media_type(reply).is_some_and(|media_type| media_type == "text/html")
}

/// The JSON of an answer that says it is JSON.
pub(crate) fn parsed(reply: &Reply) -> Option<Value> {
    let media_type = media_type(reply)?;
    let is_json = media_type == "application/json" || media_type.ends_with("+json");
    if is_json { serde_json::from_slice(&reply.body).ok() } else { None }
}

fn media_type(reply: &Reply) -> Option<String> {
    Some(header(reply, "content-type")?.split(';').next()?.trim().to_ascii_lowercase())
}

/// The first header of a name in lower case.
pub(crate) fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// When a reply was made, by the clock of who made it (RFC 9110, `Date`): not earlier than it was, for whole seconds.
pub(crate) fn made_at(reply: &Reply) -> Option<Timestamp> {
    let at = jiff::fmt::rfc2822::parse(header(reply, "date")?.trim()).ok()?.timestamp();
    at.checked_add(SignedDuration::from_secs(1)).ok()
}

fn retry_after_s(reply: &Reply) -> Option<u32> {
    let text = header(reply, "retry-after")?.trim();
    text.parse::<u32>().ok().map(|seconds| seconds.min(LONGEST_WAIT_S))
}

/// A text cut to so many characters, without those that control.
pub(crate) fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(most).collect()
}
