//! Grants by absence: `allow if count(deny) == 0` grants whenever the rules that deny are not there, do not
//! match, or fail. A grant has to hold because something is true.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, BoolOp, Expr, Literal, Query, Rule, RuleBody, RuleHead};

use super::{GRANTS, Subject, problem};
use crate::problem::Problem;
use crate::syntax;

const HELP: &str = "name what has to be true for the grant; denials stand on their own";

pub(super) fn lint(subject: &Subject<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for module in &subject.modules {
        for rule in &module.policy {
            let granted =
                syntax::rule_path(rule).first().is_some_and(|name| GRANTS.contains(&name.as_str()));
            if granted && grants_by_absence(rule) {
                let name = syntax::rule_path(rule).join(".");
                let message = format!(
                    "`{name}` grants because nothing speaks against it, not because something speaks for it"
                );
                problems.push(problem(module, rule.span(), "grant_by_absence", message, HELP));
            }
        }
    }
    problems
}

fn grants_by_absence(rule: &Rule) -> bool {
    match rule {
        Rule::Default { value, .. } => {
            matches!(&**value, Expr::Bool { value: regorus::Value::Bool(true), .. })
        }
        Rule::Spec { head, bodies, .. } => {
            let value = match head {
                RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => {
                    assign.as_ref().map(|assign| &*assign.value)
                }
                RuleHead::Set { .. } => None,
            };
            if matches!(value, Some(Expr::Bool { value: regorus::Value::Bool(false), .. })) {
                return false;
            }
            let own = value.is_some_and(|value| is_absence(value, &BTreeSet::new()));
            let filled = |body: &&RuleBody| !body.query.stmts.is_empty();
            match bodies.iter().filter(filled).count() {
                0 => {
                    own || matches!(
                        value,
                        Some(Expr::Bool { value: regorus::Value::Bool(true), .. })
                    )
                }
                _ => bodies.iter().filter(filled).any(|body| only_absence(&body.query)),
            }
        }
    }
}

/// Whether every statement that decides only says that something is absent.
fn only_absence(query: &Query) -> bool {
    let mut counts = BTreeSet::new();
    for statement in &query.stmts {
        if let Literal::Expr { expr, .. } = &statement.literal
            && let Expr::AssignExpr { op: AssignOp::ColEq | AssignOp::Eq, lhs, rhs, .. } = &**expr
            && let Expr::Var { span, .. } = &**lhs
            && is_count(rhs)
        {
            counts.insert(span.text().to_owned());
        }
    }
    query.stmts.iter().all(|statement| match &statement.literal {
        Literal::NotExpr { .. } | Literal::SomeVars { .. } => true,
        Literal::Expr { expr, .. } => match &**expr {
            Expr::AssignExpr { op: AssignOp::ColEq, rhs, .. } => {
                is_count(rhs) || !refers_to_anything(rhs)
            }
            Expr::Bool { value: regorus::Value::Bool(true), .. } => true,
            other => is_absence(other, &counts),
        },
        Literal::SomeIn { .. } | Literal::Every { .. } => false,
    })
}

/// `count(x) == 0`, `count(x) < 1`, `x == set()`, `n == 0` for a count `n`.
fn is_absence(expr: &Expr, counts: &BTreeSet<String>) -> bool {
    let counted = |expr: &Expr| {
        is_count(expr) || matches!(expr, Expr::Var { span, .. } if counts.contains(span.text()))
    };
    match expr {
        Expr::BoolExpr { op, lhs, rhs, .. } => match op {
            BoolOp::Eq => {
                counted(lhs) && is_number(rhs, 0)
                    || counted(rhs) && is_number(lhs, 0)
                    || is_empty(lhs)
                    || is_empty(rhs)
            }
            BoolOp::Lt => counted(lhs) && is_number(rhs, 1),
            BoolOp::Le => counted(lhs) && is_number(rhs, 0),
            BoolOp::Gt => counted(rhs) && is_number(lhs, 1),
            BoolOp::Ge => counted(rhs) && is_number(lhs, 0),
            BoolOp::Ne => false,
        },
        Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
            counted(lhs) && is_number(rhs, 0)
                || counted(rhs) && is_number(lhs, 0)
                || is_empty(lhs)
                || is_empty(rhs)
        }
        _ => false,
    }
}

fn is_count(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { fcn, .. } if syntax::path(fcn) == ["count"])
}

fn is_number(expr: &Expr, wanted: u64) -> bool {
    matches!(expr, Expr::Number { value, .. } if value.as_u64().is_ok_and(|number| number == wanted))
}

fn is_empty(expr: &Expr) -> bool {
    match expr {
        Expr::Call { fcn, params, .. } => params.is_empty() && syntax::path(fcn) == ["set"],
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.is_empty(),
        Expr::Object { fields, .. } => fields.is_empty(),
        _ => false,
    }
}

fn refers_to_anything(expr: &Expr) -> bool {
    let mut any = false;
    syntax::expr(expr, &mut |inner| {
        any |= matches!(inner, Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. })
    });
    any
}
