//! Who we are over there: an account, an OAuth client, or an API key.

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};

use super::config::{Auth, Config};
use crate::kit::answers::{json, not_understood};
use crate::tell::{Ask, Because, Credentials, Exchange, Session, Step, Trouble, Verb};

/// Ended so much before they say, in seconds.
const MARGIN_S: i64 = 60;

pub(super) fn names(auth: &Auth) -> &'static [&'static str] {
    match auth {
        Auth::Basic { .. } => &["password"],
        Auth::ClientCredentials { .. } => &["client_secret"],
        Auth::ApiKey => &["api_key"],
    }
}

pub(super) fn authenticate(
    config: &Config,
    so_far: &[Exchange],
    with: &Credentials,
    now: Timestamp,
) -> Step<Session> {
    let name = names(&config.auth).first().copied().unwrap_or_default();
    let Some(secret) = with.text(name) else {
        return Step::Retry(Trouble::new(Because::Auth, "a credential of the link is not there"));
    };
    match &config.auth {
        Auth::Basic { user } => {
            let pair = BASE64.encode(format!("{user}:{secret}").as_bytes());
            let headers = vec![("authorization", format!("Basic {pair}"))];
            Step::Done(Session { headers, until: None })
        }
        Auth::ApiKey => {
            let headers = vec![("x-sn-apikey", secret.to_owned())];
            Step::Done(Session { headers, until: None })
        }
        Auth::ClientCredentials { client } => match so_far.last() {
            None => Step::Send(token(config, client, secret)),
            Some(exchange) => granted(exchange, now),
        },
    }
}

fn token(config: &Config, client: &str, secret: &str) -> Ask {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", client)
        .append_pair("client_secret", secret)
        .finish();
    let mut ask = Ask::new("token", Verb::Post, format!("{}/oauth_token.do", config.url))
        .header("accept", "application/json");
    ask.body = Some(("application/x-www-form-urlencoded", body.into_bytes()));
    ask
}

fn granted(exchange: &Exchange, now: Timestamp) -> Step<Session> {
    let answer = match json(exchange) {
        Ok(answer) => answer,
        // A client that is not accepted may be mended over there, so that it is tried again.
        Err(Step::GiveUp(trouble)) => {
            return Step::Retry(Trouble { reason: Because::Auth, ..trouble });
        }
        Err(step) => return step,
    };
    let bearer = answer.get("token_type").and_then(|kind| kind.as_str());
    let token = answer.get("access_token").and_then(|token| token.as_str());
    let (Some(token), true) =
        (token, bearer.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")))
    else {
        return not_understood("the answer holds no token");
    };
    let lives_s = answer.get("expires_in").and_then(|seconds| seconds.as_i64()).unwrap_or(300);
    let until = now.checked_add(SignedDuration::from_secs((lives_s - MARGIN_S).clamp(1, 86_400)));
    Step::Done(Session {
        headers: vec![("authorization", format!("Bearer {token}"))],
        until: until.ok(),
    })
}
