//! What people do to a change by a form: the same calls of the engine that the API makes.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use sluice_core::change::{ApprovalVerdict, ChangeOutcome};
use sluice_core::ids::Digest;
use sluice_engine::{ApprovalInput, Client};

use crate::api::talk::visible;
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::session::From;
use crate::status;
use crate::web::form::Form;
use crate::web::page::{Looker, address as address_of, see};
use crate::web::pages::login::{inside, step_up};

/// A yes or no, with the revision that was shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VoteForm {
    verdict: ApprovalVerdict,
    revision: Digest,
    #[serde(default)]
    reason: String,
    /// The proof of who it is, where the last one is old.
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Records a yes or no, and shows the change again.
pub(crate) async fn vote(
    looker: Looker,
    From(address): From,
    headers: HeaderMap,
    Path(number): Path<String>,
    Form(form): Form<VoteForm>,
) -> Result<Response, Problem> {
    let app = looker.app.clone();
    let number = visible(&app, &looker.caller, &number).await?.number;
    let reject = form.verdict == ApprovalVerdict::Reject;
    if reject && form.reason.trim().is_empty() {
        let page = format!("/changes/{number}");
        return Ok(see(&address_of(&page, &[("refused", "reason_missing")])));
    }
    let reason = lines(&form.reason);
    let input = ApprovalInput {
        verdict: form.verdict,
        revision: form.revision,
        reason,
        on_behalf_of: None,
    };
    let done = if reject { "rejected" } else { "approved" };
    let to = format!("/changes/{number}?done={done}");
    if form.password.is_empty() {
        app.engine.approve(&looker.caller, number, None, input).await?;
        return Ok(see(&to));
    }
    let opened = step_up(&looker, form.password, &form.code, address).await?;
    let renewed = app.engine.authenticate_session(&opened.secret, Client::Browser);
    let lost = || Problem::of(&status::SESSION_REFUSED, "");
    let caller = renewed.ok_or_else(lost)?;
    // The proof holds whether or not the rules let this person speak: the cookie is renewed first.
    match app.engine.approve(&caller, number, None, input).await {
        Ok(_) => Ok(inside(&app, &headers, &opened, &to)),
        Err(error) => {
            let code = match &error {
                sluice_engine::EngineError::Refused(refusal) => refusal.code.clone(),
                _ => return Err(error.into()),
            };
            let to = address_of(&format!("/changes/{number}"), &[("refused", &code)]);
            Ok(inside(&app, &headers, &opened, &to))
        }
    }
}

/// What ends a change, or settles what is owed for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActForm {
    act: Act,
    version: u64,
    #[serde(default)]
    text: String,
    outcome: Option<ChangeOutcome>,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Cancel,
    Close,
    Review,
}

/// Cancels, closes or reviews a change, and shows it again.
pub(crate) async fn act(
    State(app): State<App>,
    By(caller): By,
    Path(number): Path<String>,
    Form(form): Form<ActForm>,
) -> Result<Response, Problem> {
    let number = visible(&app, &caller, &number).await?.number;
    let (seen, text) = (Some(form.version), lines(&form.text));
    if text.trim().is_empty() && form.act != Act::Close {
        return Err(Problem::of(&status::BODY_INVALID, "say why, in a sentence"));
    }
    let done = match form.act {
        Act::Cancel => {
            app.engine.cancel_change(&caller, number, seen, text).await?;
            "canceled"
        }
        Act::Close => {
            let missing = || Problem::of(&status::BODY_INVALID, "choose how it ended");
            let outcome = form.outcome.ok_or_else(missing)?;
            app.engine.close_change(&caller, number, seen, outcome, text).await?;
            "closed"
        }
        Act::Review => {
            app.engine.review_change(&caller, number, seen, text).await?;
            "reviewed"
        }
    };
    Ok(see(&format!("/changes/{number}?done={done}")))
}

/// Browsers send line ends as a pair (HTML, form submission); we keep one.
pub(crate) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
