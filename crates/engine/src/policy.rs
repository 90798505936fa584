//! The policy in force: compiled once for each bundle, found by the digest that the ledger names.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_core::facts::GateFacts;
use sluice_core::ids::Digest;
use sluice_core::organisation::PolicyFormat;
use sluice_core::organisation::event::PolicyActivated;
use sluice_core::standing::{PolicyInForce, Standing};
use sluice_core::verdict::{PolicyFault, Verdict};
use sluice_policy::{GatePolicy, Problem};
use sluice_store::Row;
use sluice_store::rows::BlobRow;

use crate::engine::Engine;

/// How many compiled bundles are kept: the one in force, and those that questions under way still judge by.
const KEPT: usize = 4;

/// Compiled bundles by digest.
#[derive(Default)]
pub(crate) struct Policies {
    compiled: Mutex<BTreeMap<Digest, Judge>>,
}

/// A bundle that judges, or the reason why it cannot.
#[derive(Clone)]
pub(crate) struct Judge {
    digest: Digest,
    policy: Result<Arc<GatePolicy>, PolicyFault>,
}

impl Judge {
    /// Digest of the bundle.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The policy itself, where it can be compiled.
    pub(crate) fn policy(&self) -> Option<&GatePolicy> {
        self.policy.as_deref().ok()
    }

    /// What the policy says of the facts.
    pub(crate) fn judge(&self, facts: &GateFacts) -> Result<Verdict, PolicyFault> {
        self.policy.as_ref().map_err(Clone::clone)?.judge(facts)
    }
}

/// A bundle that has been compiled and may be activated.
pub(crate) struct Candidate {
    pub(crate) policy: Arc<GatePolicy>,
    pub(crate) digest: Digest,
    modules: BTreeMap<String, (Digest, Vec<u8>)>,
    /// Its tests, which do not judge: kept so that they can be read and run where it is in force.
    tests: Vec<(Digest, Vec<u8>)>,
}

impl Candidate {
    /// Compiles the shipped modules together with the organisation's (path, format, text).
    pub(crate) fn compile(own: &[(String, PolicyFormat, String)]) -> Result<Self, Vec<Problem>> {
        Self::with(own, GatePolicy::assemble)
    }

    /// The same of texts that are recorded as applied. What is refused in new files only goes on as it did, and is logged:
    /// a program that finds more than the one before it closes no gate by that.
    pub(crate) fn recorded(own: &[(String, PolicyFormat, String)]) -> Result<Self, Vec<Problem>> {
        let problems = match Self::compile(own) {
            Ok(candidate) => return Ok(candidate),
            Err(problems) => problems,
        };
        let candidate = Self::lenient(own)?;
        for problem in problems {
            tracing::warn!(%problem, "the policy in force has what no new files may have: it means what it did, mend it and apply");
        }
        Ok(candidate)
    }

    /// The same of texts that are recorded as applied, where nothing is to be said of what new files may not have.
    pub(crate) fn lenient(own: &[(String, PolicyFormat, String)]) -> Result<Self, Vec<Problem>> {
        Self::with(own, GatePolicy::assemble_recorded)
    }

    fn with(
        own: &[(String, PolicyFormat, String)],
        assemble: impl FnOnce(&BTreeMap<String, String>) -> Result<GatePolicy, Vec<Problem>>,
    ) -> Result<Self, Vec<Problem>> {
        let judging = own.iter().filter(|(_, format, _)| *format != PolicyFormat::RegoTest);
        let files: BTreeMap<String, String> =
            judging.map(|(path, _, text)| (path.clone(), text.clone())).collect();
        let policy = assemble(&files)?;
        let digest = Digest::parse(policy.digest())
            .map_err(|error| vec![Problem::of_file("", "bad_digest", error.to_string(), "")])?;
        let modules = own
            .iter()
            .filter(|(_, format, _)| *format != PolicyFormat::RegoTest)
            .map(|(path, format, text)| {
                let name = format!("{}:{path}", format_word(*format));
                (name, (Digest::of(text.as_bytes()), text.clone().into_bytes()))
            })
            .collect();
        let tests = own.iter().filter(|(_, format, _)| *format == PolicyFormat::RegoTest);
        let tests =
            tests.map(|(_, _, text)| (Digest::of(text.as_bytes()), text.clone().into_bytes()));
        Ok(Self { policy: Arc::new(policy), digest, modules, tests: tests.collect() })
    }

    /// The event that activates it, and the rows that keep its texts.
    pub(crate) fn activate(
        &self,
        replaces: Option<Digest>,
        now_us: i64,
    ) -> (PolicyActivated, Vec<Row>) {
        let event = PolicyActivated {
            bundle: self.digest.clone(),
            modules: self
                .modules
                .iter()
                .map(|(name, (digest, _))| (name.clone(), digest.clone()))
                .collect(),
            replaces,
        };
        (event, self.modules.values().map(|text| kept(text, now_us)).collect())
    }

    /// The rows that keep the texts of its tests, which may alter while the bundle stays the same.
    pub(crate) fn tests(&self, now_us: i64) -> Vec<Row> {
        self.tests.iter().map(|text| kept(text, now_us)).collect()
    }
}

fn kept((digest, bytes): &(Digest, Vec<u8>), now_us: i64) -> Row {
    Row::Blob(BlobRow {
        digest: digest.to_string(),
        media_type: "text/plain; charset=utf-8".into(),
        bytes: bytes.clone(),
        created_us: now_us,
    })
}

fn format_word(format: PolicyFormat) -> &'static str {
    match format {
        PolicyFormat::Rego => "rego",
        PolicyFormat::RegoTest => "rego_test",
        PolicyFormat::Guardrails => "guardrails",
    }
}

impl Policies {
    /// Keeps a compiled bundle at hand.
    pub(crate) fn keep(
        &self,
        digest: Digest,
        policy: Result<Arc<GatePolicy>, PolicyFault>,
        in_force: Option<&Digest>,
    ) {
        let mut compiled = self.compiled.lock();
        compiled.insert(digest.clone(), Judge { digest: digest.clone(), policy });
        while compiled.len() > KEPT {
            let old =
                compiled.keys().find(|kept| **kept != digest && Some(*kept) != in_force).cloned();
            let Some(old) = old else { break };
            compiled.remove(&old);
        }
    }

    fn find(&self, digest: &Digest) -> Option<Judge> {
        self.compiled.lock().get(digest).cloned()
    }
}

impl Engine {
    /// The policy that `standing` says is in force. One that cannot be compiled judges everything with a fault.
    pub(crate) fn judge(&self, standing: &Standing) -> Judge {
        let Some(in_force) = &standing.policy else { return no_policy() };
        if let Some(judge) = self.policies().find(&in_force.bundle) {
            return judge;
        }
        let policy = self.recompile(in_force);
        if let Err(fault) = &policy {
            tracing::error!(bundle = %in_force.bundle, %fault, "the policy in force cannot be compiled");
        }
        self.policies().keep(in_force.bundle.clone(), policy.clone(), Some(&in_force.bundle));
        Judge { digest: in_force.bundle.clone(), policy }
    }

    /// Compiles a bundle from its recorded texts.
    fn recompile(&self, in_force: &PolicyInForce) -> Result<Arc<GatePolicy>, PolicyFault> {
        let fault = |message: String| PolicyFault { code: "policy_error".into(), message };
        let own = self.own_modules(in_force).map_err(fault)?;
        let candidate = Candidate::recorded(&own).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            fault(format!("{} problems, the first: {first}", problems.len()))
        })?;
        Ok(candidate.policy)
    }

    /// The organisation's own modules of a bundle, as recorded.
    pub(crate) fn own_modules(
        &self,
        in_force: &PolicyInForce,
    ) -> Result<Vec<(String, PolicyFormat, String)>, String> {
        let mut own = Vec::new();
        for (name, digest) in &in_force.modules {
            let (format, path) =
                name.split_once(':').ok_or_else(|| format!("`{name}` is no module"))?;
            let format = match format {
                "guardrails" => PolicyFormat::Guardrails,
                _ => PolicyFormat::Rego,
            };
            let blob = self.read(|readers| readers.blob(digest.as_str()));
            let blob = blob.map_err(|error| error.to_string())?;
            let bytes = blob.ok_or_else(|| format!("the text of `{path}` is not there"))?.bytes;
            let text = String::from_utf8(bytes).map_err(|_| format!("`{path}` is not text"))?;
            own.push((path.to_owned(), format, text));
        }
        Ok(own)
    }
}

fn no_policy() -> Judge {
    Judge {
        digest: Digest::of(b""),
        policy: Err(PolicyFault {
            code: "policy_undefined".into(),
            message: "no policy is in force".into(),
        }),
    }
}
