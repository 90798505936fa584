//! Which bundles the register machine may answer.
//!
//! The machine is three times as fast as the tree walker and reads some constructs differently: `else` after
//! an iteration, functions with defaults, references into the tree of rules, conflicts of values. The
//! conformance test compares both on every case that is plain by the rules below.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Query, Rule, RuleHead};

use crate::bundle::Bundle;
use crate::syntax;

/// Whether everything in the bundle, its tests aside, is known to mean the same to both engines.
pub(crate) fn is_plain(bundle: &Bundle) -> bool {
    if bundle.sources().data.as_object().is_some_and(|data| !data.is_empty()) {
        return false;
    }
    let modules = || {
        bundle.modules().iter().filter(|module| !crate::check::file(module).ends_with("_test.rego"))
    };
    let rules: BTreeSet<Vec<String>> = modules()
        .flat_map(|module| {
            let package = syntax::package(module);
            module
                .policy
                .iter()
                .map(move |rule| package.iter().cloned().chain(syntax::rule_path(rule)).collect())
        })
        .collect();
    let mut valued: BTreeMap<Vec<String>, u32> = BTreeMap::new();
    for module in modules() {
        let package = syntax::package(module);
        let foreign = module.imports.iter().any(|import| {
            !matches!(
                syntax::path(&import.refr).first().map(String::as_str),
                Some("rego" | "future")
            )
        });
        if foreign || !module.policy.iter().all(|rule| rule_is_plain(rule, &rules)) {
            return false;
        }
        for rule in module.policy.iter().filter(|rule| gives_a_value(rule)) {
            let name = package.iter().cloned().chain(syntax::rule_path(rule)).collect();
            *valued.entry(name).or_default() += 1;
        }
    }
    valued.values().all(|definitions| *definitions < 2)
}

fn rule_is_plain(rule: &Rule, rules: &BTreeSet<Vec<String>>) -> bool {
    let named = matches!(&**syntax::rule_ref(rule), Expr::Var { .. });
    let mut plain = named && head_is_plain(rule);
    syntax::each_query(rule, &mut |query| {
        plain &= query.stmts.iter().all(|statement| {
            statement.with_mods.is_empty()
                && !matches!(statement.literal, Literal::Every { .. } | Literal::SomeVars { .. })
        });
    });
    syntax::each_expr(rule, &mut |expr| {
        if let Expr::RefDot { .. } | Expr::RefBrack { .. } | Expr::Var { .. } = expr {
            let path = syntax::path(expr);
            if path.first().map(String::as_str) == Some("data") {
                plain &= path.get(1..).is_some_and(|path| rules.contains(path)) && is_static(expr);
            }
        }
        if let Expr::Call { fcn, .. } = expr {
            plain &= syntax::path(fcn).join(".") != "walk";
        }
    });
    plain
}

fn head_is_plain(rule: &Rule) -> bool {
    match rule {
        Rule::Default { args, value, .. } => {
            let mut constant = args.is_empty();
            syntax::expr(value, &mut |expr| {
                constant &= !matches!(
                    expr,
                    Expr::ArrayCompr { .. }
                        | Expr::SetCompr { .. }
                        | Expr::ObjectCompr { .. }
                        | Expr::Call { .. }
                );
            });
            constant
        }
        Rule::Spec { bodies, .. } => {
            let chained = bodies.iter().any(|body| body.is_else);
            let ambiguous = gives_a_value(rule) && bodies.iter().any(|body| iterates(&body.query));
            !chained && !ambiguous && bodies.len() < 2
        }
    }
}

/// Whether it is a complete rule or a function whose value is not `true` by its form.
fn gives_a_value(rule: &Rule) -> bool {
    let Rule::Spec { head: RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. }, .. } =
        rule
    else {
        return false;
    };
    assign.as_ref().is_some_and(|assign| {
        !matches!(&*assign.value, Expr::Bool { value: regorus::Value::Bool(true), .. })
    })
}

/// Whether a query may hold in more than one way.
fn iterates(query: &Query) -> bool {
    query.stmts.iter().any(|statement| match &statement.literal {
        Literal::SomeIn { .. } | Literal::SomeVars { .. } => true,
        Literal::Expr { expr, .. } => {
            let mut open = false;
            syntax::expr(expr, &mut |inner| {
                open |= matches!(inner, Expr::RefBrack { index, .. } if !matches!(&**index, Expr::String { .. } | Expr::Number { .. }));
            });
            open
        }
        Literal::NotExpr { .. } | Literal::Every { .. } => false,
    })
}

fn is_static(reference: &Expr) -> bool {
    match reference {
        Expr::Var { .. } => true,
        Expr::RefDot { refr, .. } => is_static(refr),
        _ => false,
    }
}
