//! Queries at the desk, answered as `opa eval` prints them.
//!
//! The engine's own queries leave out variables, take what is denied for true and lose the results of `some ... in`.
//! Inside of a comprehension it reads the same statements as in a rule, so that is what it is asked for: an array with a row
//! for each result, the values of the statements and the variables in it.

mod shape;

use regorus::{Engine, Value};

use self::shape::{Role, Shape, place_of};

use crate::bundle::{Bundle, Sources, lost_message};
use crate::fault::{Fault, FaultCode};
use crate::limits::Limits;
use crate::memory::Backstop;
use crate::problem::Problem;
use crate::program::{lost_fault, timer};
use crate::{builtins, json, scan, worker};

/// Names of what statements come to, as no query has them.
const TOLD: &str = "sluice_told";

/// A query with everything it is asked of.
#[derive(Debug, Clone, Default)]
pub struct EvalRequest {
    /// The modules and the data.
    pub sources: Sources,
    /// The input document; none leaves `input` undefined.
    pub input: Option<serde_json::Value>,
    /// The query, such as `data.example.allow` or `x := 1 + 1`.
    pub query: String,
    /// What `time.now_ns` gives, in nanoseconds since 1970.
    pub now_ns: i64,
    /// Whether an error of a builtin ends the query instead of being undefined.
    pub strict_builtin_errors: bool,
}

/// Why a query has no result set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// Modules or query are not right.
    Problems(Vec<Problem>),
    /// The evaluation failed.
    Fault(Fault),
}

impl EvalError {
    /// The errors as OPA prints them: `{"errors": [{"message", "code", "location"}]}`.
    pub fn to_json(&self) -> serde_json::Value {
        let errors: Vec<serde_json::Value> = match self {
            EvalError::Problems(problems) => problems.iter().map(problem_json).collect(),
            EvalError::Fault(fault) => {
                let code = match fault.code {
                    FaultCode::Timeout | FaultCode::Steps | FaultCode::Memory | FaultCode::Busy => {
                        fault.code.as_str()
                    }
                    _ => "eval_internal_error",
                };
                vec![serde_json::json!({ "message": fault.message, "code": code })]
            }
        };
        serde_json::json!({ "errors": errors })
    }
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    let location =
        serde_json::json!({ "file": problem.file, "row": problem.line, "col": problem.column });
    serde_json::json!({ "message": problem.message, "code": problem.code, "location": location })
}

impl std::fmt::Display for EvalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EvalError::Problems(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            EvalError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for EvalError {}

/// Answers a query with the JSON text that `opa eval` prints: `{"result": [...]}`, or `{}` where it is undefined.
///
/// The answer is text, because numbers of Rego have any length.
///
/// # Errors
///
/// Problems of the modules or the query; a fault where there is no answer within [`Limits::DESK`].
pub fn eval(request: EvalRequest) -> Result<String, EvalError> {
    let bundle = Bundle::parse(request.sources.clone()).map_err(EvalError::Problems)?;
    scan::scan("query", &request.query).map_err(|problem| EvalError::Problems(vec![problem]))?;
    let wall = Limits::DESK.wall;
    match worker::run(worker::For::Desk, wall, move || on_worker(&bundle, &request)) {
        Ok(result) => result,
        Err(worker::Lost::Panicked(message)) => {
            Err(EvalError::Fault(Fault::new(FaultCode::Error, message)))
        }
        Err(lost) => {
            Err(EvalError::Fault(Fault { message: lost_message(&lost), ..lost_fault(lost, wall) }))
        }
    }
}

fn on_worker(bundle: &Bundle, request: &EvalRequest) -> Result<String, EvalError> {
    let _memory = Backstop::raise(Limits::DESK.memory_bytes);
    let shape = Shape::of(&request.query).map_err(|error| {
        EvalError::Problems(vec![Problem::from_engine("query", "rego_parse_error", &error)])
    })?;
    let compile = |error: anyhow::Error| {
        EvalError::Problems(vec![Problem::from_engine("policy", "rego_compile_error", &error)])
    };
    let mut engine = bundle.engine(true).map_err(compile)?;
    engine.set_strict_builtin_errors(request.strict_builtin_errors);
    engine.set_execution_timer_config(timer(Limits::DESK.wall));
    if let Some(input) = &request.input {
        engine.set_input(json::read(input));
    }
    let results = builtins::at(request.now_ns, request.strict_builtin_errors, || {
        are_bound(engine.clone(), &shape)?;
        engine.eval_query(rows_query(&shape), false)
    })
    .map_err(|error| failure(&request.query, &error))?;
    let rows = results.result.first().and_then(|result| result.expressions.first());
    match rows.map(|rows| &rows.value) {
        Some(Value::Array(rows)) if !rows.is_empty() => {
            print(&shape, rows.iter()).map_err(EvalError::Fault)
        }
        _ => Ok("{}".into()),
    }
}

/// Has the engine look whether something binds every variable, which it does for rules and not inside of comprehensions.
fn are_bound(mut engine: Engine, shape: &Shape) -> anyhow::Result<()> {
    let statements: Vec<&str> = shape.statements.iter().map(|one| one.text.as_str()).collect();
    let module = format!(
        "package sluice_query\n\nchecked := true\n\nquery if {{\n{}\n}}\n",
        statements.join("\n")
    );
    engine.add_policy("query".into(), module)?;
    engine.eval_rule("data.sluice_query.checked".into())?;
    Ok(())
}

/// The comprehension that gives a row for each result: what its statements come to, and its variables.
fn rows_query(shape: &Shape) -> String {
    let (mut body, mut told) = (Vec::new(), Vec::new());
    for (at, statement) in shape.statements.iter().enumerate() {
        match statement.role {
            Role::Declares => body.push(statement.text.clone()),
            Role::Holds => {
                body.push(statement.text.clone());
                told.push("true".to_owned());
            }
            Role::Value(bare) => {
                let (expression, with) = statement.text.split_at(bare);
                body.push(format!("{TOLD}_{at} := ({expression}){with}"));
                if shape.is_condition {
                    body.push(format!("{TOLD}_{at} != false"));
                }
                told.push(format!("{TOLD}_{at}"));
            }
        }
    }
    let variables: Vec<String> =
        shape.variables.iter().map(|name| format!("\"{name}\": {name}")).collect();
    format!("[[[{}], {{{}}}] | {}]", told.join(", "), variables.join(", "), body.join("; "))
}

/// Why a query failed. A variable that nothing binds is a problem of the text.
fn failure(query: &str, error: &anyhow::Error) -> EvalError {
    let fault = Fault::from_engine(error);
    let unbound = fault.message.split_once("undefined variable `");
    let Some((name, _)) = unbound.and_then(|(_, rest)| rest.split_once('`')) else {
        return EvalError::Fault(fault);
    };
    let mut problem = Problem::from_engine("query", "rego_unsafe_var_error", error);
    if let Some((line, column)) = place_of(query, name) {
        (problem.line, problem.column) = (line, column);
        "query".clone_into(&mut problem.file);
    }
    problem.message = format!("var {name} is unsafe");
    EvalError::Problems(vec![problem])
}

fn print<'a>(shape: &Shape, rows: impl Iterator<Item = &'a Value>) -> Result<String, Fault> {
    let said: Vec<_> = (shape.statements.iter())
        .filter(|statement| !matches!(statement.role, Role::Declares))
        .collect();
    let mut printed = Vec::new();
    for row in rows {
        let mut parts = row.as_array().ok().into_iter().flat_map(|row| row.iter());
        let (Some(Value::Array(values)), Some(variables)) = (parts.next(), parts.next()) else {
            return Err(Fault::new(FaultCode::Error, "the engine's result has another shape"));
        };
        let mut expressions = Vec::new();
        for (statement, value) in said.iter().zip(values.iter()) {
            let (row, column) = statement.place;
            expressions.push(format!(
                r#"{{"value":{},"text":{},"location":{{"row":{row},"col":{column}}}}}"#,
                json::write(value)?,
                serde_json::Value::from(&*statement.text),
            ));
        }
        let bindings = match shape.variables.is_empty() {
            true => String::new(),
            false => format!(r#","bindings":{}"#, json::write(variables)?),
        };
        printed.push(format!(r#"{{"expressions":[{}]{bindings}}}"#, expressions.join(",")));
    }
    Ok(format!(r#"{{"result":[{}]}}"#, printed.join(",")))
}
