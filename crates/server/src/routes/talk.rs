//! What people do beside changes, and deliveries that are read again.

use sluice_core::permission::Permission::{ChangeApprove, ChangeRead, OrganisationApply};

use crate::api::{inbox, talk};
use crate::route::Access::Needs;
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
