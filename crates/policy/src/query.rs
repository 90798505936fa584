//! Queries at the desk, answered as `opa eval` prints them.

use regorus::unstable::Parser;
use regorus::{Source, Value};

use crate::bundle::{Bundle, Sources, lost_message};
use crate::fault::{Fault, FaultCode};
use crate::limits::Limits;
use crate::memory::Backstop;
use crate::problem::Problem;
use crate::program::{lost_fault, timer};
use crate::{builtins, json, scan, worker};

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
    match worker::run(wall, move || on_worker(&bundle, &request)) {
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
    let refused = |error: anyhow::Error| {
        EvalError::Problems(vec![Problem::from_engine("query", "rego_parse_error", &error)])
    };
    parse_query(&request.query).map_err(refused)?;
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
        engine.eval_query(request.query.clone(), false)
    })
    .map_err(|error| EvalError::Fault(Fault::from_engine(&error)))?;
    print(&results.result).map_err(EvalError::Fault)
}

fn parse_query(text: &str) -> anyhow::Result<()> {
    let source = Source::from_contents("query".into(), text.into())?;
    let mut parser = Parser::new(&source)?;
    parser.enable_rego_v1()?;
    parser.parse_user_query()?;
    Ok(())
}

fn print(results: &[regorus::QueryResult]) -> Result<String, Fault> {
    let defined: Vec<&regorus::QueryResult> = results
        .iter()
        .filter(|result| {
            result.expressions.iter().all(|expression| expression.value != Value::Undefined)
        })
        .filter(|result| {
            result.expressions.len() < 2
                || result
                    .expressions
                    .iter()
                    .all(|expression| expression.value != Value::Bool(false))
        })
        .collect();
    if defined.is_empty() {
        return Ok("{}".into());
    }
    let mut rows = Vec::new();
    for result in defined {
        let mut expressions = Vec::new();
        for expression in &result.expressions {
            expressions.push(format!(
                r#"{{"value":{},"text":{},"location":{{"row":{},"col":{}}}}}"#,
                json::write(&expression.value)?,
                serde_json::Value::from(&*expression.text),
                expression.location.row,
                expression.location.col
            ));
        }
        let bindings = match &result.bindings {
            Value::Object(fields) if fields.iter().next().is_some() => {
                format!(r#","bindings":{}"#, json::write(&result.bindings)?)
            }
            _ => String::new(),
        };
        rows.push(format!(r#"{{"expressions":[{}]{bindings}}}"#, expressions.join(",")));
    }
    Ok(format!(r#"{{"result":[{}]}}"#, rows.join(",")))
}
