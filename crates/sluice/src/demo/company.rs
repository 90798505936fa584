//! Acme Pay: the company of `examples/acme`, its secrets and its people's tokens.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sluice_core::ids::PersonId;
use sluice_core::organisation::SecretRef;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::{Caller, CallerKind, Client, Engine, NewSession, NewToken, Secrets};

use crate::failure::{Failure, chain};

/// The files of the company.
pub(super) const FILES: &[(&str, &str)] = &[
    ("sluice.yaml", include_str!("../../../../examples/acme/sluice.yaml")),
    ("people.yaml", include_str!("../../../../examples/acme/people.yaml")),
    ("rules.yaml", include_str!("../../../../examples/acme/rules.yaml")),
    ("links.yaml", include_str!("../../../../examples/acme/links.yaml")),
    ("trust.yaml", include_str!("../../../../examples/acme/trust.yaml")),
    ("services/payments.yaml", include_str!("../../../../examples/acme/services/payments.yaml")),
    (
        "services/storefront.yaml",
        include_str!("../../../../examples/acme/services/storefront.yaml"),
    ),
    (
        "services/search/catalog-info.yaml",
        include_str!("../../../../examples/acme/services/search/catalog-info.yaml"),
    ),
    ("calendar/windows.yaml", include_str!("../../../../examples/acme/calendar/windows.yaml")),
    ("calendar/year-end.ics", include_str!("../../../../examples/acme/calendar/year-end.ics")),
    ("policies/acme.rego", include_str!("../../../../examples/acme/policies/acme.rego")),
    ("policies/acme_test.rego", include_str!("../../../../examples/acme/policies/acme_test.rego")),
    (
        "policies/guardrails.yaml",
        include_str!("../../../../examples/acme/policies/guardrails.yaml"),
    ),
];

/// Secrets for a demonstration on a loopback address: made of their names, worth nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoSecrets;

impl Secrets for DemoSecrets {
    fn find(&self, reference: &SecretRef) -> Option<Vec<u8>> {
        match reference {
            SecretRef::Env(name) => Some(secret(name)),
            SecretRef::File(_) | SecretRef::Stored(_) => None,
        }
    }
}

/// The demonstration's secret of a name.
pub(super) fn secret(name: &str) -> Vec<u8> {
    format!("demo secret of {name}, not for use").into_bytes()
}

/// The files as the API takes them, with one more where it is given.
pub(super) fn folder(more: Option<(&str, String)>) -> Value {
    let mut files: BTreeMap<&str, String> =
        FILES.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
    files.extend(more);
    json!({"files": files, "source": "sluice demo"})
}

/// A person logs in: the demonstration stands in for their password.
pub(super) async fn person(engine: &Engine, handle: &str) -> Result<String, Failure> {
    let unknown = || Failure::new(format!("`{handle}` is not declared"), "report this");
    session(engine, engine.person_by_handle(handle).ok_or_else(unknown)?).await
}

/// The same for a person by their id.
pub(super) async fn session(engine: &Engine, person: PersonId) -> Result<String, Failure> {
    let new = NewSession {
        person,
        client: Client::Cli,
        methods: ["demo".to_owned()].into(),
        auth_time: None,
        narrowed_to: None,
        groups: None,
    };
    let opened = engine.open_session(new).await;
    opened
        .map(|opened| opened.value.secret)
        .map_err(|error| Failure::new(chain(&error), "report this"))
}

/// The token of the company's pipelines.
pub(super) async fn pipeline(engine: &Engine, admin: &Caller) -> Result<String, Failure> {
    let permissions = BTreeSet::from([
        Permission::GateEvaluate,
        Permission::GateRedeem,
        Permission::DeploymentReport,
    ]);
    token(engine, admin, machine("demo: pipelines", permissions)).await
}

/// A token for whoever looks at the demonstration: everything a machine may have.
pub(super) async fn visitor(engine: &Engine) -> Result<String, Failure> {
    let console = engine.standing().access.console.iter().next().cloned();
    let id = console.ok_or_else(|| Failure::new("nobody stood at the console", "report this"))?;
    let permissions: BTreeSet<Permission> =
        Permission::ALL.iter().copied().filter(|one| !one.is_for_people()).collect();
    let administrator = Caller::machine(id, permissions.clone(), Scope::default());
    token(engine, &administrator, machine("demo: visitor", permissions)).await
}

fn machine(label: &str, permissions: BTreeSet<Permission>) -> NewToken {
    NewToken {
        label: label.to_owned(),
        kind: CallerKind::Pipeline,
        person: None,
        permissions,
        scope: Scope::default(),
        expires_in_hours: 24 * 60,
    }
}

async fn token(engine: &Engine, admin: &Caller, new: NewToken) -> Result<String, Failure> {
    let made = engine.create_token(admin, new).await;
    made.map(|made| made.value.secret).map_err(|error| Failure::new(chain(&error), "report this"))
}

/// Accounts for people who log in with a browser: handle and password. Made at the console of the installation: of people
/// whose accounts went through the hands of anybody else, no two count as two for a week.
pub(super) async fn accounts(
    engine: &Engine,
    administrator: &Caller,
    handles: &[&str],
    password: &str,
) -> Result<(), Failure> {
    let failed = |error: sluice_engine::EngineError| Failure::new(chain(&error), "report this");
    for handle in handles {
        let Some(person) = engine.person_by_handle(handle) else { continue };
        let made = engine.create_account(administrator, &person).await.map_err(failed)?;
        let code = made.value.code;
        engine.enrol(handle, &code, password.to_owned(), None).await.map_err(failed)?;
    }
    Ok(())
}
