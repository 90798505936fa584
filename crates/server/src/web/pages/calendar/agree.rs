//! What of the calendar waits for a second person, and the forms by which one agrees or refuses.

use axum::extract::{Path, State};
use axum::response::Response;
use sluice_core::calendar::Window;
use sluice_core::calendar::made::ProposedWindow;
use sluice_core::calendar::made::event::Deed;
use sluice_core::ids::ProposalId;
use sluice_core::permission::Permission;

use super::kind;
use super::traits::{self, Trait};
use super::windows::{Preview, preview};
use crate::app::App;
use crate::guard::By;
use crate::problem::Problem;
use crate::query::id;
use crate::web::form::{Form, NoFields, ReasonForm};
use crate::web::page::{Looker, address, see};
use crate::web::visit::Visit;
use crate::web::{Markup, marks, w};

/// The most proposals that are shown at a time.
const MOST: usize = 60;

/// One proposal.
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) verb: &'static str,
    pub(crate) name: Option<String>,
    pub(crate) title: String,
    pub(crate) mark: Markup,
    pub(crate) scope: String,
    pub(crate) traits: Vec<Trait>,
    pub(crate) reason: String,
    pub(crate) by: Markup,
    pub(crate) at: Markup,
    pub(crate) from: Option<Markup>,
    pub(crate) preview: Preview,
    pub(crate) confirm: bool,
    pub(crate) refuse: bool,
    pub(crate) why_not: Option<&'static str>,
}

/// What waits and may be seen, with the window that it is about.
fn seen(visit: &Visit) -> impl Iterator<Item = (&ProposedWindow, &Window)> {
    let may = visit.may(Permission::CalendarRead);
    let proposals = visit.standing.made.proposals.values().filter(move |_| may);
    let shown = proposals.filter(|it| it.waits(visit.now)).filter_map(|it| {
        let window = match &it.proposed.deed {
            Deed::Set { window } => window.as_ref(),
            Deed::End { name } => visit.standing.made.windows.get(name)?.window.as_ref(),
        };
        Some((it.as_ref(), window))
    });
    shown.filter(|(_, window)| visit.touches(Permission::CalendarRead, &window.scope))
}

/// How many of them there are.
pub(super) fn how_many(visit: &Visit) -> usize {
    seen(visit).count()
}

/// What waits, of one window or of all that may be seen, after so many others; and how many there are in all.
pub(crate) fn waiting(visit: &Visit, of: Option<&str>, after: usize) -> (Vec<Waiting>, usize) {
    let person = visit.caller.person.as_ref();
    let of_it = seen(visit).filter(|(it, _)| of.is_none_or(|name| it.proposed.deed.name() == name));
    let mut sorted: Vec<_> = of_it
        .map(|(it, window)| {
            let proposed = &it.proposed;
            let could = sluice_engine::has_say(&visit.standing, &visit.caller, &proposed.deed);
            (!could || person == Some(&proposed.by), it.at, it, window)
        })
        .collect();
    // First what they could agree to, the oldest first.
    sorted.sort_by_key(|(last, at, ..)| (*last, *at));
    let all = sorted.len();
    let shown = sorted
        .into_iter()
        .skip(after)
        .take(MOST)
        .map(|(_, _, it, window)| (it, window))
        .map(|(it, window)| {
            let proposed = &it.proposed;
            let stands = visit.standing.made.windows.get(proposed.deed.name());
            let own = person == Some(&proposed.by);
            let may = sluice_engine::has_say(&visit.standing, &visit.caller, &proposed.deed);
            let cooling = visit.now < proposed.from;
            Waiting {
                id: proposed.proposal.to_string(),
                verb: match (&proposed.deed, &proposed.over) {
                    (Deed::End { .. }, _) => w::t("window.end_it"),
                    (Deed::Set { .. }, Some(_)) => w::t("window.alter"),
                    (Deed::Set { .. }, None) => w::t("window.make"),
                },
                name: stands.map(|stands| stands.window.name.clone()),
                title: window.title.clone(),
                mark: marks::window(kind(window.kind)),
                scope: window.scope.to_string(),
                traits: match stands.filter(|_| proposed.over.is_some()) {
                    Some(stands) => traits::over(visit, window, &stands.window),
                    None => traits::of(visit, window),
                },
                reason: proposed.reason.clone(),
                by: visit.who(&proposed.by),
                at: visit.when(it.at),
                from: cooling.then(|| visit.when(proposed.from)),
                preview: preview(visit, window),
                confirm: may && !own && !cooling && person.is_some(),
                refuse: person.is_some() && (may || own),
                why_not: if own {
                    Some(w::t("proposals.you_proposed_it"))
                } else if !may {
                    Some(w::t("window.it_reaches_beyond_you"))
                } else {
                    None
                },
            }
        })
        .collect();
    (shown, all)
}

/// Which part of what waits is shown, and where the others are.
pub(crate) struct Part {
    pub(crate) told: String,
    pub(crate) earlier: Option<String>,
    pub(crate) later: Option<String>,
}

/// The part of `all` that begins after so many, of which so many are shown; none where that is everything.
pub(crate) fn part(after: usize, shown: usize, all: usize) -> Option<Part> {
    let at = |after: usize| {
        let after = if after == 0 { String::new() } else { after.to_string() };
        address("/proposals", &[("windows", &after)]) + "#windows"
    };
    let last = after.saturating_add(shown).min(all);
    (shown < all).then(|| Part {
        told: w::ff("proposals.part_of_all", format!("{}–{last}", (after + 1).min(last)), all),
        earlier: (after > 0).then(|| at(after.min(all).saturating_sub(MOST))),
        later: (last < all).then(|| at(last)),
    })
}

/// A second person agrees.
pub(crate) async fn confirm(
    looker: Looker,
    Path(proposal): Path<String>,
    Form(_): Form<NoFields>,
) -> Result<Response, Problem> {
    let proposal: ProposalId = id(&proposal)?;
    looker.app.engine.confirm_window(&looker.caller, &proposal).await?;
    Ok(see("/proposals?done=window_set#windows"))
}

/// Somebody refuses, or takes their own back.
pub(crate) async fn refuse(
    State(app): State<App>,
    By(caller): By,
    Path(proposal): Path<String>,
    Form(form): Form<ReasonForm>,
) -> Result<Response, Problem> {
    let proposal: ProposalId = id(&proposal)?;
    app.engine.refuse_window(&caller, &proposal, form.reason.trim().to_owned()).await?;
    Ok(see("/proposals?done=refused#windows"))
}
