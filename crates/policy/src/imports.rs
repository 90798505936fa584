//! What is written out before a module is loaded into the tree walker. Lines stay where they are.
//!
//! The tree walker evaluates an imported package once, before `with` replaces anything, so that
//! `gate.verdict with input as facts` would speak of other facts. References over an import are therefore
//! written out in full before a module is loaded. Lines stay where they are.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Module};

use crate::{builtins, lint, syntax};

/// The text of a module with imported names of `data` and output arguments written out.
pub(crate) fn written_out(module: &Module) -> String {
    let text = module.package.span.source.contents();
    let imports = crate::check::imports(module);
    let mut places: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for rule in &module.policy {
        let mut hidden: BTreeSet<String> = lint::parameter_names(rule);
        syntax::each_query(rule, &mut |query| hidden.extend(lint::bound_names(query)));
        let mut note = |reference: &Expr| {
            let Some(Expr::Var { span, .. }) = base(reference) else { return };
            let name = span.text();
            if let (Some(path), false) = (imports.get(name), hidden.contains(name)) {
                places.insert(span.start as usize, (span.end as usize, full(path)));
            }
        };
        syntax::each_expr(rule, &mut |expr| match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => note(expr),
            Expr::Call { fcn, .. } => note(fcn),
            _ => {}
        });
        syntax::each_query(rule, &mut |query| {
            query
                .stmts
                .iter()
                .flat_map(|statement| &statement.with_mods)
                .for_each(|modifier| note(&modifier.refr));
        });
        syntax::each_query(rule, &mut |query| {
            query.stmts.iter().for_each(|statement| output(&statement.literal, text, &mut places));
        });
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for (start, (end, instead)) in places {
        // What lies within something already replaced stays as that has it.
        if start >= done {
            out.push_str(text.get(done..start).unwrap_or(""));
            out.push_str(&instead);
            done = end;
        }
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}

fn full(path: &[String]) -> String {
    let parts: Vec<String> =
        path.iter().map(|part| format!("[{}]", serde_json::Value::from(part.as_str()))).collect();
    format!("data{}", parts.concat())
}

/// Turns `f(x, y)` into `y = f(x)` where `f` is a builtin of ours that takes one argument.
fn output(literal: &Literal, text: &str, places: &mut BTreeMap<usize, (usize, String)>) {
    let Literal::Expr { expr, .. } = literal else { return };
    let Expr::Call { span, fcn, params, .. } = &**expr else { return };
    let name = syntax::path(fcn).join(".");
    let ours = builtins::table()
        .any(|(known, arity, _)| *known == name && params.len() == usize::from(*arity) + 1);
    let (Some(last), true) = (params.last(), ours) else { return };
    // Spans of texts leave out their quotes, so the places are found by what surrounds the argument.
    let (start, from, to) =
        (span.start as usize, last.span().start as usize, last.span().end as usize);
    let (Some(before), Some(after)) = (text.get(start..from), text.get(to..)) else { return };
    let (Some(comma), Some(close)) = (before.rfind(','), after.find(')')) else { return };
    let (Some(call), Some(answer)) = (before.get(..comma), text.get(start + comma + 1..to + close))
    else {
        return;
    };
    places.insert(start, (to + close, format!("{answer} = {call}")));
}

fn base(reference: &Expr) -> Option<&Expr> {
    match reference {
        Expr::Var { .. } => Some(reference),
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => base(refr),
        _ => None,
    }
}
