//! Builtins that stand in for the engine's own, or that it lacks.
//!
//! `guards` puts a bound on builtins that can make much out of little, `refused` names those that
//! would see the world, the rest fill gaps. There is no clock: `time.now_ns` is the moment of the question.

mod digests;
mod guards;
mod networks;
mod texts;

use std::cell::{Cell, RefCell};

use anyhow::{Result, anyhow};
use regorus::unstable::{BUILTINS, Expr, Ref, Span};
use regorus::{Source, Value};

pub(crate) use self::guards::bits;

/// A builtin of ours.
pub(crate) type Builtin = fn(&[Value]) -> Result<Value>;

/// Builtins that no policy may call: they see the clock, the network, chance or the process.
pub(crate) const REFUSED: &[&str] =
    &["http.send", "net.lookup_ip_addr", "opa.runtime", "rand.intn", "uuid.rfc4122", "test.sleep"];

/// The one builtin that answers from the question instead of from its arguments.
pub(crate) const NOW: &str = "time.now_ns";

/// Every builtin of ours: name, number of arguments, function.
pub(crate) fn table() -> impl Iterator<Item = &'static (&'static str, u8, Builtin)> {
    guards::TABLE.iter().chain(digests::TABLE).chain(networks::TABLE).chain(texts::TABLE)
}

/// Finds a builtin of ours.
pub(crate) fn find(name: &str) -> Option<Builtin> {
    table().find(|(known, ..)| *known == name).map(|(_, _, function)| *function)
}

/// Something that a builtin cannot do: an error where errors are wanted, undefined elsewhere.
pub(crate) fn cannot(message: impl std::fmt::Display) -> Result<Value> {
    if STRICT.get() { Err(anyhow!("{message}")) } else { Ok(Value::Undefined) }
}

/// Calls the engine's own builtin. What it cannot do is undefined, as in OPA.
pub(crate) fn engine(name: &str, args: &[Value]) -> Result<Value> {
    thread_local! {
        static BLANK: RefCell<Option<(Span, Ref<Expr>)>> = const { RefCell::new(None) };
    }
    let (function, _) =
        BUILTINS.get(name).ok_or_else(|| anyhow!("the engine has no builtin `{name}`"))?;
    let (span, param) = BLANK.with_borrow_mut(|blank| -> Result<(Span, Ref<Expr>)> {
        if let Some((span, param)) = blank {
            return Ok((span.clone(), param.clone()));
        }
        let source = Source::from_contents("builtin".into(), "call".into())?;
        let span = Span { source, line: 1, col: 1, start: 0, end: 4 };
        let param = Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
        *blank = Some((span.clone(), param.clone()));
        Ok((span, param))
    })?;
    let params = vec![param; args.len()];
    let strict = STRICT.get();
    match function(&span, &params, args, strict) {
        Err(error) if strict => Err(error),
        result => Ok(result.unwrap_or(Value::Undefined)),
    }
}

thread_local! {
    static MOMENT: Cell<i64> = const { Cell::new(0) };
    static STRICT: Cell<bool> = const { Cell::new(false) };
}

/// Does something at a moment: `time.now_ns` is that, on this thread, until it is done.
///
/// With `strict`, what a builtin cannot do is an error instead of undefined.
pub(crate) fn at<T>(now_ns: i64, strict: bool, action: impl FnOnce() -> T) -> T {
    MOMENT.set(now_ns);
    STRICT.set(strict);
    action()
}

/// The moment of the question.
pub(crate) fn now_ns() -> Value {
    Value::from(MOMENT.get())
}

/// An argument as text, or undefined.
pub(crate) fn text(args: &[Value], index: usize) -> Option<&str> {
    match args.get(index) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
