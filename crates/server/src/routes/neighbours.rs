//! Links, and what is owed to them.

use sluice_core::permission::Permission::{InboxRead, OrganisationApply};

use crate::api::links;
use crate::route::Access::Needs;
use crate::route::Class::{Act, Read};
use crate::route::Route;

pub(super) fn neighbours() -> Vec<Route> {
    vec![
        Route::get("/api/v1/links", Needs(InboxRead), Read, links::list)
            .about("List the links, with how they fare and what is owed to them.")
            .gives("LinkList"),
        Route::post("/api/v1/links/{name}/test", Needs(OrganisationApply), Act, links::test)
            .about("Try a link without altering anything over there.")
            .gives("LinkTrial"),
        Route::post("/api/v1/links/{name}/pause", Needs(OrganisationApply), Act, links::pause)
            .about("Send nothing by a link until it is resumed; what is owed is kept.")
            .takes("ReasonRequest")
            .gives("Done"),
        Route::post("/api/v1/links/{name}/resume", Needs(OrganisationApply), Act, links::resume)
            .about("Send by a link again.")
            .gives("Done"),
        Route::post("/api/v1/links/{name}/replay", Needs(OrganisationApply), Act, links::replay)
            .about("Owe anew what was given up: one effect, or the oldest 200.")
            .takes("ReplayRequest")
            .gives("ReplayReply"),
        Route::post("/api/v1/links/{name}/reconcile", Needs(OrganisationApply), Act, links::reconcile)
            .about("Compare the records of a link with ours; with `repair`, owe anew what that would mend.")
            .takes("ReconcileRequest")
            .gives("Reconciliation"),
        Route::get("/api/v1/outbox", Needs(InboxRead), Read, links::outbox)
            .about("List what is or was owed to neighbours, newest first.")
            .with(&["link", "outbox-state", "limit", "cursor"])
            .gives("EffectList"),
    ]
}
