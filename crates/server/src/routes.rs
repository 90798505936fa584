//! The route table: every address of the API there is, who may use it, and what answers.
//!
//! The router is built from this table and from nothing else, and each row is put behind the
//! guard, so a route without a permission cannot be written, and tests can walk over all of them.

mod disturbed;
mod identities;
mod neighbours;
mod outside;
mod provisioning;
mod published;
mod talk;
mod windows;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use sluice_core::permission::Permission::{
    AccountManage, BreakGlass, CalendarRead, ChangeApprove, ChangeEdit, ChangeRead,
    DeploymentReport, EventRead, ExceptionGrant, GateEvaluate, GateRedeem, InboxRead, LedgerRead,
    OrganisationApply, OrganisationRead, PersonErase, PolicyActivate, PolicyRead, RoleGrant,
    StopLift, StopPull,
};

use crate::api::{
    accounts, calendar, changes, decisions, deployments, emergency, exceptions, gate, identity,
    inbox, ledger, organisation, passes, policy, roles, session, stops,
};
use crate::app::App;
use crate::door::door;
use crate::guard::{guard, no_method, no_route};
use crate::route::Access::{AnyToken, Needs, Public};
use crate::route::Class::{Act, Bulk, Follow, Gate, Light, Read};
use crate::route::{Facts, Route};
use crate::{events, web};

/// What is known of every route of the API.
pub fn route_table() -> Vec<Facts> {
    routes().into_iter().map(|route| route.facts).collect()
}

/// What is known of every page.
pub fn page_table() -> Vec<Facts> {
    pages().into_iter().map(|route| route.facts).collect()
}

fn pages() -> Vec<Route> {
    let mut routes = web::routes();
    for route in &mut routes {
        route.facts.page = true;
    }
    routes
}

/// The service: the tables' routes behind the guard, everything behind the door.
pub(crate) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for Route { facts, handler } in routes().into_iter().chain(pages()) {
        let path = facts.path;
        let guarded =
            handler.route_layer(from_fn_with_state((app.clone(), Arc::new(facts)), guard));
        router = router.route(path, guarded);
    }
    router
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), door))
        .with_state(app.clone())
}

fn routes() -> Vec<Route> {
    let mut routes = gate();
    routes.extend(records());
    routes.extend(disturbed::incidents());
    routes.extend(disturbed::problems());
    routes.extend(halts());
    routes.extend(windows::windows());
    routes.extend(declared());
    routes.extend(neighbours::neighbours());
    routes.extend(talk::beside());
    routes.extend(talk::own());
    routes.extend(identities::identities());
    routes.extend(identities::keys());
    routes.extend(provisioning::provisioning());
    routes.extend(people());
    routes.extend(ledgers());
    routes.extend(published::log());
    routes.extend(outside::outside());
    routes
}

fn gate() -> Vec<Route> {
    vec![
        Route::post("/api/v1/gate", Needs(GateEvaluate), Gate, gate::ask)
            .about("Ask whether this may go to that environment now.")
            .with(&["Idempotency-Key", "Prefer", "wait", "dry_run"])
            .takes("GateRequest")
            .gives("GateReply"),
        Route::post("/api/v1/passes/{id}/redeem", Needs(GateRedeem), Gate, passes::redeem)
            .about("Redeem a pass at the moment of the deploy action; a deployment begins.")
            .with(&["Idempotency-Key"])
            .takes("RedeemRequest")
            .gives("RedeemReply"),
        Route::post(
            "/api/v1/deployments/{number}/outcome",
            Needs(DeploymentReport),
            Gate,
            deployments::outcome,
        )
        .about("Report how a deployment ended.")
        .with(&["Idempotency-Key"])
        .takes("OutcomeRequest")
        .gives("OutcomeReply"),
        Route::post(
            "/api/v1/deployments/{number}/end",
            Needs(ChangeEdit),
            Act,
            deployments::give_up,
        )
        .about("End a running deployment of which no outcome is told, as failed.")
        .takes("ReasonRequest")
        .gives("OutcomeReply"),
        Route::get("/api/v1/decisions", Needs(ChangeRead), Read, decisions::list)
            .about("List gate decisions, newest first.")
            .with(&["change", "service", "environment", "answer", "limit", "cursor"])
            .gives("DecisionList"),
        Route::get("/api/v1/decisions/{id}", Needs(ChangeRead), Read, decisions::show)
            .about("Show a gate decision.")
            .gives("Decision"),
        Route::get("/api/v1/decisions/{id}/input", Needs(ChangeRead), Read, decisions::input)
            .about("Show the typed input of a decision, byte for byte as it is bound by digest.")
            .gives("AnyObject"),
    ]
}

fn records() -> Vec<Route> {
    vec![
        Route::get("/api/v1/changes", Needs(ChangeRead), Read, changes::list)
            .about("List changes, newest first.")
            .with(&[
                "change-state",
                "service",
                "environment",
                "kind",
                "risk",
                "waiting",
                "q",
                "limit",
                "cursor",
            ])
            .gives("ChangeList"),
        Route::get("/api/v1/changes/{number}", Needs(ChangeRead), Read, changes::show)
            .about("Show a change. Its `ETag` is the version of the record.")
            .gives("Change"),
        Route::get("/api/v1/changes/{number}/trail", Needs(ChangeRead), Read, changes::trail)
            .about("Show what happened to a change, oldest first, with where the receipts are.")
            .with(&["limit", "cursor"])
            .gives("EntryList"),
        Route::post(
            "/api/v1/changes/{number}/approve",
            Needs(ChangeApprove),
            Act,
            changes::approve,
        )
        .about("Say yes to the revision that was shown.")
        .with(&["If-Match-optional"])
        .takes("ApprovalRequest")
        .gives("ChangeReply"),
        Route::post("/api/v1/changes/{number}/reject", Needs(ChangeApprove), Act, changes::reject)
            .about("Say no to the revision that was shown.")
            .with(&["If-Match-optional"])
            .takes("ApprovalRequest")
            .gives("ChangeReply"),
        Route::post("/api/v1/changes/{number}/cancel", Needs(ChangeEdit), Act, changes::cancel)
            .about("Give a change up before it is implemented.")
            .with(&["If-Match"])
            .takes("ReasonRequest")
            .gives("ChangeReply"),
        Route::post("/api/v1/changes/{number}/close", Needs(ChangeEdit), Act, changes::close)
            .about("Close a change that is in review.")
            .with(&["If-Match"])
            .takes("CloseRequest")
            .gives("ChangeReply"),
        Route::post("/api/v1/changes/{number}/review", Needs(ChangeApprove), Act, changes::review)
            .about("Give the review that is owed.")
            .with(&["If-Match"])
            .takes("ReviewRequest")
            .gives("ChangeReply"),
        Route::get("/api/v1/deployments", Needs(ChangeRead), Read, deployments::list)
            .about("List deployments, newest first.")
            .with(&["change", "service", "environment", "deployment-state", "limit", "cursor"])
            .gives("DeploymentList"),
        Route::get("/api/v1/deployments/{number}", Needs(ChangeRead), Read, deployments::show)
            .about("Show a deployment.")
            .gives("Deployment"),
    ]
}

fn halts() -> Vec<Route> {
    vec![
        Route::get("/api/v1/stops", Needs(ChangeRead), Read, stops::list)
            .about("List the stops in force.")
            .gives("StopList"),
        Route::post("/api/v1/stops", Needs(StopPull), Act, stops::pull)
            .about("Stop the line; it takes effect on the next question.")
            .takes("StopRequest")
            .answers(201, "application/json")
            .gives("StopReply"),
        Route::post("/api/v1/stops/{id}/lift", Needs(StopLift), Act, stops::lift)
            .about("Lift a stop.")
            .takes("ReasonRequest")
            .gives("Done"),
        Route::get("/api/v1/exceptions", Needs(ChangeRead), Read, exceptions::list)
            .about("List the exceptions in force.")
            .gives("ExceptionList"),
        Route::post("/api/v1/exceptions", Needs(ExceptionGrant), Act, exceptions::grant)
            .about("Grant an exception; it creates review debt wherever it carries a decision.")
            .takes("ExceptionRequest")
            .answers(201, "application/json")
            .gives("ExceptionReply"),
        Route::post(
            "/api/v1/exceptions/{id}/revoke",
            Needs(ExceptionGrant),
            Act,
            exceptions::revoke,
        )
        .about("Take an exception back.")
        .takes("ReasonRequest")
        .gives("Done"),
        Route::get("/api/v1/status", AnyToken, Light, emergency::status)
            .about("What everybody should know at a glance: stops, emergency paths, what waits.")
            .gives("Status"),
        Route::post("/api/v1/break-glass", Needs(BreakGlass), Act, emergency::ask)
            .about("Ask for the emergency path for one deployment; a second person has to open it.")
            .takes("GlassRequest")
            .answers(201, "application/json")
            .gives("GlassAsked"),
        Route::post("/api/v1/break-glass/{id}/open", Needs(BreakGlass), Act, emergency::open)
            .about("Open the emergency path that somebody else asked for, and ask at the gate.")
            .gives("GateReply"),
        Route::get("/api/v1/calendar", Needs(CalendarRead), Read, calendar::next)
            .about("List the next windows of a service in an environment.")
            .with(&["service-required", "environment", "count"])
            .gives("WindowList"),
    ]
}

fn declared() -> Vec<Route> {
    vec![
        Route::get("/api/v1/organisation", Needs(OrganisationRead), Read, organisation::overview)
            .about("Say how much is declared.")
            .gives("Organisation"),
        Route::get(
            "/api/v1/organisation/{kind}",
            Needs(OrganisationRead),
            Read,
            organisation::list,
        )
        .about("List the declared items of one kind, by name.")
        .with(&["limit", "cursor-name"])
        .gives("ItemList"),
        Route::get(
            "/api/v1/organisation/{kind}/{*name}",
            Needs(OrganisationRead),
            Read,
            organisation::show,
        )
        .about("Show a declared item.")
        .gives("Item"),
        Route::post(
            "/api/v1/organisation/check",
            Needs(OrganisationRead),
            Bulk,
            organisation::check,
        )
        .about("Name every problem of a folder.")
        .takes_folder("FolderRequest")
        .gives("CheckReply"),
        Route::post("/api/v1/organisation/plan", Needs(OrganisationRead), Bulk, organisation::plan)
            .about("Show what applying a folder would declare and withdraw.")
            .takes_folder("FolderRequest")
            .gives("PlanReply"),
        Route::post(
            "/api/v1/organisation/apply",
            Needs(OrganisationApply),
            Bulk,
            organisation::apply,
        )
        .about("Make a folder so, as events. Twice in a row changes nothing.")
        .takes_folder("ApplyRequest")
        .gives("ApplyReply"),
        Route::post(
            "/api/v1/organisation/confirm",
            Needs(PolicyActivate),
            Bulk,
            organisation::confirm,
        )
        .about("Make a folder so that somebody else has proposed: exactly the same plan.")
        .takes_folder("ApplyRequest")
        .gives("ApplyReply"),
        Route::get("/api/v1/policy", Needs(PolicyRead), Read, policy::show)
            .about("Show the policy in force, by digests.")
            .gives("Policy"),
        Route::get("/api/v1/policy/modules/{*path}", Needs(PolicyRead), Read, policy::module)
            .about("Show the text of a module of the policy in force.")
            .gives("PolicyModule"),
        Route::get("/api/v1/inbox", Needs(InboxRead), Read, inbox::list)
            .about("List deliveries and what became of them, newest first.")
            .with(&["link", "inbox-state", "limit-50", "cursor"])
            .gives("DeliveryList"),
        Route::get("/api/v1/inbox/{id}", Needs(InboxRead), Read, inbox::show)
            .about("Show a delivery with its body.")
            .gives("Delivery"),
    ]
}

fn people() -> Vec<Route> {
    let mut routes = sessions();
    routes.extend(accounts());
    routes.extend(roles());
    routes
}

fn sessions() -> Vec<Route> {
    vec![
        Route::post(
            "/api/v1/login",
            Public("whoever comes in has nothing to show yet"),
            Act,
            session::login,
        )
        .about("Come in by password and, where the account has a second factor, a code.")
        .takes("LoginRequest")
        .gives("OpenedSession"),
        Route::post("/api/v1/logout", AnyToken, Act, session::logout)
            .about("End the session that this comes by.")
            .gives("Done"),
        Route::get("/api/v1/session", AnyToken, Light, session::show)
            .about("Show the session that this comes by.")
            .gives("Session"),
        Route::post("/api/v1/session/step-up", AnyToken, Act, session::step_up)
            .about("Prove again who one is; the session gets a new secret.")
            .takes("ProofRequest")
            .gives("OpenedSession"),
        Route::post(
            "/api/v1/device",
            Public("whoever comes in has nothing to show yet"),
            Act,
            session::device,
        )
        .about("Begin to come in by another device (RFC 8628): a code for the person to confirm.")
        .gives("DeviceStart"),
        Route::post("/api/v1/device/confirm", AnyToken, Act, session::confirm_device)
            .about("Say whether the command line that shows this code is one's own.")
            .takes("DeviceConfirm")
            .gives("Done"),
        Route::post(
            "/api/v1/device/token",
            Public("whoever comes in has nothing to show yet"),
            Act,
            session::device_token,
        )
        .about("Ask whether the code was confirmed; the answer is a session of the command line.")
        .takes("DeviceToken")
        .gives("OpenedSession"),
        Route::get("/api/v1/sessions", AnyToken, Read, session::list)
            .about("List one's own sessions, or everybody's for whoever manages accounts.")
            .gives("SessionList"),
        Route::delete("/api/v1/sessions/{session}", AnyToken, Act, session::end)
            .about("End a session.")
            .gives("Done"),
    ]
}

fn accounts() -> Vec<Route> {
    vec![
        Route::get("/api/v1/accounts", Needs(AccountManage), Read, accounts::list)
            .about("List the accounts of this installation.")
            .gives("AccountList"),
        Route::post("/api/v1/accounts", Needs(AccountManage), Act, accounts::create)
            .about("Make an account; the answer is a code for the first password.")
            .takes("AccountRequest")
            .answers(201, "application/json")
            .gives("Enrolment"),
        Route::post("/api/v1/people/erase", Needs(PersonErase), Act, identity::erase)
            .about("Erase name and addresses of a person who is not declared any more.")
            .takes("EraseRequest")
            .gives("Erased"),
        Route::post("/api/v1/accounts/{who}/reset", Needs(AccountManage), Act, accounts::reset)
            .about("Ask to set an account back; a second person confirms it, where there is one.")
            .takes("ReasonRequest")
            .answers(201, "application/json")
            .gives("AccountReset"),
        Route::post(
            "/api/v1/accounts/{who}/reset/confirm",
            Needs(AccountManage),
            Act,
            accounts::confirm_reset,
        )
        .about("Set an account back as somebody else asked; the answer is a code for the password.")
        .gives("Enrolment"),
        Route::post("/api/v1/accounts/{who}/reset/refuse", AnyToken, Act, accounts::refuse_reset)
            .about("Let nothing become of setting an account back; of one's own everybody may.")
            .takes("ReasonRequest")
            .gives("Done"),
        Route::post("/api/v1/accounts/{who}/disable", Needs(AccountManage), Act, accounts::disable)
            .about("Close an account and end its sessions.")
            .takes("ReasonRequest")
            .gives("Done"),
        Route::post("/api/v1/accounts/{who}/enable", Needs(AccountManage), Act, accounts::enable)
            .about("Open a closed account again.")
            .gives("Done"),
        Route::post(
            "/api/v1/account/enrol",
            Public("whoever has only a code has no password yet"),
            Act,
            accounts::enrol,
        )
        .about("Set the first password with the code that an administrator handed over.")
        .takes("EnrolRequest")
        .gives("Done"),
        Route::post("/api/v1/account/password", AnyToken, Act, accounts::password)
            .about("Change one's password; other sessions end.")
            .takes("PasswordRequest")
            .gives("Done"),
        Route::post("/api/v1/account/totp", AnyToken, Act, accounts::begin_totp)
            .about("Begin to make a device the second factor.")
            .gives("TotpStart"),
        Route::post("/api/v1/account/totp/confirm", AnyToken, Act, accounts::confirm_totp)
            .about("Show that the device gives the right codes; the answer is the recovery codes.")
            .takes("CodeRequest")
            .gives("RecoveryCodes"),
        Route::post("/api/v1/account/totp/remove", AnyToken, Act, accounts::remove_totp)
            .about("Take the second factor away.")
            .takes("ProofRequest")
            .gives("Done"),
    ]
}

fn roles() -> Vec<Route> {
    vec![
        Route::get("/api/v1/roles", Needs(OrganisationRead), Read, roles::table)
            .about("Show the table of roles in force.")
            .gives("RoleTable"),
        Route::get("/api/v1/roles/grants", Needs(OrganisationRead), Read, roles::list)
            .about("List roles that wait for a second person or hold, beyond those declared.")
            .gives("GrantList"),
        Route::post("/api/v1/roles/grants", Needs(RoleGrant), Act, roles::propose)
            .about("Propose a role for another person; a second person has to confirm it.")
            .takes("RoleRequest")
            .answers(201, "application/json")
            .gives("RoleProposed"),
        Route::post("/api/v1/roles/grants/{id}/confirm", Needs(RoleGrant), Act, roles::confirm)
            .about("Confirm a role that somebody else proposed for somebody else.")
            .gives("Done"),
        Route::post("/api/v1/roles/grants/{id}/revoke", AnyToken, Act, roles::revoke)
            .about("Take a role or a proposal back; a holder may give up their own.")
            .takes("ReasonRequest")
            .gives("Done"),
        Route::get("/api/v1/access/explain", AnyToken, Read, roles::explain)
            .about("Say whether a person may do something, and why; others than oneself need `access.explain`.")
            .with(&["person-required", "permission-required", "service", "environment", "change"])
            .gives("AccessExplained"),
    ]
}

fn ledgers() -> Vec<Route> {
    vec![
        Route::get("/api/v1/ledger/head", Needs(LedgerRead), Light, ledger::head)
            .about("Show the signed head of the ledger.")
            .gives("LedgerHead"),
        Route::get("/api/v1/ledger/entries", Needs(LedgerRead), Read, ledger::entries)
            .about("List entries from an index on, oldest first.")
            .with(&["from", "limit"])
            .gives("EntryList"),
        Route::get("/api/v1/ledger/entries/{index}", Needs(LedgerRead), Read, ledger::entry)
            .about("Show an entry and its exact bytes.")
            .gives("Entry"),
        Route::get("/api/v1/ledger/receipts/{index}", Needs(LedgerRead), Read, ledger::receipt)
            .about("Make a receipt of an entry under the present head, or under the newest that is witnessed.")
            .with(&["witnessed"])
            .gives("Receipt"),
        Route::get("/api/v1/ledger/consistency", Needs(LedgerRead), Read, ledger::consistency)
            .about("Prove that the log of one size continues that of a smaller one.")
            .with(&["from-required", "to"])
            .gives("Consistency"),
        Route::get("/api/v1/events", Needs(EventRead), Follow, events::follow)
            .about("Follow events as they happen: server-sent CloudEvents in JSON.")
            .with(&["Last-Event-ID", "type", "from"])
            .answers(200, "text/event-stream")
            .gives("CloudEvent"),
    ]
}
