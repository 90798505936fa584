//! Names: what a query binds, references to rules that are not there, imports that nobody uses.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query, Rule, RuleHead};

use super::{Subject, problem};
use crate::problem::Problem;
use crate::{check, syntax};

/// References into packages of the bundle that no rule answers.
pub(super) fn undefined(subject: &Subject<'_>) -> Vec<Problem> {
    let packages: BTreeSet<Vec<String>> =
        subject.modules.iter().map(|module| syntax::package(module)).collect();
    let rules: BTreeSet<Vec<String>> = subject
        .modules
        .iter()
        .flat_map(|module| {
            let package = syntax::package(module);
            module
                .policy
                .iter()
                .map(move |rule| package.iter().cloned().chain(syntax::rule_path(rule)).collect())
        })
        .collect();
    let mut problems = Vec::new();
    for module in &subject.modules {
        for rule in &module.policy {
            syntax::each_expr(rule, &mut |expr| {
                let (Expr::RefDot { .. } | Expr::RefBrack { .. }) = expr else { return };
                let path = syntax::path(expr);
                let Some((root, path)) = path.split_first() else { return };
                let has_data =
                    subject.bundle.sources().data.as_object().is_some_and(|data| !data.is_empty());
                if root != "data" || path.is_empty() || has_data {
                    return;
                }
                let known = (1..=path.len())
                    .any(|length| path.get(..length).is_some_and(|start| rules.contains(start)))
                    || packages.iter().any(|package| package.starts_with(path));
                let ours = packages.iter().any(|package| path.starts_with(package));
                if ours && !known {
                    let message = format!(
                        "nothing is named `data.{}`, so this is always undefined",
                        path.join(".")
                    );
                    problems.push(problem(
                        module,
                        expr.span(),
                        "undefined_reference",
                        message,
                        "check the name of the rule and its package",
                    ));
                }
            });
        }
    }
    problems
}

/// Imports of data that no rule refers to.
pub(super) fn unused_imports(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for module in &subject.modules {
        let mut used: BTreeSet<String> = BTreeSet::new();
        for rule in &module.policy {
            syntax::each_expr(rule, &mut |expr| match expr {
                Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                    used.extend(syntax::path(expr).into_iter().next())
                }
                Expr::Call { fcn, .. } => used.extend(syntax::path(fcn).into_iter().next()),
                _ => {}
            });
        }
        let imports = check::imports(module);
        for import in &module.imports {
            let name = import
                .r#as
                .as_ref()
                .map(|alias| alias.text().to_owned())
                .or_else(|| syntax::path(&import.refr).pop());
            if let Some(name) =
                name.filter(|name| imports.contains_key(name) && !used.contains(name))
            {
                let message = format!("import `{name}` is not used");
                problems.push(problem(
                    module,
                    &import.span,
                    "unused_import",
                    message,
                    "take it out",
                ));
            }
        }
    }
    problems
}

/// Names that the statements of a query bind: `some x`, `x := ...`, `every x`.
pub(crate) fn bound_names(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                names.extend(vars.iter().map(|var| var.text().to_owned()))
            }
            Literal::SomeIn { key, value, .. } => {
                key.iter().for_each(|key| variables(key, &mut names));
                variables(value, &mut names);
            }
            Literal::Every { key, value, query: body, .. } => {
                names.extend(key.iter().map(|key| key.text().to_owned()));
                names.insert(value.text().to_owned());
                names.extend(bound_names(body));
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = &**expr {
                    variables(lhs, &mut names);
                }
            }
            Literal::NotExpr { .. } => {}
        }
    }
    names
}

/// Names of a function's parameters.
pub(crate) fn parameter_names(rule: &Rule) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match rule {
        Rule::Spec { head: RuleHead::Func { args, .. }, .. } | Rule::Default { args, .. } => {
            args.iter().for_each(|arg| variables(arg, &mut names));
        }
        Rule::Spec { .. } => {}
    }
    names
}

fn variables(pattern: &Expr, names: &mut BTreeSet<String>) {
    syntax::expr(pattern, &mut |expr| {
        if let Expr::Var { span, .. } = expr {
            names.insert(span.text().to_owned());
        }
    });
}
