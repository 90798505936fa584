//! What a query consists of: its statements, each with its text, and the variables that its result names.

use std::collections::BTreeSet;

use regorus::Source;
use regorus::unstable::{BUILTINS, Expr, Lexer, Literal, LiteralStmt, Parser, Span, TokenKind};

use crate::builtins;

/// A query, taken apart.
pub(super) struct Shape {
    /// Its statements, in the order they are written in; declarations (`some x`) among them.
    pub(super) statements: Vec<Statement>,
    /// The variables that its result names.
    pub(super) variables: BTreeSet<String>,
    /// Whether a statement that is false leaves no result. One alone, without iteration, is told as false.
    pub(super) is_condition: bool,
}

/// A statement of a query.
pub(super) struct Statement {
    /// As it is written, its `with` included.
    pub(super) text: String,
    /// Where it begins, counted from 1.
    pub(super) place: (u32, u32),
    pub(super) role: Role,
}

/// What the result says of a statement.
pub(super) enum Role {
    /// Nothing: `some x`.
    Declares,
    /// That it holds.
    Holds,
    /// What its expression comes to: bytes of the text that are the expression, before its `with`.
    Value(usize),
}

/// A piece of the query's text: bytes, and where it begins.
struct Token {
    start: usize,
    end: usize,
    place: (u32, u32),
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Semicolon,
    End,
}

impl Shape {
    /// Parses a query.
    pub(super) fn of(text: &str) -> anyhow::Result<Self> {
        let source = Source::from_contents("query".into(), text.into())?;
        let tokens = tokens(&source)?;
        let mut seen = Seen::default();
        let mut statements = Vec::new();
        for statement in literals(&source, &tokens)? {
            seen.literal(&statement.literal);
            statements.extend(of_tokens(text, &tokens, &statement));
        }
        let said = statements.iter().filter(|one| !matches!(one.role, Role::Declares)).count();
        let is_condition = said > 1 || seen.iterates;
        Ok(Self { statements, variables: seen.variables, is_condition })
    }
}

/// Where a word first stands in a query.
pub(super) fn place_of(text: &str, word: &str) -> Option<(u32, u32)> {
    let source = Source::from_contents("query".into(), text.into()).ok()?;
    let tokens = tokens(&source).ok()?;
    tokens.iter().find(|token| text.get(token.start..token.end) == Some(word)).map(|one| one.place)
}

/// The statements of a query, which a semicolon or a new line parts. The engine's own reading of a whole query keeps the
/// first error to itself, and takes a union for a comprehension.
fn literals(source: &Source, tokens: &[Token]) -> anyhow::Result<Vec<LiteralStmt>> {
    let mut parser = Parser::new(source)?;
    parser.enable_rego_v1()?;
    let mut literals = Vec::new();
    loop {
        let statement = parser.parse_literal_stmt()?;
        let (last, after) = (last_of(tokens, &statement), after(tokens, &statement));
        literals.push(statement);
        match after {
            [next, end, ..] if next.kind == Kind::Semicolon => {
                parser.next_token()?;
                if end.kind == Kind::End {
                    return Ok(literals);
                }
            }
            [next, ..] if next.kind == Kind::Word => {
                if last.is_none_or(|last| last.place.0 == next.place.0) {
                    let (line, column) = next.place;
                    return Err(source.error(line, column, "expecting `;` or a new line"));
                }
            }
            _ => return Ok(literals),
        }
    }
}

/// The last token of a statement.
fn last_of<'a>(tokens: &'a [Token], statement: &LiteralStmt) -> Option<&'a Token> {
    let end = statement.span.end as usize;
    tokens.get(tokens.partition_point(|token| token.start < end).checked_sub(1)?)
}

/// What comes after a statement.
fn after<'a>(tokens: &'a [Token], statement: &LiteralStmt) -> &'a [Token] {
    let end = statement.span.end as usize;
    tokens.get(tokens.partition_point(|token| token.start < end)..).unwrap_or_default()
}

fn of_tokens(text: &str, tokens: &[Token], statement: &LiteralStmt) -> Option<Statement> {
    let first = token_at(tokens, &statement.span);
    let last = last_of(tokens, statement)?;
    let first = tokens.get(first)?;
    let whole = text.get(first.start..last.end)?;
    // Up to its `with`, without the space before it.
    let bare = match statement.with_mods.first() {
        Some(with) => {
            let with = tokens.get(token_at(tokens, &with.span))?;
            text.get(first.start..with.start)?.trim_end().len()
        }
        None => whole.len(),
    };
    let role = match &statement.literal {
        Literal::SomeVars { .. } => Role::Declares,
        Literal::Expr { expr, .. } if !holds_only(expr) => Role::Value(bare),
        _ => Role::Holds,
    };
    Some(Statement { text: whole.to_owned(), place: first.place, role })
}

/// Whether an expression has no value of its own: it binds, or gives its value to its last argument.
fn holds_only(expr: &Expr) -> bool {
    match expr {
        Expr::AssignExpr { .. } => true,
        Expr::Call { fcn, params, .. } => {
            arity(fcn.span().text()).is_some_and(|arity| params.len() == arity + 1)
        }
        _ => false,
    }
}

/// Arguments of a builtin.
fn arity(name: &str) -> Option<usize> {
    if name == "walk" {
        return Some(1);
    }
    let own = builtins::table().find(|(known, ..)| *known == name).map(|(_, arity, _)| *arity);
    own.or_else(|| BUILTINS.get(name).map(|(_, arity)| *arity)).map(usize::from)
}

/// The tokens of a query. The engine leaves out the quotes of texts.
fn tokens(source: &Source) -> anyhow::Result<Vec<Token>> {
    let mut lexer = Lexer::new(source);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_token()?;
        let (kind, span) = (token.0, token.1);
        let (mut start, mut end) = (span.start as usize, span.end as usize);
        let (line, mut column) = (span.line, span.col);
        if matches!(kind, TokenKind::String | TokenKind::RawString) {
            (start, end) = (start.saturating_sub(1), end + 1);
            column = column.saturating_sub(1);
        }
        let kind = match kind {
            TokenKind::Eof => Kind::End,
            _ if span.text() == ";" => Kind::Semicolon,
            _ => Kind::Word,
        };
        tokens.push(Token { start, end, place: (line, column), kind });
        if kind == Kind::End {
            return Ok(tokens);
        }
    }
}

/// The token that a span begins with.
fn token_at(tokens: &[Token], span: &Span) -> usize {
    let start = span.start as usize;
    tokens.partition_point(|token| token.end <= start && token.start < start)
}

/// What stands in statements outside of comprehensions and bodies of `every`.
#[derive(Default)]
struct Seen {
    variables: BTreeSet<String>,
    iterates: bool,
}

impl Seen {
    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::SomeVars { vars, .. } => {
                for var in vars {
                    self.variable(var.text());
                }
            }
            Literal::SomeIn { key, value, collection, .. } => {
                for expr in key.iter().chain([value, collection]) {
                    self.expr(expr);
                }
            }
            Literal::Expr { expr, .. } => self.expr(expr),
            // What is denied binds nothing.
            Literal::NotExpr { .. } => {}
            Literal::Every { domain, .. } => self.expr(domain),
        }
    }

    fn variable(&mut self, name: &str) {
        if !matches!(name, "data" | "input" | "_") {
            self.variables.insert(name.to_owned());
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Var { span, .. } => self.variable(span.text()),
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.expr(item));
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expr(key);
                    self.expr(value);
                }
            }
            Expr::Call { fcn, params, .. } => {
                self.iterates |= fcn.span().text() == "walk";
                params.iter().for_each(|param| self.expr(param));
            }
            Expr::UnaryExpr { expr, .. } => self.expr(expr),
            Expr::RefDot { refr, .. } => self.expr(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.iterates |= matches!(**index, Expr::Var { .. });
                self.expr(refr);
                self.expr(index);
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expr(lhs);
                self.expr(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                for expr in key.iter().chain([value, collection]) {
                    self.expr(expr);
                }
            }
            // Their variables are their own; a constant has none.
            _ => {}
        }
    }
}
