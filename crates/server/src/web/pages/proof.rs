//! Proving again who one is, before what needs it: by a password here, or at the provider one came by.

use crate::app::App;
use crate::web::page::address;
use crate::web::visit::Visit;

/// The ways in which the person who looks can prove again who they are.
pub(crate) struct Proving {
    /// Whether they have a password here.
    pub(crate) password: bool,
    /// Their providers: title and address.
    pub(crate) elsewhere: Vec<(String, String)>,
}

impl Proving {
    /// All ways there are; by a provider they come back to `to`.
    pub(crate) fn ways(visit: &Visit, to: &str) -> Self {
        let accounts = &visit.standing.access.accounts;
        let account = visit.caller.person.as_ref().and_then(|person| accounts.get(person));
        let password = account.is_some_and(|account| account.factors.contains("password"));
        Self { password, elsewhere: providers(&visit.app, to, true) }
    }

    /// The ways, where the last proof is too old to decide on production, or was refused as too old.
    pub(crate) fn owed(visit: &Visit, to: &str, refused: bool) -> Option<Self> {
        (refused || is_old(visit)).then(|| Self::ways(visit, to))
    }
}

/// Whether the person who looks proved too long ago who they are.
fn is_old(visit: &Visit) -> bool {
    let session = visit.caller.session.as_ref();
    session.is_some_and(|session| {
        let until = session.auth_time.saturating_add(sluice_engine::RECENT);
        until.is_ok_and(|until| until < visit.now)
    })
}

/// The doors of the providers: title and address. A `fresh` one asks again although the provider knows the person.
pub(crate) fn providers(app: &App, to: &str, fresh: bool) -> Vec<(String, String)> {
    let fresh = if fresh { "true" } else { "" };
    let start = |name: &str| {
        address("/auth/oidc/start", &[("provider", name), ("then", to), ("fresh", fresh)])
    };
    app.options.providers.iter().map(|it| (it.title.clone(), start(&it.name))).collect()
}
