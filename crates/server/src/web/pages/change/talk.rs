//! Beside a change: what was said about it, what neighbours have of it, and its evidence, which people open.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use sluice_core::change::{Change, EvidenceStatus};
use sluice_core::permission::Permission;
use sluice_engine::EngineError;

use super::vote::lines;
use crate::api::{no_such, talk::visible};
use crate::problem::Problem;
use crate::query::id;
use crate::web::form::Form;
use crate::web::page::{Looker, page, see};
use crate::web::shell::{Section, Shell};
use crate::web::visit::{Visit, read};
use crate::web::{Markup, marks, w};

/// Something that was said.
pub(super) struct Said {
    pub(super) index: u64,
    pub(super) who: Markup,
    pub(super) at: Markup,
    pub(super) text: String,
}

/// What a neighbour has.
pub(crate) struct Reference {
    pub(crate) link: String,
    pub(crate) name: String,
    pub(crate) value: Markup,
}

pub(super) fn comments(visit: &Visit, change: &Change) -> Result<Vec<Said>, Problem> {
    let comments = visit.app.engine.comments(change.number).map_err(Problem::from)?;
    let said = comments.into_iter().map(|comment| Said {
        index: comment.index,
        who: visit.actor(&comment.by),
        at: visit.when(comment.at),
        text: comment.text,
    });
    Ok(said.collect())
}

/// Whether the person who looks may say something.
pub(super) fn may_speak(visit: &Visit) -> bool {
    visit.may(Permission::ChangeEdit) || visit.may(Permission::ChangeApprove)
}

/// What neighbours have of a record.
pub(crate) fn references(visit: &Visit, record: &str) -> Result<Vec<Reference>, Problem> {
    let rows = read(visit.readers().external_refs_of(record))?;
    let found = rows.into_iter().map(|row| Reference {
        link: row.link,
        name: row.name.replace('_', " "),
        value: marks::outward(&row.value, &row.value),
    });
    Ok(found.collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentForm {
    text: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard of forms")]
    csrf_token: String,
}

/// Says something, and shows the change again.
pub(crate) async fn comment(
    looker: Looker,
    Path(number): Path<String>,
    Form(form): Form<CommentForm>,
) -> Result<Response, Problem> {
    let number = visible(&looker.app, &looker.caller, &number).await?.number;
    match looker.app.engine.comment(&looker.caller, number, lines(&form.text)).await {
        Ok(_) => Ok(see(&format!("/changes/{number}?done=commented#comments"))),
        Err(error) => {
            let kept = super::Kept { comment: form.text, ..super::Kept::default() };
            super::refused(looker, number, error, kept).await
        }
    }
}

#[derive(Template)]
#[template(path = "pages/evidence.html")]
struct EvidencePage {
    shell: Shell,
    number: String,
    title: String,
    name: String,
    mark: Markup,
    facts: Vec<(&'static str, Markup, bool)>,
    outward: Option<Markup>,
    revision: String,
    looks: Vec<(Markup, Markup)>,
}

/// One piece of evidence. That somebody opened it is recorded, where they came here from one of our own pages: another
/// site could send them here without their wish.
pub(crate) async fn evidence(
    looker: Looker,
    headers: HeaderMap,
    Path((number, at)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let change = visible(&looker.app, &looker.caller, &number).await?;
    let (number, at) = (change.number, id::<usize>(&at)?);
    let unknown = || no_such(format!("evidence {at} of {number}"));
    let wanted = change.evidence.get(at).ok_or_else(unknown)?;
    let said = |name: &str, value: &str| headers.get(name).is_some_and(|it| it == value);
    // A person goes there; a script of ours that looks whether something is new does not.
    let own = said("sec-fetch-site", "same-origin") && said("sec-fetch-mode", "navigate");
    if own && looker.caller.session.is_some() {
        let (kind, name) = (wanted.kind.clone(), wanted.name.clone());
        match looker.app.engine.open_evidence(&looker.caller, number, kind, name).await {
            // Who may see a part of a change may look at its evidence; that is not a look at the whole.
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    page(looker, move |visit| {
        // Read anew: the look that was just recorded is shown with it.
        let change = super::find(visit, number)?;
        show(visit, &change, at).ok_or_else(|| no_such(format!("evidence {at} of {number}")))
    })
    .await
}

fn show(visit: &Visit, change: &Change, at: usize) -> Option<EvidencePage> {
    let evidence = change.evidence.get(at)?;
    let plain = |text: &str| askama::filters::Safe(crate::web::escape::escaped(text));
    let mut facts = vec![(w::t("evidence.type"), plain(&evidence.kind.replace('_', " ")), false)];
    if let Some(digest) = &evidence.digest {
        facts.push((w::t("evidence.digest"), plain(digest.as_str()), true));
    }
    let mine = change.looks.iter().rev().filter(|look| {
        (look.kind.as_str(), look.name.as_str()) == (&evidence.kind, &evidence.name)
            && look.revision == change.revision.digest
    });
    let mut shell = visit.shell(Section::Changes, format!("{} {}", change.number, evidence.name));
    // What somebody has opened is what they see.
    shell.live = false;
    Some(EvidencePage {
        shell,
        number: change.number.to_string(),
        title: change.title.clone(),
        name: evidence.name.clone(),
        mark: status(evidence.status),
        facts,
        outward: evidence.url.as_ref().map(|url| marks::outward(url, url)),
        revision: change.revision.digest.to_string(),
        looks: mine.map(|look| (visit.who(&look.person), visit.when(look.at))).collect(),
    })
}

/// What a piece of evidence says.
pub(crate) fn status(status: EvidenceStatus) -> Markup {
    marks::evidence(match status {
        EvidenceStatus::Passed => "passed",
        EvidenceStatus::Failed => "failed",
        EvidenceStatus::Neutral => "neutral",
    })
}
