//! Walks over syntax trees: which expressions a rule has, what it calls, what it refers to.

use regorus::unstable::{
    Expr, Literal, Module, Query, Ref, Rule, RuleAssign, RuleBody, RuleHead, Span,
};

/// Calls `see` for every expression under a rule, parents first. The head's own name is no expression of it.
pub(crate) fn each_expr<'m>(rule: &'m Rule, see: &mut dyn FnMut(&'m Expr)) {
    match rule {
        Rule::Default { refr, args, value, .. } => {
            inside_ref(refr, see);
            args.iter().for_each(|arg| expr(arg, see));
            expr(value, see);
        }
        Rule::Spec { head, bodies, .. } => {
            match head {
                RuleHead::Compr { refr, assign, .. } => {
                    inside_ref(refr, see);
                    assigned(assign.as_ref(), see);
                }
                RuleHead::Set { refr, key, .. } => {
                    inside_ref(refr, see);
                    key.iter().for_each(|key| expr(key, see));
                }
                RuleHead::Func { refr, args, assign, .. } => {
                    inside_ref(refr, see);
                    args.iter().for_each(|arg| expr(arg, see));
                    assigned(assign.as_ref(), see);
                }
            }
            for RuleBody { assign, query: body, .. } in bodies {
                assigned(assign.as_ref(), see);
                query(body, see);
            }
        }
    }
}

/// What stands inside of a reference: its indices and, where it is no name, what it starts from.
fn inside_ref<'m>(reference: &'m Expr, see: &mut dyn FnMut(&'m Expr)) {
    match reference {
        Expr::Var { .. } => {}
        Expr::RefDot { refr, .. } => inside_ref(refr, see),
        Expr::RefBrack { refr, index, .. } => {
            inside_ref(refr, see);
            expr(index, see);
        }
        other => expr(other, see),
    }
}

fn assigned<'m>(assign: Option<&'m RuleAssign>, see: &mut dyn FnMut(&'m Expr)) {
    if let Some(assign) = assign {
        expr(&assign.value, see);
    }
}

/// Calls `see` for every expression of a query.
pub(crate) fn query<'m>(query: &'m Query, see: &mut dyn FnMut(&'m Expr)) {
    for statement in &query.stmts {
        literal(&statement.literal, see);
        for modifier in &statement.with_mods {
            inside_ref(&modifier.refr, see);
            expr(&modifier.r#as, see);
        }
    }
}

fn literal<'m>(literal: &'m Literal, see: &mut dyn FnMut(&'m Expr)) {
    match literal {
        Literal::SomeVars { .. } => {}
        Literal::SomeIn { key, value, collection, .. } => {
            key.iter().for_each(|key| expr(key, see));
            expr(value, see);
            expr(collection, see);
        }
        Literal::Expr { expr: inner, .. } | Literal::NotExpr { expr: inner, .. } => {
            expr(inner, see)
        }
        Literal::Every { domain, query: body, .. } => {
            expr(domain, see);
            query(body, see);
        }
    }
}

/// Calls `see` for an expression and all below it; a reference is seen once, as a whole.
pub(crate) fn expr<'m>(top: &'m Expr, see: &mut dyn FnMut(&'m Expr)) {
    see(top);
    match top {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|item| expr(item, see))
        }
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
            expr(key, see);
            expr(value, see);
        }),
        Expr::ArrayCompr { term, query: body, .. } | Expr::SetCompr { term, query: body, .. } => {
            expr(term, see);
            query(body, see);
        }
        Expr::ObjectCompr { key, value, query: body, .. } => {
            expr(key, see);
            expr(value, see);
            query(body, see);
        }
        Expr::Call { fcn, params, .. } => {
            inside_ref(fcn, see);
            params.iter().for_each(|param| expr(param, see));
        }
        Expr::UnaryExpr { expr: inner, .. } => expr(inner, see),
        Expr::RefDot { .. } | Expr::RefBrack { .. } => inside_ref(top, see),
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            expr(lhs, see);
            expr(rhs, see);
        }
        Expr::Membership { key, value, collection, .. } => {
            key.iter().for_each(|key| expr(key, see));
            expr(value, see);
            expr(collection, see);
        }
    }
}

/// The statements of a query, with those of the queries inside of it.
pub(crate) fn each_query<'m>(rule: &'m Rule, see: &mut dyn FnMut(&'m Query)) {
    if let Rule::Spec { bodies, .. } = rule {
        bodies.iter().for_each(|body| with_every(&body.query, see));
    }
    each_expr(rule, &mut |inner| match inner {
        Expr::ArrayCompr { query, .. }
        | Expr::SetCompr { query, .. }
        | Expr::ObjectCompr { query, .. } => with_every(query, see),
        _ => {}
    });
}

fn with_every<'m>(query: &'m Query, see: &mut dyn FnMut(&'m Query)) {
    see(query);
    for statement in &query.stmts {
        if let Literal::Every { query: inner, .. } = &statement.literal {
            with_every(inner, see);
        }
    }
}

/// The static start of a reference: `data.a.b[x].c` gives `data`, `a`, `b`.
pub(crate) fn path(reference: &Expr) -> Vec<String> {
    fn collect(reference: &Expr, parts: &mut Vec<String>) -> bool {
        match reference {
            Expr::Var { span, .. } => {
                parts.push(span.text().to_owned());
                true
            }
            Expr::RefDot { refr, field, .. } => {
                let whole = collect(refr, parts);
                if whole {
                    parts.push(field.0.text().to_owned());
                }
                whole
            }
            Expr::RefBrack { refr, index, .. } => {
                let whole = collect(refr, parts);
                match (&**index, whole) {
                    (Expr::String { value, .. }, true) => match value.as_string() {
                        Ok(text) => {
                            parts.push(text.to_string());
                            true
                        }
                        Err(_) => false,
                    },
                    _ => false,
                }
            }
            _ => false,
        }
    }
    let mut parts = Vec::new();
    collect(reference, &mut parts);
    parts
}

/// The package of a module: `["sluice", "gate"]`.
pub(crate) fn package(module: &Module) -> Vec<String> {
    path(&module.package.refr)
}

/// What a rule is called, with its static path inside the package.
pub(crate) fn rule_path(rule: &Rule) -> Vec<String> {
    path(rule_ref(rule))
}

/// The reference in a rule's head.
pub(crate) fn rule_ref(rule: &Rule) -> &Ref<Expr> {
    match rule {
        Rule::Default { refr, .. }
        | Rule::Spec {
            head:
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        } => refr,
    }
}

/// Where a span is: line and column.
pub(crate) fn place(span: &Span) -> (u32, u32) {
    (span.line, span.col)
}
