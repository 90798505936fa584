//! The server's problems (RFC 9457) as failures of a command.

use serde::Deserialize;

use super::reply::Reply;
use crate::exit;
use crate::failure::Failure;

/// The members that are shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    help: Option<String>,
    at: Option<String>,
}

fn read(reply: &Reply) -> Option<Problem> {
    if reply.content_type != "application/problem+json" {
        return None;
    }
    serde_json::from_slice(&reply.body).ok()
}

/// The failure that an answer with an error status stands for.
pub(crate) fn failure_of(reply: &Reply, base: &str) -> Failure {
    let status = reply.status;
    let Some(problem) = read(reply) else {
        let unavailable = matches!(status, 429 | 500 | 502 | 503 | 504);
        let exit = if unavailable { exit::UNAVAILABLE } else { exit::NOT_UNDERSTOOD };
        return Failure::new(
            format!("`{base}` answered with status {status} and nothing that says why"),
            "check `--server` or SLUICE_URL: something else may be answering, such as a proxy",
        )
        .with_exit(exit);
    };
    let exit = match (status, problem.code.as_deref()) {
        (503, Some("safe_halt")) => exit::SAFE_HALT,
        (429 | 500 | 502 | 503 | 504, _) => exit::UNAVAILABLE,
        (401, _) => exit::NOT_LET_IN,
        _ => exit::FAILED,
    };
    let mut message =
        problem.detail.or(problem.title).unwrap_or_else(|| format!("status {status}"));
    if let Some(at) = problem.at {
        message.push_str(&format!(" (at `{at}`)"));
    }
    // How a request is sent is nothing that people at the command line do by hand.
    let theirs = problem.help.filter(|_| problem.code.as_deref() != Some("token_missing"));
    let help = theirs.unwrap_or_else(|| usual_help(status).to_owned());
    let failure = Failure::new(message, help).with_exit(exit);
    match problem.code {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

fn usual_help(status: u16) -> &'static str {
    match status {
        401 => "log in with `sluice login`, or give a token with `--token` or SLUICE_TOKEN",
        403 => "use a token that has this permission",
        404 => "check the name or number",
        412 => "look at it again: it was changed meanwhile",
        429 | 500 | 502..=504 => "try again in a moment",
        _ => "correct the request",
    }
}
