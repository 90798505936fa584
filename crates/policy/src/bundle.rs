//! A bundle: named Rego modules with their data, parsed, checked, and known by its digest.
//!
//! The digest is over the sorted contents, so that equal bundles have equal digests whatever the
//! order or the machine. A bundle never changes; a changed text is another bundle.

use std::collections::BTreeMap;
use std::sync::Arc;

use regorus::unstable::{Module, Parser};
use regorus::{Engine, Source};
use sha2::{Digest as _, Sha256};

use crate::fault::Fault;
use crate::limits::{Limits, MAX_DATA_BYTES, MAX_MODULES};
use crate::problem::Problem;
use crate::{builtins, check, imports, json, keywords, memory, scan, worker};

/// What a bundle is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sources {
    /// Rego texts by path. A path that ends in `_test.rego` is a test.
    pub modules: BTreeMap<String, String>,
    /// The data document, as `data.*`; `null` where there is none.
    pub data: serde_json::Value,
}

impl Sources {
    /// Sources of these modules, without data.
    pub fn of<P: Into<String>, T: Into<String>>(
        modules: impl IntoIterator<Item = (P, T)>,
    ) -> Sources {
        let modules = modules.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Sources { modules, data: serde_json::Value::Null }
    }

    /// SHA-256 over the sorted contents, as `sha256:<hex>`.
    ///
    /// Each part is preceded by its length in bytes as eight bytes, so that no two lists run into each other.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        part(b"sluice policy bundle v1");
        for (path, text) in &self.modules {
            part(path.as_bytes());
            part(text.as_bytes());
        }
        part(canonical(&self.data).as_bytes());
        format!("sha256:{}", data_encoding::HEXLOWER.encode(&hash.finalize()))
    }
}

/// JSON with sorted keys. `serde_json` keeps objects sorted unless told otherwise; this does not rely on it.
fn canonical(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let sorted: BTreeMap<&String, &serde_json::Value> = fields.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(key, value)| {
                    format!("{}:{}", serde_json::Value::from(key.as_str()), canonical(value))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// A parsed and checked bundle. Cheap to clone.
#[derive(Clone)]
pub struct Bundle {
    inner: Arc<Inner>,
}

struct Inner {
    sources: Sources,
    digest: String,
    modules: Vec<Module>,
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("digest", &self.inner.digest).finish_non_exhaustive()
    }
}

impl Bundle {
    /// Parses and checks every module; tells every problem at once.
    ///
    /// # Errors
    ///
    /// Every problem found, with its place: too large or too deep, not Rego v1, a refused builtin,
    /// rules that need each other.
    pub fn parse(sources: Sources) -> Result<Bundle, Vec<Problem>> {
        before_parsing(&sources)?;
        let digest = sources.digest();
        match worker::run(worker::For::Desk, Limits::COMPILE.wall, move || {
            parse_on_worker(sources, digest)
        }) {
            Ok(result) => result,
            Err(lost) => Err(vec![Problem::of_file(
                "policy",
                "rego_parse_error",
                lost_message(&lost),
                "simplify it",
            )]),
        }
    }

    /// The digest of its contents, as `sha256:<hex>`.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// What it was made of.
    pub fn sources(&self) -> &Sources {
        &self.inner.sources
    }

    /// The syntax trees, in the order of their paths.
    pub(crate) fn modules(&self) -> &[Module] {
        &self.inner.modules
    }

    /// The rules as `data.package.rule`, each once.
    pub fn rules(&self) -> Vec<String> {
        check::rule_names(self.modules())
    }

    /// An engine with everything loaded, for queries and tests.
    pub(crate) fn engine(&self, with_tests: bool) -> anyhow::Result<Engine> {
        let mut engine = bare_engine()?;
        // Modules are in the order of their paths, as the texts are.
        for (module, path) in self.inner.modules.iter().zip(self.inner.sources.modules.keys()) {
            if with_tests || !path.ends_with("_test.rego") {
                engine.add_policy(path.clone(), imports::written_out(module))?;
            }
        }
        if self.inner.sources.data.is_object() {
            engine.add_data(json::read(&self.inner.sources.data))?;
        }
        Ok(engine)
    }
}

/// An engine without modules, with our builtins.
pub(crate) fn bare_engine() -> anyhow::Result<Engine> {
    let mut engine = Engine::new();
    engine.set_rego_v0(false);
    engine.set_strict_builtin_errors(false);
    for (name, arity, function) in builtins::table() {
        let function = *function;
        engine.add_extension(
            (*name).to_owned(),
            *arity,
            Box::new(move |args: Vec<regorus::Value>| function(&args)),
        )?;
    }
    engine.add_extension(
        builtins::NOW.to_owned(),
        0,
        Box::new(|_: Vec<regorus::Value>| Ok(builtins::now_ns())),
    )?;
    Ok(engine)
}

/// Why a worker gave nothing, in words.
pub(crate) fn lost_message(lost: &worker::Lost) -> String {
    match lost {
        worker::Lost::Late => "takes too long to read".into(),
        worker::Lost::Busy => "too many policies are being worked on".into(),
        worker::Lost::Panicked(message) => message.clone(),
    }
}

fn before_parsing(sources: &Sources) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    if sources.modules.len() > MAX_MODULES {
        let message = format!(
            "a bundle has at most {MAX_MODULES} modules, this has {}",
            sources.modules.len()
        );
        problems.push(Problem::of_file("policy", "too_many", message, ""));
    }
    if sources.data.to_string().len() > MAX_DATA_BYTES {
        problems.push(Problem::of_file(
            "data",
            "too_large",
            format!("data has more than {MAX_DATA_BYTES} bytes"),
            "",
        ));
    }
    problems.extend(sources.modules.iter().filter_map(|(path, text)| scan::scan(path, text).err()));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn parse_on_worker(sources: Sources, digest: String) -> Result<Bundle, Vec<Problem>> {
    let _memory = memory::Backstop::raise(Limits::COMPILE.memory_bytes);
    let mut modules = Vec::new();
    let mut problems = Vec::new();
    for (path, text) in &sources.modules {
        match parse_module(path, text) {
            Ok(module) => modules.push(module),
            Err(error) => problems.push(Problem::from_engine(path, "rego_parse_error", &error)),
        }
    }
    if problems.is_empty() {
        problems.extend(check::check(&modules));
    }
    if problems.is_empty() {
        Ok(Bundle { inner: Arc::new(Inner { sources, digest, modules }) })
    } else {
        problems.sort();
        Err(problems)
    }
}

/// Parses one text as Rego v1.
pub(crate) fn parse_module(path: &str, text: &str) -> anyhow::Result<Module> {
    let source = Source::from_contents(path.to_owned(), keywords::quoted(text))?;
    let mut parser = Parser::new(&source)?;
    parser.enable_rego_v1()?;
    parser.parse()
}

impl From<Fault> for Vec<Problem> {
    fn from(fault: Fault) -> Vec<Problem> {
        vec![Problem::of_file("policy", fault.code.as_str(), fault.message, "")]
    }
}
