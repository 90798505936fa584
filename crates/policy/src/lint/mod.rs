//! Lints.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query, Rule, RuleHead};

use crate::syntax;

/// Names that the statements of a query bind: `some x`, `x := ...`, `every x`.
pub(crate) fn bound_names(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(|var| var.text().to_owned())),
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
