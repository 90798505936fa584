//! The tests of the policy in force: their texts, and how they end over it. Nothing is recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use sluice_core::organisation::PolicyFormat;
use sluice_policy::{Bundle, TestResult};

use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};

/// How long all of them may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the tests of the policy in force end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    /// Each of them.
    Ran(Vec<TestResult>),
    /// They do not go together with the policy: every problem, in words.
    Unsound(Vec<String>),
}

impl Engine {
    /// The tests that stand beside the own modules of the policy in force, as far as their texts are kept: path and
    /// text. Blocking.
    pub fn policy_tests(&self) -> Result<Vec<(String, String)>, EngineError> {
        let standing = self.standing();
        let files = standing.organisation.policy_files.values();
        let mut tests = Vec::new();
        for file in files.filter(|file| file.format == PolicyFormat::RegoTest) {
            let blob = self.read(|readers| readers.blob(file.digest.as_str()))?;
            let text = blob.and_then(|blob| String::from_utf8(blob.bytes).ok());
            tests.extend(text.map(|text| (file.path.clone(), text)));
        }
        Ok(tests)
    }

    /// Runs them over the policy in force. Blocking.
    pub fn test_policy(&self) -> Result<Tested, EngineError> {
        let standing = self.standing();
        let own = standing.policy.as_ref().map(|in_force| self.own_modules(in_force));
        let own = own.transpose().map_err(Unavailable::ledger)?.unwrap_or_default();
        let tests = self.policy_tests()?;
        let mut files: BTreeMap<String, String> =
            own.into_iter().map(|(path, _, text)| (path, text)).collect();
        files.extend(tests.iter().cloned());
        let bundle = sluice_policy::gate::recorded_sources(&files).and_then(Bundle::parse);
        let bundle = match bundle {
            Ok(bundle) => bundle,
            Err(problems) => {
                let told = problems.iter().map(ToString::to_string);
                return Ok(Tested::Unsound(told.collect()));
            }
        };
        let now_ns = i64::try_from(self.now().as_nanosecond()).unwrap_or(i64::MAX);
        let mut results = sluice_policy::test(&bundle, now_ns, PATIENCE);
        results.retain(|result| tests.iter().any(|(path, _)| *path == result.file));
        Ok(Tested::Ran(results))
    }
}
