//! What people do beside changes, and deliveries that are read again.

use sluice_core::permission::Permission::{
    BreakGlass, ChangeApprove, ChangeRead, OrganisationApply, OrganisationRead, PolicyActivate,
};

use crate::api::{emergency, inbox, notifications, organisation, talk};
use crate::route::Access::{AnyToken, Needs};
use crate::route::Class::{Act, Read};
use crate::route::Route;

pub(super) fn beside() -> Vec<Route> {
    vec![
        Route::get("/api/v1/changes/{number}/comments", Needs(ChangeRead), Read, talk::comments)
            .about("List what was said about a change, oldest first.")
            .gives("CommentList"),
        Route::post("/api/v1/changes/{number}/comments", Needs(ChangeRead), Act, talk::comment)
            .about("Say something about a change that you may edit or approve. It cannot be taken back.")
            .takes("CommentRequest")
            .answers(201, "application/json")
            .gives("Done"),
        Route::post("/api/v1/changes/{number}/evidence/opened", Needs(ChangeRead), Act, talk::opened)
            .about("Record that you opened a piece of evidence; only the first time at a revision is.")
            .takes("EvidenceOpened")
            .gives("Done"),
        Route::get("/api/v1/changes/{number}/references", Needs(ChangeRead), Read, talk::references)
            .about("List what other systems have for a change.")
            .gives("ReferenceList"),
        Route::post("/api/v1/approvals", Needs(ChangeApprove), Act, talk::approve)
            .about("Say yes to several changes of low risk, each at the revision that was shown.")
            .takes("TogetherRequest")
            .gives("TogetherList"),
        Route::post("/api/v1/inbox/{id}/replay", Needs(OrganisationApply), Act, inbox::replay)
            .about("Have a delivery that was put aside or ignored read again.")
            .gives("Done"),
    ]
}

/// What waits for whoever asks, the views that they keep, and what a second person refuses.
pub(super) fn own() -> Vec<Route> {
    vec![
        Route::get("/api/v1/notifications", AnyToken, Read, notifications::list)
            .about("List what waits for you, and how much of it you have not seen.")
            .gives("WantedList"),
        Route::post("/api/v1/notifications/seen", AnyToken, Act, notifications::seen)
            .about("Say that you have seen what waits for you.")
            .gives("Done"),
        Route::get("/api/v1/views", AnyToken, Read, notifications::views)
            .about("List the views that you keep: lists with a filter, by name.")
            .gives("ViewList"),
        Route::put("/api/v1/views/{title}", AnyToken, Act, notifications::save)
            .about("Keep a view.")
            .takes("ViewRequest")
            .gives("Done"),
        Route::delete("/api/v1/views/{title}", AnyToken, Act, notifications::remove)
            .about("Forget a view.")
            .gives("Done"),
        Route::get(
            "/api/v1/organisation/plans/{plan}",
            Needs(OrganisationRead),
            Read,
            organisation::waiting,
        )
        .about("Say in words what a plan would do that waits for a second person.")
        .gives("WaitingPlan"),
        Route::post(
            "/api/v1/organisation/plans/{plan}/confirm",
            Needs(PolicyActivate),
            Act,
            organisation::confirm_kept,
        )
        .about("Make a plan so that somebody else has proposed, without its files.")
        .gives("Done"),
        Route::post(
            "/api/v1/organisation/plans/{plan}/refuse",
            AnyToken,
            Act,
            organisation::refuse,
        )
        .about("Refuse a plan that waits for a second person, or take your own back.")
        .takes("ReasonRequest")
        .gives("Done"),
        Route::post("/api/v1/break-glass/{id}/refuse", Needs(BreakGlass), Act, emergency::refuse)
            .about("Refuse an emergency path that waits.")
            .takes("ReasonRequest")
            .gives("Done"),
    ]
}
