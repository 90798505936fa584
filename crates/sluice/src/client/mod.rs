//! The one HTTP client of the command line: limits set once, no redirects, errors as people read
//! them.

mod again;
mod pass_key;
mod pipeline;
mod problem;
mod reply;

use std::cell::RefCell;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use url::Url;

pub(crate) use self::again::{GRACE, Tried, again};
pub(crate) use self::pass_key::PassKey;
pub(crate) use self::problem::failure_of;
pub(crate) use self::reply::{Reply, Trouble};
use crate::exit;
use crate::failure::Failure;
use crate::settings::{IdTokenSource, ServerArgs};

/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// The most pages of a list that is asked for whole.
const MAX_PAGES: usize = 100;
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long to wait for an answer, unless the request says otherwise.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(35);

/// A client of one server.
pub(crate) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    base: String,
    token: RefCell<Option<HeaderValue>>,
    /// The pipeline's own identity, where no token was given.
    source: Option<IdTokenSource>,
}

/// One request.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    /// Path and query below the server's address, with its leading `/`.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a Value>,
    pub(crate) timeout: Duration,
    pub(crate) limit_bytes: usize,
}

impl<'a> Request<'a> {
    /// A request with the usual limits.
    pub(crate) fn new(method: Method, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: &[],
            body: None,
            timeout: ANSWER_TIMEOUT,
            limit_bytes: MAX_ANSWER_BYTES,
        }
    }
}

impl Client {
    /// A client of the server that the arguments name. Connects to nothing yet.
    #[expect(clippy::disallowed_methods, reason = "the command line's one client")]
    pub(crate) fn new(arguments: &ServerArgs) -> Result<Self, Failure> {
        let base = base_of(&arguments.server)?;
        // A token that was given goes before the session that `sluice login` keeps.
        let token = arguments.token.clone().or_else(|| crate::settings::kept(&base));
        let token = token.as_deref().map(bearer).transpose()?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Failure::new(format!("cannot start the network: {error}"), "free some resources")
        })?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                Failure::new(
                    format!("cannot set up the client: {}", crate::failure::chain(&error)),
                    "check the certificates that this system trusts",
                )
            })?;
        let source = if token.is_none() { IdTokenSource::from_environment() } else { None };
        Ok(Self { runtime, http, base, token: RefCell::new(token), source })
    }

    /// The server's address, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the whole answer, whatever its status. In a pipeline that has no token but an
    /// identity of its own, it comes in with that when it is asked who it is.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Reply, Trouble> {
        let reply = self.send_once(request)?;
        let Some(source) = self.source.as_ref().filter(|_| reply.status == 401) else {
            return Ok(reply);
        };
        self.come_in(source).map_err(|failure| Trouble::Door(Box::new(failure)))?;
        self.send_once(request)
    }

    fn send_once(&self, request: &Request<'_>) -> Result<Reply, Trouble> {
        self.runtime.block_on(async {
            let sent = self.exchange(request);
            match tokio::time::timeout(request.timeout, sent).await {
                Ok(result) => result,
                Err(_) => Err(Trouble::Unreachable(format!(
                    "no answer within {} s",
                    request.timeout.as_secs()
                ))),
            }
        })
    }

    async fn exchange(&self, request: &Request<'_>) -> Result<Reply, Trouble> {
        let url = format!("{}{}", self.base, request.path);
        let mut building = self
            .http
            .request(request.method.clone(), url)
            .header(ACCEPT, "application/json, application/problem+json");
        let token = self.token.borrow().clone();
        if let Some(token) = token {
            building = building.header(AUTHORIZATION, token);
        }
        for (name, value) in request.headers {
            let parsed = (HeaderName::try_from(*name), HeaderValue::try_from(*value));
            let (Ok(name), Ok(value)) = parsed else {
                return Err(Trouble::Nonsense(format!("`{value}` cannot be sent as `{name}`")));
            };
            building = building.header(name, value);
        }
        if let Some(body) = request.body {
            building = building.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = building.send().await.map_err(|error| Trouble::of(&error))?;
        Reply::read(response, request.limit_bytes).await
    }

    /// Asks for JSON and expects it.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Failure> {
        self.expect_json(&Request::new(Method::GET, path))
    }

    /// Asks for a list whole, page by page; what lies beyond [`MAX_PAGES`] is left as its `next`.
    pub(crate) fn all(&self, path: &str) -> Result<Value, Failure> {
        let mut list = self.get(path)?;
        for _ in 1..MAX_PAGES {
            let next = list.get("next").and_then(Value::as_str).filter(|it| it.starts_with('/'));
            let Some(next) = next.map(str::to_owned) else { break };
            let mut page = self.get(&next)?;
            let more = page.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
            if let Some(items) = list.get_mut("items").and_then(Value::as_array_mut) {
                items.extend(more.unwrap_or_default());
            }
            list["next"] = page.get("next").cloned().unwrap_or_default();
        }
        Ok(list)
    }

    /// Sends JSON and expects JSON.
    pub(crate) fn post(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        self.expect_json(&Request { headers, body: Some(body), ..Request::new(Method::POST, path) })
    }

    /// Deletes and takes whatever JSON comes back.
    pub(crate) fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.expect_json(&Request::new(Method::DELETE, path))
    }

    pub(crate) fn expect_json(&self, request: &Request<'_>) -> Result<Value, Failure> {
        let reply = self.send(request).map_err(|trouble| self.trouble(&trouble))?;
        if !reply.is_success() {
            return Err(failure_of(&reply, &self.base));
        }
        if reply.status == 204 {
            return Ok(Value::Null);
        }
        reply.json().map_err(|why| self.trouble(&Trouble::Nonsense(why)))
    }

    /// A trouble on the way as the failure of a command.
    pub(crate) fn trouble(&self, trouble: &Trouble) -> Failure {
        match trouble {
            Trouble::Unreachable(why) => Failure::new(
                format!("`{}` cannot be reached: {why}", self.base),
                "check `--server` or SLUICE_URL, and that the server runs",
            )
            .with_exit(exit::UNAVAILABLE)
            .with_code("unreachable"),
            Trouble::Nonsense(why) => Failure::new(
                format!("the answer of `{}` is not understood: {why}", self.base),
                "check `--server` or SLUICE_URL: something else may be answering, such as a proxy",
            )
            .with_exit(exit::NOT_UNDERSTOOD)
            .with_code("not_understood"),
            Trouble::Door(failure) => {
                let message = format!("not let in as this pipeline: {}", failure.message);
                Failure { message, ..failure.as_ref().clone() }
            }
        }
    }
}

fn base_of(address: &str) -> Result<String, Failure> {
    let wrong = |why: &str| {
        Failure::usage(
            format!("`{address}` is not the address of a server: {why}"),
            "give one such as `https://sluice.example.org` with `--server` or SLUICE_URL",
        )
    };
    let url = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("it needs to begin with `https://` or `http://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("a password has no place in it; use a token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a query"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim())).map_err(|_| {
        Failure::usage("the token has characters that no token has", "copy it again, whole")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A text as one segment of a path or one value of a query.
pub(crate) fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
