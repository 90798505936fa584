//! The pages: every address, who may see it, and what answers.

mod disturbed;

use sluice_core::permission::Permission::{
    AccessExplain, AccountManage, BreakGlass, CalendarEdit, CalendarRead, ChangeApprove,
    ChangeEdit, ChangeRead, ExceptionGrant, InboxRead, LedgerRead, OrganisationApply,
    OrganisationRead, PolicyActivate, PolicyRead, RoleGrant, StopLift, StopPull, TokenManage,
};

use super::{assets, pages};
use crate::route::Access::{AnyToken, Needs, Public};
use crate::route::Class::{Act, Bulk, Follow, Light, Read};
use crate::route::Route;

/// The rows of the pages.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = looking();
    routes.extend(coming_in());
    routes.extend(overseeing());
    routes.extend(calendar());
    routes.extend(acting());
    routes.extend(of_two());
    routes.extend(own());
    routes.extend(disturbed::routes());
    routes
}

fn looking() -> Vec<Route> {
    vec![
        Route::get("/", AnyToken, Read, pages::flow::show)
            .about("What goes through the gates now."),
        Route::get("/changes", Needs(ChangeRead), Read, pages::changes::show)
            .about("Changes as list or board."),
        Route::get("/changes/{number}", Needs(ChangeRead), Read, pages::change::show)
            .about("One change."),
        Route::get(
            "/changes/{number}/evidence/{at}",
            Needs(ChangeRead),
            Read,
            pages::change::evidence,
        )
        .about("One piece of a change's evidence; that it was opened is recorded."),
        Route::get("/changes/together", Needs(ChangeRead), Read, pages::together::show)
            .about("What may be approved together."),
        Route::get("/services", Needs(OrganisationRead), Read, pages::services::show)
            .about("The catalogue, versions, the graph."),
        Route::get("/services/{*name}", Needs(OrganisationRead), Read, pages::services::one::show)
            .about("One service."),
        Route::get("/calendar", Needs(CalendarRead), Read, pages::calendar::show)
            .about("Windows, deployments, stops and exceptions."),
        Route::get(
            "/calendar/feed/{file}",
            Public("the address holds the credential"),
            Read,
            pages::calendar::feed,
        )
        .about("The calendar for programs that follow an address."),
        Route::get(
            "/exceptions/new",
            Needs(ExceptionGrant),
            Read,
            pages::calendar::exceptions::form,
        )
        .about("The form of an exception, with what it would let through."),
        Route::get("/stops/new", Needs(StopPull), Read, pages::calendar::new_stop)
            .about("Prepare to stop the line."),
    ]
}

fn coming_in() -> Vec<Route> {
    vec![
        Route::get("/login", Public("who is not in has to come in"), Read, pages::login::show)
            .about("Come in."),
        Route::get(
            "/enrol",
            Public("who has no password yet cannot come in"),
            Light,
            pages::login::enrol,
        )
        .about("Set a first password."),
        Route::get("/device", AnyToken, Read, pages::login::device).about("Let a command line in."),
        Route::get("/confirm", AnyToken, Read, pages::login::confirm)
            .about("Prove again who one is."),
        Route::get("/me/second-factor", AnyToken, Read, pages::factor::show)
            .about("A device that gives one-time codes."),
        Route::get("/notifications", AnyToken, Read, pages::notifications::show)
            .about("What waits for the person who looks."),
        Route::get("/proposals", AnyToken, Read, pages::proposals::show)
            .about("What waits for a second person."),
        Route::get("/me", AnyToken, Read, pages::me::show).about("Who one is and what one may."),
        Route::get("/cab", Needs(ChangeRead), Read, pages::cab::show)
            .about("The agenda of the change advisory board."),
        Route::get("/numbers", Needs(ChangeRead), Read, pages::numbers::show)
            .about("Delivery and its governance in numbers."),
        Route::get("/numbers.csv", Needs(ChangeRead), Read, pages::numbers::export)
            .about("The same as comma-separated values."),
    ]
}

fn overseeing() -> Vec<Route> {
    vec![
        Route::get("/audit", Needs(LedgerRead), Read, pages::audit::show).about("The ledger."),
        Route::get("/audit/check", Needs(LedgerRead), Read, pages::audit::check)
            .about("Check a receipt in the browser."),
        Route::get("/audit/{index}", Needs(LedgerRead), Read, pages::audit::show_entry)
            .about("One entry with its proof."),
        Route::get("/policies", Needs(PolicyRead), Read, pages::policies::show)
            .about("The policy in force."),
        Route::get("/policies/decisions/{id}", Needs(PolicyRead), Read, pages::policies::decision)
            .about("A decision, and another policy to try on it."),
        Route::get("/admin", Needs(OrganisationRead), Read, pages::admin::show)
            .about("Links, inbox, installation."),
        Route::get("/admin/inbox", Needs(InboxRead), Read, pages::admin::inbox)
            .about("Deliveries and what became of them."),
        Route::get("/admin/inbox/{id}", Needs(InboxRead), Read, pages::admin::delivery)
            .about("One delivery as it came."),
        Route::get("/admin/outbox", Needs(InboxRead), Read, pages::admin::outbox)
            .about("What neighbours are told, and how their links fare."),
        Route::get("/admin/people", Needs(OrganisationRead), Read, pages::admin::people)
            .about("People, teams, roles."),
        Route::get("/admin/tokens", Needs(TokenManage), Read, pages::admin::tokens)
            .about("Tokens that are good."),
        Route::get("/admin/access", Needs(AccessExplain), Read, pages::admin::access)
            .about("Who may what, and why."),
        Route::get("/search", AnyToken, Read, pages::search::show).about("Search over everything."),
        Route::get("/live", AnyToken, Follow, pages::live::follow)
            .about("Says that something happened."),
        Route::get(
            "/assets/{mark}/{name}",
            Public("style and script hold no data"),
            Light,
            assets::show,
        )
        .about("Style sheet, script and picture."),
    ]
}

/// What keeps the calendar: windows, stops, exceptions.
fn calendar() -> Vec<Route> {
    vec![
        Route::get(
            "/calendar/windows/new",
            Needs(CalendarEdit),
            Read,
            pages::calendar::windows::form,
        )
        .about("Prepare a window, and look at what it would hold."),
        Route::get(
            "/calendar/windows/{name}",
            Needs(CalendarRead),
            Read,
            pages::calendar::windows::one,
        )
        .about("One window."),
        Route::get(
            "/calendar/windows/{name}/{event}",
            Needs(CalendarRead),
            Read,
            pages::calendar::windows::of_file,
        )
        .about("One event of a calendar file."),
        Route::post("/stops", Needs(StopPull), Act, pages::calendar::pull).about("Stop the line."),
        Route::post("/stops/{id}/lift", Needs(StopLift), Act, pages::calendar::lift)
            .about("Lift a stop."),
        Route::post(
            "/calendar/windows",
            Needs(CalendarEdit),
            Act,
            pages::calendar::windows::propose,
        )
        .about("Make or alter a window, or propose to."),
        Route::post(
            "/calendar/windows/{name}/end",
            Needs(CalendarEdit),
            Act,
            pages::calendar::windows::end,
        )
        .about("End a window, or propose to."),
        Route::post("/exceptions", Needs(ExceptionGrant), Act, pages::calendar::exceptions::grant)
            .about("Grant an exception."),
        Route::post(
            "/exceptions/{id}/revoke",
            Needs(ExceptionGrant),
            Act,
            pages::calendar::exceptions::revoke,
        )
        .about("Take an exception back."),
    ]
}

fn acting() -> Vec<Route> {
    vec![
        Route::post("/changes/{number}/vote", Needs(ChangeApprove), Act, pages::change::vote)
            .about("Say yes or no to a change."),
        Route::post("/changes/together", Needs(ChangeApprove), Act, pages::together::approve)
            .about("Say yes to several changes."),
        Route::post("/changes/{number}/comments", Needs(ChangeRead), Act, pages::change::comment)
            .about("Say something about a change."),
        Route::post("/policies/tests", Needs(PolicyRead), Bulk, pages::policies::test)
            .about("Run the tests of the policy in force; records nothing."),
        Route::post("/policies/decisions/{id}", Needs(PolicyRead), Act, pages::policies::judge)
            .about("Judge a decision by another policy; records nothing."),
        Route::post("/admin/tokens/{id}/revoke", Needs(TokenManage), Act, pages::admin::revoke)
            .about("Make a token void."),
        Route::post(
            "/admin/inbox/{id}/replay",
            Needs(OrganisationApply),
            Act,
            pages::admin::replay_delivery,
        )
        .about("Have a delivery read again."),
        Route::post(
            "/admin/links/{name}/replay",
            Needs(OrganisationApply),
            Act,
            pages::admin::replay,
        )
        .about("Owe anew what was given up."),
        Route::post(
            "/admin/links/{name}/pause",
            Needs(OrganisationApply),
            Act,
            pages::admin::pause,
        )
        .about("Send nothing by a link."),
        Route::post(
            "/admin/links/{name}/resume",
            Needs(OrganisationApply),
            Act,
            pages::admin::resume,
        )
        .about("Send by a link again."),
        Route::post("/login", Public("who is not in has to come in"), Act, pages::login::enter)
            .about("Come in."),
        Route::post(
            "/enrol",
            Public("who has no password yet cannot come in"),
            Act,
            pages::login::set_first,
        )
        .about("Set a first password."),
        Route::post("/device", AnyToken, Act, pages::login::confirm_device)
            .about("Let a command line in, or keep it out."),
        Route::post("/confirm", AnyToken, Act, pages::login::prove)
            .about("Prove again who one is."),
        Route::post("/logout", AnyToken, Act, pages::login::leave).about("Leave."),
        Route::post("/changes/{number}/act", AnyToken, Act, pages::change::act)
            .about("Cancel, close or review a change."),
        Route::post(
            "/changes/{number}/deployments/{deployment}/end",
            Needs(ChangeEdit),
            Act,
            pages::change::end_deployment,
        )
        .about("End a deployment of which no outcome is told, as failed."),
    ]
}

/// What two people decide together.
fn of_two() -> Vec<Route> {
    vec![
        Route::post("/proposals/roles", Needs(RoleGrant), Act, pages::proposals::propose_role)
            .about("Propose a role for another person."),
        Route::post(
            "/proposals/roles/{grant}/confirm",
            Needs(RoleGrant),
            Act,
            pages::proposals::confirm_role,
        )
        .about("Agree to a role."),
        Route::post(
            "/proposals/roles/{grant}/refuse",
            AnyToken,
            Act,
            pages::proposals::refuse_role,
        )
        .about("Refuse a role, or take one back."),
        Route::post(
            "/proposals/accounts/{who}/confirm",
            Needs(AccountManage),
            Act,
            pages::proposals::confirm_reset,
        )
        .about("Set an account back as somebody else asked, and show the code once."),
        Route::post(
            "/proposals/accounts/{who}/refuse",
            AnyToken,
            Act,
            pages::proposals::refuse_reset,
        )
        .about("Let nothing become of setting an account back."),
        Route::post(
            "/proposals/windows/{id}/confirm",
            AnyToken,
            Act,
            pages::calendar::agree::confirm,
        )
        .about("Agree to a change of the calendar."),
        Route::post(
            "/proposals/windows/{id}/refuse",
            AnyToken,
            Act,
            pages::calendar::agree::refuse,
        )
        .about("Refuse a change of the calendar, or take one back."),
        Route::post(
            "/proposals/plans/{plan}/confirm",
            Needs(PolicyActivate),
            Act,
            pages::proposals::confirm_plan,
        )
        .about("Agree to a change of what decides about changes."),
        Route::post("/proposals/plans/{plan}/refuse", AnyToken, Act, pages::proposals::refuse_plan)
            .about("Refuse a change of what decides about changes."),
        Route::post(
            "/proposals/emergencies/{id}/open",
            Needs(BreakGlass),
            Act,
            pages::proposals::open_glass,
        )
        .about("Open an emergency path."),
        Route::post(
            "/proposals/emergencies/{id}/refuse",
            Needs(BreakGlass),
            Act,
            pages::proposals::refuse_glass,
        )
        .about("Refuse an emergency path."),
    ]
}

/// What people do for themselves.
fn own() -> Vec<Route> {
    vec![
        Route::post("/me/second-factor/begin", AnyToken, Act, pages::factor::begin)
            .about("Begin to set a device up."),
        Route::post("/me/second-factor/confirm", AnyToken, Act, pages::factor::confirm)
            .about("Show that the device gives the right codes."),
        Route::post("/me/second-factor/remove", AnyToken, Act, pages::factor::remove)
            .about("Take the device away."),
        Route::post("/notifications/seen", AnyToken, Act, pages::notifications::seen)
            .about("Say that one has seen what waits."),
        Route::post("/views", AnyToken, Act, pages::notifications::save_view)
            .about("Keep a list with its filter."),
        Route::post("/views/remove", AnyToken, Act, pages::notifications::remove_view)
            .about("Forget a view."),
    ]
}
