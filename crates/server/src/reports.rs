//! Reports of browsers about what the content security policy kept a page from doing: counted and logged, never stored.
//!
//! Anybody can send one, so each is small, there are few in a minute, and nothing of it is believed.

use std::sync::Mutex;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::app::App;
use crate::body;
use crate::problem::Problem;
use crate::status;

/// The most bytes of a delivery of reports.
pub(crate) const MOST: usize = 16 * 1024;
/// Deliveries that are looked at in a minute.
const EACH_MINUTE: u32 = 30;
/// Reports of one delivery that are logged.
const LOGGED: usize = 5;
/// The most characters of a field that are logged.
const FIELD: usize = 200;

/// How many deliveries may still come in this minute.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    minute: Mutex<Option<(Instant, u32)>>,
}

impl Reports {
    fn take(&self) -> bool {
        let Ok(mut minute) = self.minute.lock() else { return false };
        let now = Instant::now();
        let (began, count) =
            minute.filter(|(began, _)| began.elapsed().as_secs() < 60).unwrap_or((now, 0));
        *minute = Some((began, count.saturating_add(1)));
        count < EACH_MINUTE
    }
}

/// Takes a delivery of reports (Reporting API, or the older form).
pub(crate) async fn take(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !app.reports.take() {
        return Err(Problem::of(&status::REPORTS_THROTTLED, "").retry_after(60));
    }
    let bytes = body::read(headers.get(CONTENT_LENGTH).cloned(), body, MOST).await?;
    let reports: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let one = std::slice::from_ref(&reports);
    for report in reports.as_array().map_or(one, Vec::as_slice).iter().take(LOGGED) {
        let body = report.get("body").or_else(|| report.get("csp-report")).unwrap_or(report);
        let field = |names: [&str; 2]| {
            let text = names.iter().find_map(|name| body.get(name)?.as_str()).unwrap_or_default();
            fit(text)
        };
        tracing::warn!(
            page = field(["documentURL", "document-uri"]),
            blocked = field(["blockedURL", "blocked-uri"]),
            directive = field(["effectiveDirective", "violated-directive"]),
            "a browser kept a page from something"
        );
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A text of a stranger, as it may stand in a log.
fn fit(text: &str) -> String {
    let shown = |found: char| if found.is_ascii_graphic() { found } else { '?' };
    // What follows the path may hold what somebody searched for.
    text.split(['?', '#']).next().unwrap_or_default().chars().take(FIELD).map(shown).collect()
}
