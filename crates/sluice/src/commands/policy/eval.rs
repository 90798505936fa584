//! `sluice policy eval`.

use std::path::PathBuf;

use clap::Args;
use sluice_engine::clock::{Clock, SystemClock};
use sluice_policy::{EvalRequest, Sources};

use super::files;
use crate::exit;
use crate::failure::Outcome;
use crate::output;

/// Arguments of `sluice policy eval`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 answered, also where it is undefined; 1 errors.")]
pub(crate) struct EvalArgs {
    /// A Rego file, or a folder with some; may be repeated
    #[arg(long = "rego", value_name = "PATH")]
    rego: Vec<PathBuf>,
    /// A JSON document for `data`; may be repeated
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// The JSON document for `input`; `-` for stdin
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// End at the first error of a builtin, where it would be undefined otherwise
    #[arg(long)]
    strict_builtin_errors: bool,
    /// The query, such as `data.sluice.verdict`
    #[arg(value_name = "QUERY")]
    query: String,
}

/// Evaluates and prints as OPA does.
pub(super) fn run(arguments: &EvalArgs) -> Outcome {
    let request = EvalRequest {
        sources: Sources {
            modules: files::modules(&arguments.rego, &["rego"])?,
            data: files::data(&arguments.data)?,
        },
        input: arguments.input.as_deref().map(files::document).transpose()?,
        query: arguments.query.clone(),
        now_ns: i64::try_from(SystemClock::default().now().as_nanosecond()).unwrap_or(i64::MAX),
        strict_builtin_errors: arguments.strict_builtin_errors,
    };
    match sluice_policy::eval(request) {
        Ok(text) => {
            output::line(&indented(&text));
            Ok(exit::OK)
        }
        Err(error) => {
            output::json(&error.to_json());
            Ok(exit::FAILED)
        }
    }
}

/// JSON text with line breaks and two spaces per level, values untouched: numbers of Rego have any
/// length and must not go through a number of ours.
fn indented(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if in_string {
            shown.push(letter);
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            continue;
        }
        match letter {
            '{' | '[' => {
                shown.push(letter);
                let closing = if letter == '{' { '}' } else { ']' };
                if letters.peek() == Some(&closing) {
                    shown.extend(letters.next());
                } else {
                    depth += 1;
                    break_line(&mut shown, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                break_line(&mut shown, depth);
                shown.push(letter);
            }
            ',' => {
                shown.push(letter);
                break_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            '"' => {
                in_string = true;
                shown.push(letter);
            }
            letter if letter.is_whitespace() => {}
            letter => shown.push(letter),
        }
    }
    shown
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn numbers_and_texts_stay_as_they_are() {
        assert_eq!(indented("{}"), "{}");
        assert_eq!(
            indented(r#"{"a":[1e400,"x,{\"}"],"b":{}}"#),
            "{\n  \"a\": [\n    1e400,\n    \"x,{\\\"}\"\n  ],\n  \"b\": {}\n}"
        );
    }
}
