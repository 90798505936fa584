//! From a request to a page: the work is done where it may block, the template writes the rest.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::request::Parts;
use http::{Method, StatusCode};
use sluice_engine::Caller;

use super::visit::Visit;
use crate::app::App;
use crate::door::Whole;
use crate::guard::By;
use crate::problem::Problem;
use crate::session::Csrf;
use crate::status;

const HTML: &str = "text/html; charset=utf-8";

/// Who looks at a page, and with which token of their session its forms come back.
#[derive(Clone)]
pub(crate) struct Looker {
    pub(crate) app: App,
    pub(crate) caller: Arc<Caller>,
    pub(crate) csrf: String,
    /// Whether the page is there to be looked at again: what answers a form is not, at its address is another page.
    pub(crate) live: bool,
}

impl FromRequestParts<App> for Looker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let By(caller) = By::from_request_parts(parts, app).await?;
        let csrf = parts.extensions.get::<Csrf>().cloned().unwrap_or_default().0;
        let live = parts.method == Method::GET;
        Ok(Self { app: app.clone(), caller, csrf, live })
    }
}

/// Builds a page for whoever looks and writes it out.
pub(crate) async fn page<T, F>(looker: Looker, build: F) -> Result<Response, Problem>
where
    T: Template,
    F: FnOnce(&Visit) -> Result<T, Problem> + Send + 'static,
{
    let app = looker.app.clone();
    let text = app
        .blocking(move || {
            let visit = Visit::new(looker);
            write(&build(&visit)?)
        })
        .await?;
    Ok(([(CONTENT_TYPE, HTML)], text).into_response())
}

/// Writes a template out.
pub(crate) fn write(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| Problem::of(&status::INTERNAL, "").logged(error))
}

/// A page that is made already, with a status of its own.
pub(crate) fn html(status: StatusCode, text: String) -> Response {
    let mut response = ([(CONTENT_TYPE, HTML)], text).into_response();
    *response.status_mut() = status;
    response.extensions_mut().insert(Whole);
    response
}

/// After a form: look at another page (`303`, so that going back does not send the form again).
pub(crate) fn see(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}

/// A query part with this value, percent-encoded.
pub(crate) fn part(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// An address with those parameters that have a value.
pub(crate) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let parts: Vec<String> = parameters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", part(value)))
        .collect();
    if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
}

/// A parameter, where it says something.
pub(crate) fn some(value: Option<String>) -> Option<String> {
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// An address within this site, where it is one; else the first page.
pub(crate) fn within(address: Option<&str>) -> String {
    let address = address.unwrap_or("/");
    let fit = address.starts_with('/')
        && !address.starts_with("//")
        && address.len() <= 2_000
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fit { address.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        for (given, led) in [
            ("/changes?state=new", "/changes?state=new"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(within(Some(given)), led, "{given}");
        }
    }

    #[test]
    fn addresses_leave_out_what_says_nothing() {
        assert_eq!(address("/x", &[("a", ""), ("b", "c d&e")]), "/x?b=c%20d%26e");
        assert_eq!(address("/x", &[("a", "")]), "/x");
    }
}
