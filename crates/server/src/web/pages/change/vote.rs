//! What people do to a change by a form: the same calls of the engine that the API makes.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use sluice_core::change::{ApprovalVerdict, ChangeOutcome};
use sluice_core::ids::{DeploymentNumber, Digest};
use sluice_engine::{ApprovalInput, Client};

use super::{Kept, refused};
use crate::api::{no_such, talk::visible};
use crate::problem::Problem;
use crate::query::id;
use crate::session::From;
use crate::status;
use crate::web::form::Form;
use crate::web::page::{Looker, see};
use crate::web::pages::login::{inside, renewed_in, step_up};
use crate::web::w;

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
    let reason = lines(&form.reason);
    let kept = Kept { reason: form.reason, ..Kept::default() };
    if reject && reason.is_empty() {
        let problem = Problem::of(&status::BODY_INVALID, w::t("refused.reason_missing"));
        return refused(looker, number, problem, kept).await;
    }
    let done = if reject { "rejected" } else { "approved" };
    let to = format!("/changes/{number}?done={done}");
    let input = ApprovalInput {
        verdict: form.verdict,
        revision: form.revision,
        reason,
        on_behalf_of: None,
    };
    if form.password.is_empty() {
        return match app.engine.approve(&looker.caller, number, None, input).await {
            Ok(_) => Ok(see(&to)),
            Err(error) => refused(looker, number, error, kept).await,
        };
    }
    let opened = match step_up(&looker, form.password, &form.code, address).await {
        Ok(opened) => opened,
        Err(problem) => {
            let kept = Kept { unproven: true, ..kept };
            return refused(looker, number, problem, kept).await;
        }
    };
    let renewed = app.engine.authenticate_session(&opened.secret, Client::Browser);
    let caller = renewed.ok_or_else(|| Problem::of(&status::SESSION_REFUSED, ""))?;
    // The proof holds whether or not the rules let this person speak: the cookie is renewed in any case.
    match app.engine.approve(&caller, number, None, input).await {
        Ok(_) => Ok(inside(&app, &headers, &opened, &to)),
        Err(error) => {
            let looker = Looker { caller: Arc::new(caller), ..looker };
            let shown = refused(looker, number, error, kept).await?;
            Ok(renewed_in(&app, &headers, &opened, shown))
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
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<ActForm>,
) -> Result<Response, Problem> {
    let (engine, caller) = (looker.app.engine.clone(), Arc::clone(&looker.caller));
    let number = visible(&looker.app, &caller, &number).await?.number;
    let (seen, text) = (Some(form.version), lines(&form.text));
    let mut kept = Kept { outcome: form.outcome, ..Kept::default() };
    let place = match form.act {
        Act::Cancel => &mut kept.why,
        Act::Close => &mut kept.note,
        Act::Review => &mut kept.finding,
    };
    *place = form.text;
    if text.is_empty() && form.act != Act::Close {
        let problem = Problem::of(&status::BODY_INVALID, w::t("change.say_why_in_a_sentence"));
        return refused(looker, number, problem, kept).await;
    }
    let (done, ended) = match (form.act, form.outcome) {
        (Act::Cancel, _) => {
            let canceled = engine.cancel_change(&caller, number, seen, text).await;
            ("canceled", canceled.map(|_| ()))
        }
        (Act::Close, Some(outcome)) => {
            let closed = engine.close_change(&caller, number, seen, outcome, text).await;
            ("closed", closed.map(|_| ()))
        }
        (Act::Close, None) => {
            let problem = Problem::of(&status::BODY_INVALID, w::t("change.choose_how_it_ended"));
            return refused(looker, number, problem, kept).await;
        }
        (Act::Review, _) => {
            let reviewed = engine.review_change(&caller, number, seen, text).await;
            ("reviewed", reviewed.map(|_| ()))
        }
    };
    match ended {
        Ok(()) => Ok(see(&format!("/changes/{number}?done={done}"))),
        Err(error) => refused(looker, number, error, kept).await,
    }
}

/// Why a deployment is ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndForm {
    reason: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Ends a deployment of which no outcome is told, and shows its change again.
pub(crate) async fn end_deployment(
    looker: Looker,
    Path((number, deployment)): Path<(String, String)>,
    Form(form): Form<EndForm>,
) -> Result<Response, Problem> {
    let (engine, caller) = (looker.app.engine.clone(), Arc::clone(&looker.caller));
    let change = visible(&looker.app, &caller, &number).await?;
    let deployment: DeploymentNumber = id(&deployment)?;
    if !change.deployments.contains(&deployment) {
        return Err(no_such(format!("deployment {deployment} of {}", change.number)));
    }
    match engine.give_up_deployment(&caller, deployment, lines(&form.reason)).await {
        Ok(_) => {
            let number = change.number;
            Ok(see(&format!("/changes/{number}?done=deployment_ended#deployments-title")))
        }
        Err(error) => {
            let end = Some((deployment.to_string(), form.reason));
            let kept = Kept { end, ..Kept::default() };
            refused(looker, change.number, error, kept).await
        }
    }
}

/// Browsers send line ends as a pair (HTML, form submission); we keep one.
pub(crate) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}
