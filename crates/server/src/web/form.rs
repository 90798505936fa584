//! Forms: small, typed, from our own pages only.

use askama::Template;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::page::{Looker, html, write};
use super::visit::Visit;
use super::{Markup, marks};
use crate::app::App;
use crate::body;
use crate::names;
use crate::problem::Problem;
use crate::status;

/// The most bytes of a form.
const MOST: usize = 512 * 1024;

/// A typed form. Unknown fields are refused.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let media_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = media_type.is_some_and(|text| {
            text.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded"
        });
        if !is_form {
            return Err(Problem::of(
                &status::MEDIA_TYPE,
                "a form is `application/x-www-form-urlencoded`",
            ));
        }
        let bytes = body::read(parts.headers.get(CONTENT_LENGTH).cloned(), body, MOST).await?;
        let bytes = plain_lines(&bytes);
        let form = axum::Form::<T>::from_request(
            Request::from_parts(parts, axum::body::Body::from(bytes)),
            &(),
        );
        let form = form.await;
        form.map(|form| Self(form.0))
            .map_err(|rejection| Problem::of(&status::BODY_INVALID, rejection.body_text()))
    }
}

/// The same form with lines that end as they do everywhere: browsers send a carriage return before each line feed.
fn plain_lines(form: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(form.len());
    let mut rest = form;
    while let Some((first, after)) = rest.split_first() {
        if rest.len() >= 6 && rest[..6].eq_ignore_ascii_case(b"%0D%0A") {
            rest = &rest[3..];
            continue;
        }
        plain.push(*first);
        rest = after;
    }
    plain
}

/// A form that says why, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonForm {
    pub(crate) reason: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// A form that is a button.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// What was refused of a form, and what would help.
pub(crate) struct Fault {
    pub(crate) message: Markup,
    pub(crate) help: Markup,
    /// Whether a proof of who it is would help, which another tab can give.
    pub(crate) unproven: bool,
}

impl Fault {
    pub(crate) fn of(problem: &Problem) -> Self {
        let (message, help) = super::faults::about_a_form(problem);
        Self {
            message: marks::prose(&message),
            help: marks::prose(&help),
            unproven: problem.code == "step_up_needed",
        }
    }
}

/// Shows the page of a form again, with what was refused in its place. What is no refusal is a page of its own.
pub(crate) async fn refused<T, F>(
    looker: Looker,
    error: impl Into<Problem>,
    build: F,
) -> Result<Response, Problem>
where
    T: Template,
    F: FnOnce(&Visit, Fault) -> Result<T, Problem> + Send + 'static,
{
    let problem: Problem = error.into();
    if !problem.status.is_client_error() {
        return Err(problem);
    }
    let app = looker.app.clone();
    let problem = names::spoken(&app, &looker.caller, problem).await;
    let (status, fault) = (problem.status, Fault::of(&problem));
    let text = app.blocking(move || write(&build(&Visit::new(looker), fault)?));
    Ok(html(status, text.await?))
}

#[cfg(test)]
mod tests {
    use super::plain_lines;

    #[test]
    fn lines_of_forms_end_in_a_line_feed() {
        for (sent, plain) in [
            ("a=one%0D%0Atwo%0d%0a&b=3", "a=one%0Atwo%0a&b=3"),
            ("a=%0D%0D%0A%0A", "a=%0D%0A%0A"),
            ("a=%0D", "a=%0D"),
            ("", ""),
        ] {
            assert_eq!(plain_lines(sent.as_bytes()), plain.as_bytes(), "{sent}");
        }
    }
}
