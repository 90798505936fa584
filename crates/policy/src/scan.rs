//! A look at a source text before it is parsed: what would cost the parser too much is refused here.

use crate::limits::{MAX_NESTING, MAX_SOURCE_BYTES};
use crate::problem::Problem;

/// Longest run of infix operators without a new rule; the syntax tree is as deep as this.
const MAX_OPERATORS: usize = 2_000;

/// Checks the size of a source text, how deep it is nested and how long its expressions are.
pub(crate) fn scan(file: &str, text: &str) -> Result<(), Problem> {
    if text.len() > MAX_SOURCE_BYTES {
        let message =
            format!("is {} bytes long, at most {MAX_SOURCE_BYTES} are allowed", text.len());
        return Err(Problem::of_file(file, "too_large", message, "split it into several modules"));
    }
    let mut scanner = Scanner::default();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        scanner.column += 1;
        match char {
            '\n' => scanner.new_line(chars.peek().copied()),
            '#' => while chars.next_if(|next| *next != '\n').is_some() {},
            '"' => {
                while let Some(inner) = chars.next() {
                    scanner.column += 1;
                    match inner {
                        '\\' => {
                            chars.next();
                            scanner.column += 1;
                        }
                        '"' | '\n' => break,
                        _ => {}
                    }
                }
            }
            '`' => {
                for inner in chars.by_ref() {
                    scanner.column += 1;
                    if inner == '\n' {
                        scanner.line += 1;
                        scanner.column = 0;
                    } else if inner == '`' {
                        break;
                    }
                }
            }
            _ => scanner.see(char),
        }
        if let Some(message) = scanner.too_much() {
            return Err(Problem {
                file: file.into(),
                line: scanner.line + 1,
                column: scanner.column,
                code: "too_deep".into(),
                message,
                help: "give the parts names of their own".into(),
            });
        }
    }
    Ok(())
}

#[derive(Default)]
struct Scanner {
    line: u32,
    column: u32,
    depth: usize,
    operators: usize,
}

impl Scanner {
    fn new_line(&mut self, next: Option<char>) {
        self.line += 1;
        self.column = 0;
        // A rule starts in the first column; within one, the count goes on.
        if next.is_some_and(|next| next.is_ascii_alphabetic()) {
            self.operators = 0;
        }
    }

    fn see(&mut self, char: char) {
        match char {
            '[' | '{' | '(' => self.depth += 1,
            ']' | '}' | ')' => self.depth = self.depth.saturating_sub(1),
            '+' | '-' | '*' | '/' | '%' | '|' | '&' => self.operators += 1,
            _ => {}
        }
    }

    fn too_much(&self) -> Option<String> {
        if self.depth > MAX_NESTING {
            Some(format!("brackets are nested deeper than {MAX_NESTING}"))
        } else if self.operators > MAX_OPERATORS {
            Some(format!("an expression has more than {MAX_OPERATORS} operators"))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_and_comments_do_not_count() {
        let text = "package a\n# [[[[[[[[[[[[[[[[[[\nx := \"[[[[[[[[[[[[[[[[[\\\"[[[\"\ny := `{{{{{{{{{{{{{{{{{{{{`\n";
        assert_eq!(scan("a.rego", text), Ok(()));
    }

    #[test]
    fn deep_nesting_is_refused_with_its_place() {
        let text = format!("package a\nx := {}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let problem = scan("a.rego", &text).expect_err("too deep");
        assert_eq!((problem.line, problem.column, problem.code.as_str()), (2, 18, "too_deep"));
    }

    #[test]
    fn endless_sums_are_refused() {
        let text = format!("package a\nx := 1{}", "\n + 1".repeat(10_000));
        assert_eq!(scan("a.rego", &text).expect_err("too long").code, "too_deep");
    }
}
