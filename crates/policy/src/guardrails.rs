//! Guardrails: rules in YAML that change managers can read, compiled to Rego in package `sluice.rules`.
//!
//! ```yaml
//! guardrails:
//!   - name: payments-by-day
//!     when: { services: [payments], environment_tiers: [production] }
//!     steps:
//!       - if: business hours
//!         on_fail: wait
//!         message: payments go by day only
//!         pass_if: it were between 8 and 18
//!       - if: lines changed > 500
//!         risk: +20
//!       - if: risk is at least high
//!         on_pass: { require_approval: change-board }
//! ```
//!
//! A step whose condition cannot be read from the facts has failed. What a guardrail can do is to
//! speak against a change, to ask for approvals and to add risk: it never grants.

mod condition;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use self::file::{Actions, Conditions, Guardrail, Names, Points, Step, When, Word, read};
use crate::bundle::parse_module;
use crate::gate::MAX_MESSAGE_BYTES;
use crate::problem::Problem;

/// Most guardrails in one file.
const MAX_GUARDRAILS: usize = 200;
/// Most steps in one guardrail.
const MAX_STEPS: usize = 50;
/// Longest line of what is compiled, in bytes: the engine of the policy reads 1,024 columns.
const MAX_COLUMNS: usize = 1_000;
/// Bytes of a text that go into one line.
const PART: usize = 150;

/// What is looked at in an organisation's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rigour {
    /// Everything: they are about to be applied.
    New,
    /// What keeps them from judging: they were applied before, and mean what they meant then, whatever is refused by now.
    Recorded,
}

/// The modules that an organisation's files make: `.rego` as they are, all others as guardrails.
///
/// # Errors
///
/// Problems of guardrails that do not compile, and of two files that make one module.
pub fn modules(
    files: &BTreeMap<String, String>,
    rigour: Rigour,
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut modules = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, text) in files {
        if path.ends_with(".rego") {
            modules.insert(path.clone(), text.clone());
            continue;
        }
        let module = format!("{path}.rego");
        if rigour == Rigour::New && files.contains_key(&module) {
            problems.push(Problem::of_file(
                path,
                "guardrails",
                format!("`{module}` is what these guardrails are compiled to"),
                "give one of the two files another name",
            ));
        }
        match compile(path, text, rigour) {
            Ok(rego) => drop(modules.insert(module, rego)),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(modules) } else { Err(problems) }
}

/// Compiles a file of guardrails into the text of one Rego module.
///
/// # Errors
///
/// Every problem found: not YAML, unknown keys, empty names, conditions that are no expressions.
pub fn compile(path: &str, text: &str, rigour: Rigour) -> Result<String, Vec<Problem>> {
    let file = read(path, text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut rego = format!(
        "# Compiled from {}. Edit that file, not this.\npackage sluice.rules\n",
        path.replace(['\n', '\r'], " ")
    );
    let mut names = BTreeSet::new();
    if file.guardrails.len() > MAX_GUARDRAILS {
        problems.push(Problem::of_file(
            path,
            "guardrails",
            format!("at most {MAX_GUARDRAILS} guardrails go into one file"),
            "",
        ));
    }
    let prefix = prefix(path);
    for (index, guardrail) in file.guardrails.iter().enumerate() {
        let mut problem = |message: String, help: &str| {
            let (line, column) = find(text, &guardrail.name);
            problems.push(Problem {
                file: path.into(),
                line,
                column,
                code: "guardrails".into(),
                message,
                help: help.into(),
            });
        };
        if guardrail.name.is_empty()
            || guardrail.name.len() > 100
            || guardrail.name.chars().any(char::is_control)
        {
            problem("a guardrail needs a name of at most 100 characters".into(), "");
        }
        if !names.insert(guardrail.name.as_str()) {
            problem(
                format!("two guardrails are named `{}`", guardrail.name),
                "names are how reasons refer to them",
            );
        }
        if guardrail.steps.is_empty() || guardrail.steps.len() > MAX_STEPS {
            problem(
                format!("guardrail `{}` needs between 1 and {MAX_STEPS} steps", guardrail.name),
                "",
            );
        }
        match write_guardrail(&format!("g_{prefix}_{index}"), guardrail, rigour) {
            Ok(rules) if rules.lines().any(|line| line.len() > MAX_COLUMNS) => problem(
                format!("a name or a condition in guardrail `{}` is too long", guardrail.name),
                "each may have about 900 bytes: break a condition into several",
            ),
            Ok(rules) => rego.push_str(&rules),
            Err(found) => found.into_iter().for_each(|(message, help)| problem(message, help)),
        }
    }
    if problems.is_empty() { Ok(rego) } else { Err(problems) }
}

/// Whether every condition of a file is a phrase, so that nothing in what it is compiled to was written by others.
pub(crate) fn are_phrases(path: &str, text: &str) -> bool {
    let spoken = |step: &Step| {
        step.r#if
            .all()
            .iter()
            .all(|one| matches!(condition::translate(one, Rigour::New), Ok(Some(_))))
    };
    read(path, text).is_ok_and(|file| file.guardrails.iter().flat_map(|it| &it.steps).all(spoken))
}

fn write_guardrail(
    id: &str,
    guardrail: &Guardrail,
    rigour: Rigour,
) -> Result<String, Vec<(String, &'static str)>> {
    let mut problems = Vec::new();
    let mut out = format!("\n# {}\n", guardrail.name.replace(['\n', '\r'], " "));
    if !guardrail.description.is_empty() {
        for part in parts(&guardrail.description.replace(['\n', '\r'], " ")) {
            let _ = writeln!(out, "# {part}");
        }
    }
    let _ = writeln!(out, "{id}_covers if {{\n{}}}", scope(&guardrail.when));
    for (number, step) in guardrail.steps.iter().enumerate() {
        let holds = format!("{id}_{number}_holds");
        match conditions(step.r#if.all(), rigour) {
            Ok(body) => {
                let _ = writeln!(out, "\n{holds} if {{\n{body}}}");
            }
            Err(message) => problems.push((
                message,
                "a condition is a phrase such as `risk is at least high`, or an expression of Rego",
            )),
        }
        if texts(step).any(|text| text.len() > MAX_MESSAGE_BYTES) {
            problems.push((
                format!("a message of `{}` is too long", guardrail.name),
                "a message may have 2000 bytes",
            ));
        }
        if step.on_fail.is_none() && step.on_pass.is_none() && step.risk.is_none() {
            problems.push((
                format!("a step of `{}` does nothing", guardrail.name),
                "give it `on_fail`, `on_pass` or `risk`",
            ));
        }
        let writer = Writer {
            guardrail,
            step,
            covers: format!("{id}_covers"),
            id: format!("{id}_{number}"),
        };
        let fails = format!("not {holds}");
        let parts = [
            step.on_fail.as_ref().map(|actions| writer.actions("on_fail", actions, &fails)),
            step.on_pass.as_ref().map(|actions| writer.actions("on_pass", actions, &holds)),
            step.risk.as_ref().map(|points| writer.risk("risk", points, &holds)),
        ];
        for part in parts.into_iter().flatten() {
            match part {
                Ok(rules) => out.push_str(&rules),
                Err(message) => problems.push((message, "points are between -100 and +100")),
            }
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// What a step says to people.
fn texts(step: &Step) -> impl Iterator<Item = &String> {
    let listed = [&step.on_fail, &step.on_pass].into_iter().flatten();
    let listed = listed.filter_map(|actions| match actions {
        Actions::Listed(listed) => Some([&listed.deny, &listed.wait, &listed.note]),
        Actions::Word(_) => None,
    });
    [&step.message, &step.pass_if].into_iter().chain(listed.flatten()).flatten()
}

struct Writer<'a> {
    guardrail: &'a Guardrail,
    step: &'a Step,
    covers: String,
    /// Of this step alone, whatever the file.
    id: String,
}

impl Writer<'_> {
    fn actions(&self, of: &str, actions: &Actions, condition: &str) -> Result<String, String> {
        let mut out = String::new();
        match actions {
            Actions::Word(Word::Deny) => self.reason(&mut out, "deny", None, condition),
            Actions::Word(Word::Wait) => self.reason(&mut out, "wait", None, condition),
            Actions::Word(Word::Note) => self.reason(&mut out, "note", None, condition),
            Actions::Word(Word::Continue) => {}
            Actions::Listed(listed) => {
                for (effect, message) in
                    [("deny", &listed.deny), ("wait", &listed.wait), ("note", &listed.note)]
                {
                    if let Some(message) = message {
                        self.reason(&mut out, effect, Some(message), condition);
                    }
                }
                let rules = match &listed.require_approval {
                    Some(Names::One(rule)) => std::slice::from_ref(rule),
                    Some(Names::Many(rules)) => rules.as_slice(),
                    None => &[],
                };
                for rule in rules {
                    let _ = writeln!(
                        out,
                        "\nrequire contains {} if {{\n\t{}\n\t{condition}\n}}",
                        quoted(rule),
                        self.covers
                    );
                }
                if let Some(points) = &listed.risk {
                    out.push_str(&self.risk(of, points, condition)?);
                }
            }
        }
        Ok(out)
    }

    fn reason(&self, out: &mut String, effect: &str, message: Option<&str>, condition: &str) {
        let said = message.or(self.step.message.as_deref());
        let message = said.map_or_else(
            || format!("guardrail `{}` speaks against it", self.guardrail.name),
            str::to_owned,
        );
        let who: Vec<String> = self.step.who.iter().map(|who| quoted(who)).collect();
        let pass_if = self.step.pass_if.clone().unwrap_or_else(|| match &self.step.r#if {
            Conditions::One(one) => format!("this held: {one}"),
            Conditions::All(all) => format!("this held: {}", all.join(" and ")),
        });
        let _ = writeln!(
            out,
            "\n{effect} contains {{\n\t\"rule\": {},\n\t\"message\": {},\n\t\"who\": [{}],\n\t\"pass_if\": {}\n}} if {{\n\t{}\n\t{condition}\n}}",
            quoted(&format!("guardrail.{}", self.guardrail.name)),
            prose(&message),
            who.join(",\n\t\t"),
            prose(if effect == "note" { "" } else { &pass_if }),
            self.covers,
        );
    }

    /// Points are added up over a set, in which equal entries would be one: each says which part of which step it is.
    fn risk(&self, of: &str, points: &Points, condition: &str) -> Result<String, String> {
        let Some(number) = points.number() else {
            return Err(format!(
                "risk points of `{}` are no number between -100 and +100",
                self.guardrail.name
            ));
        };
        let because = self
            .step
            .message
            .clone()
            .unwrap_or_else(|| format!("guardrail {}", self.guardrail.name));
        Ok(format!(
            "\nrisk contains {{\n\t\"points\": {number},\n\t\"because\": {},\n\t\"of\": {}\n}} if {{\n\t{}\n\t{condition}\n}}\n",
            prose(&because),
            quoted(&format!("{} {of}", self.id)),
            self.covers
        ))
    }
}

fn scope(when: &When) -> String {
    let mut out = String::new();
    for (field, set) in [
        ("service", &when.services),
        ("team", &when.teams),
        ("service_tier", &when.service_tiers),
        ("environment", &when.environments),
        ("environment_tier", &when.environment_tiers),
    ] {
        if !set.is_empty() {
            let members: Vec<String> = set.iter().map(|member| quoted(member)).collect();
            let _ = writeln!(out, "\tinput.target.{field} in {{{}}}", members.join(",\n\t\t"));
        }
    }
    for (key, value) in &when.labels {
        let _ = writeln!(out, "\tinput.target.labels[{}] == {}", quoted(key), quoted(value));
    }
    if out.is_empty() { "\ttrue\n".into() } else { out }
}

fn conditions(all: &[String], rigour: Rigour) -> Result<String, String> {
    let mut out = String::new();
    for text in all {
        let expression = match condition::translate(text, rigour)? {
            Some(expression) => expression,
            None => checked(text)?,
        };
        let _ = writeln!(out, "\t{expression}");
    }
    if out.is_empty() { Err("a step needs a condition".into()) } else { Ok(out) }
}

/// An expression of Rego, as it stands: exactly one rule comes of it, whatever its brackets.
fn checked(text: &str) -> Result<String, String> {
    let text = text.trim();
    let module = format!("package condition\nholds if {{\n\t{text}\n}}\n");
    crate::scan::scan("condition", &module).map_err(|problem| problem.message)?;
    let parsed = parse_module("condition", &module).map_err(|error| {
        format!(
            "`{text}` is no condition: {}",
            crate::problem::plain_message(&format!("{error:#}"))
        )
    })?;
    if text.contains(['\n', '\r', '#']) || parsed.policy.len() != 1 || !parsed.imports.is_empty() {
        return Err(format!("`{text}` is more than one condition"));
    }
    Ok(text.to_owned())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text of people, over several lines where it is long.
fn prose(text: &str) -> String {
    if text.len() <= PART {
        return quoted(text);
    }
    let parts: Vec<String> = parts(text).map(quoted).collect();
    format!("concat(\"\", [\n\t\t{}\n\t])", parts.join(",\n\t\t"))
}

/// A text in parts that fit into a line, also where each letter of them is escaped.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART));
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// What the names of a file's own rules begin with: all files compile to one package, and no two may mean one rule.
fn prefix(path: &str) -> String {
    let digest = HEXLOWER.encode(&Sha256::digest(path));
    digest.chars().take(16).collect()
}

/// Where a name stands in the text, for problems that the reader has no place for.
fn find(text: &str, name: &str) -> (u32, u32) {
    let found = text
        .lines()
        .enumerate()
        .find_map(|(line, content)| content.find(name).map(|column| (line + 1, column + 1)));
    found.map_or((0, 0), |(line, column)| {
        (u32::try_from(line).unwrap_or(0), u32::try_from(column).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &str) -> String {
        format!("guardrails:\n  - name: one\n    steps:\n      - {step}\n")
    }

    #[test]
    fn unknown_keys_wrong_conditions_and_idle_steps_are_told() {
        for (text, expected) in [
            (step("{ if: business hours, on_fial: deny }"), "on_fial"),
            (step("{ if: \"input.x ==\", on_fail: deny }"), "is no condition"),
            (
                step("{ if: \"true }\\nallow if { true\", on_fail: deny }"),
                "is more than one condition",
            ),
            (step("{ if: business hours }"), "does nothing"),
            (step("{ if: business hours, risk: +1000 }"), "between -100 and +100"),
            ("guardrails: 7\n".to_owned(), ""),
        ] {
            let problems = compile("g.yaml", &text, Rigour::New).expect_err(&text);
            assert!(
                problems.iter().any(|problem| problem.message.contains(expected)),
                "{text}: {problems:?}"
            );
            assert!(problems.iter().all(|problem| problem.line > 0), "{text}: {problems:?}");
        }
    }

    #[test]
    fn a_guardrail_becomes_rules() {
        let rego = compile("g.yaml", &step("{ if: \"input.history.dependents < 3\", on_fail: { deny: too many, require_approval: [a, b] }, risk: +5 }"), Rigour::New)
            .expect("compiles");
        assert!(
            rego.contains(
                "deny contains {\n\t\"rule\": \"guardrail.one\",\n\t\"message\": \"too many\""
            ),
            "{rego}"
        );
        assert!(
            rego.contains("require contains \"b\"") && rego.contains("\"points\": 5"),
            "{rego}"
        );
    }
}
