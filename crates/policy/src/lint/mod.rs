//! Lints: what is Rego, and still no good policy.
//!
//! Each lint has a name, speaks with a place, and says what to write instead.

mod absence;
mod defaults;
mod names;

use regorus::unstable::Module;

use crate::bundle::Bundle;
use crate::problem::Problem;

pub(crate) use names::{bound_names, parameter_names};

/// What a lint looks at.
struct Subject<'b> {
    bundle: &'b Bundle,
    modules: Vec<&'b Module>,
}

type Lint = fn(&Subject<'_>) -> Vec<Problem>;

/// Every lint by its name.
const LINTS: &[(&str, Lint)] = &[
    ("grant_by_absence", absence::lint),
    ("grant_without_default", defaults::lint),
    ("undefined_reference", names::undefined),
    ("unused_import", names::unused_imports),
];

/// The names of all lints, in their order.
pub fn names() -> Vec<&'static str> {
    LINTS.iter().map(|(name, _)| *name).collect()
}

/// Everything that speaks against the bundle, by file and line. Test modules are not looked at.
pub fn lint(bundle: &Bundle) -> Vec<Problem> {
    let modules = bundle
        .modules()
        .iter()
        .filter(|module| !crate::check::file(module).ends_with("_test.rego"))
        .collect();
    let subject = Subject { bundle, modules };
    let mut problems: Vec<Problem> = LINTS.iter().flat_map(|(_, lint)| lint(&subject)).collect();
    problems.sort();
    problems.dedup();
    problems
}

/// Names of rules that grant.
const GRANTS: &[&str] = &[
    "allow",
    "allowed",
    "permit",
    "permitted",
    "grant",
    "granted",
    "grants",
    "authorize",
    "authorized",
    "approved",
    "pass",
];

fn problem(
    module: &Module,
    span: &regorus::unstable::Span,
    code: &str,
    message: String,
    help: &str,
) -> Problem {
    Problem {
        file: crate::check::file(module),
        line: span.line,
        column: span.col,
        code: code.into(),
        message,
        help: help.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::lint;
    use crate::bundle::{Bundle, Sources};

    fn check(body: &str, expected: &[(&str, u32)]) {
        let bundle =
            Bundle::parse(Sources::of([("p.rego", format!("package p\n{body}\n"))])).expect(body);
        let found: Vec<(String, u32)> =
            lint(&bundle).into_iter().map(|problem| (problem.code, problem.line)).collect();
        let expected: Vec<(String, u32)> =
            expected.iter().map(|(code, line)| ((*code).to_owned(), *line)).collect();
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn grants_by_absence_are_found_in_all_their_forms() {
        let absent = &[("grant_by_absence", 4)];
        let with =
            |rule: &str| format!("default allow := false\ndeny contains \"x\" if input.x\n{rule}");
        check(&with("allow if count(deny) == 0"), absent);
        check(&with("allow if 0 == count(deny)"), absent);
        check(&with("allow if count(deny) < 1"), absent);
        check(&with("allow if deny == set()"), absent);
        check(&with("allow if not deny[_]"), absent);
        check(&with("allow if { not deny[\"x\"] }"), absent);
        check(&with("allow := count(deny) == 0"), absent);
        check(&with("allow if { n := count(deny); n == 0 }"), absent);
    }

    #[test]
    fn a_grant_that_also_asks_for_something_stands() {
        check(
            "default allow := false\ndeny contains \"x\" if input.x\nallow if { input.caller.kind == \"pipeline\"; count(deny) == 0 }",
            &[],
        );
    }

    #[test]
    fn a_grant_by_default_and_one_without_are_found() {
        check("default allow := true\nallow := false if input.x", &[("grant_by_absence", 2)]);
        check("allow if input.x == 1", &[("grant_without_default", 2)]);
    }

    #[test]
    fn references_to_nothing_are_found() {
        check(
            "default allow := false\nallow if data.p.granted == input.x",
            &[("undefined_reference", 3)],
        );
        check(
            "import data.other\ndefault allow := false\nallow if input.x == 1",
            &[("unused_import", 2)],
        );
    }

    #[test]
    fn the_shipped_judgement_has_no_problems() {
        let bundle = Bundle::parse(crate::gate::shipped()).expect("parses");
        assert_eq!(lint(&bundle), []);
    }
}
