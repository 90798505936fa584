//! Building the tree from the parser's events, within limits.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, options};

use super::{Entry, Flaw, Node, Position, Value};

/// How deep lists and mappings may be within one another.
const DEPTH_LIMIT: usize = 32;
/// The most values in one file.
const NODES_LIMIT: usize = 100_000;

const DEPTH_HELP: &str = "nothing in an organisation is nested that deep";
/// The longest key, in bytes.
const KEY_LIMIT_BYTES: usize = 256;

/// What was read of a file.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The root of each document that is well-formed and not empty.
    pub(crate) documents: Vec<Node>,
    /// Everything that is wrong with the file as YAML.
    pub(crate) flaws: Vec<Flaw>,
}

/// Reads all documents of a file.
pub(crate) fn parse(text: &str) -> Parsed {
    let mut options = options! {
        disallow_directives: false,
        emit_unresolved_aliases: true,
        block_nesting_limit: DEPTH_LIMIT,
        flow_nesting_limit: DEPTH_LIMIT,
    };
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::default();
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, span)) => {
                if builder.take(event, span).is_err() {
                    break;
                }
            }
            Err(error) => {
                builder.abandon(&error);
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    builder.parsed
}

/// A list or mapping that is still open.
enum Open {
    List {
        at: Position,
        items: Vec<Node>,
        broken: bool,
    },
    Map {
        at: Position,
        entries: Vec<Entry>,
        keys: BTreeMap<String, Position>,
        key: Key,
        broken: bool,
    },
}

/// What stands before the value that comes next in a mapping.
enum Key {
    /// Nothing: a key comes next.
    Wanted,
    /// A key.
    Given(String, Position),
    /// A key that is refused: its value is passed over.
    Refused,
}

/// A limit was passed: the rest of the file is not read.
struct Stop;

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    nodes: usize,
    parsed: Parsed,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let at = position(&span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(at)?;
                let plain = style == ScalarStyle::Plain;
                let broken = self.refuse_extras(at, anchor, tag.is_some());
                let value = match broken {
                    true => Value::Broken,
                    false => Value::Scalar { text: text.into_owned(), plain },
                };
                self.put(Node { at, value });
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.deepen(at)?;
                let broken = self.refuse_extras(at, anchor, tag.is_some());
                self.open.push(Open::List { at, items: Vec::new(), broken });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.deepen(at)?;
                let broken = self.refuse_extras(at, anchor, tag.is_some());
                let (entries, keys, key) = (Vec::new(), BTreeMap::new(), Key::Wanted);
                self.open.push(Open::Map { at, entries, keys, key, broken });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.count(at)?;
                self.flaw(at, "yaml_alias", "aliases are not read", "write the value out");
                self.put(Node { at, value: Value::Broken });
            }
            Event::DocumentStart(..) | Event::DocumentEnd => self.open.clear(),
            _ => {}
        }
        Ok(())
    }

    /// Gives up on a document that is not well-formed.
    fn abandon(&mut self, error: &ScanError) {
        self.open.clear();
        let at = spot(error.marker());
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
            return self.flaw(at, "yaml_too_deep", too_deep(), DEPTH_HELP);
        }
        let message = format!("not well-formed YAML: {}", error.info());
        let help = "check indentation, quotes and brackets here and on the line before";
        self.flaw(at, "syntax_error", message, help);
    }

    fn refuse_extras(&mut self, at: Position, anchor: usize, tagged: bool) -> bool {
        if anchor != 0 {
            self.flaw(
                at,
                "yaml_alias",
                "anchors are not read",
                "write the value out where it is used",
            );
        }
        if tagged {
            self.flaw(
                at,
                "yaml_tag",
                "tags are not read",
                "leave the tag out; quote what is a text",
            );
        }
        tagged
    }

    fn count(&mut self, at: Position) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes <= NODES_LIMIT {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_LIMIT} values");
        self.flaw(at, "yaml_too_large", message, "split the file");
        Err(Stop)
    }

    fn deepen(&mut self, at: Position) -> Result<(), Stop> {
        self.count(at)?;
        if self.open.len() < DEPTH_LIMIT {
            return Ok(());
        }
        self.flaw(at, "yaml_too_deep", too_deep(), DEPTH_HELP);
        Err(Stop)
    }

    fn close(&mut self) {
        let node = match self.open.pop() {
            Some(Open::List { at, broken: true, .. } | Open::Map { at, broken: true, .. }) => {
                Node { at, value: Value::Broken }
            }
            Some(Open::List { at, items, broken: false }) => Node { at, value: Value::List(items) },
            Some(Open::Map { at, entries, broken: false, .. }) => {
                Node { at, value: Value::Map(entries) }
            }
            None => return,
        };
        self.put(node);
    }

    /// Puts a finished value where it belongs: into what is open, or at the root.
    fn put(&mut self, node: Node) {
        let flaw = match self.open.last_mut() {
            None if node.is_null() => None,
            None => {
                self.parsed.documents.push(node);
                None
            }
            Some(Open::List { items, .. }) => {
                items.push(node);
                None
            }
            Some(Open::Map { entries, keys, key, .. }) => {
                match std::mem::replace(key, Key::Wanted) {
                    Key::Given(name, key_at) => {
                        entries.push(Entry { key: name, key_at, value: node });
                        None
                    }
                    Key::Refused => None,
                    Key::Wanted => match read_key(node, keys) {
                        Ok((name, at)) => {
                            *key = Key::Given(name, at);
                            None
                        }
                        Err(flaw) => {
                            *key = Key::Refused;
                            flaw
                        }
                    },
                }
            }
        };
        self.parsed.flaws.extend(flaw);
    }

    fn flaw(&mut self, at: Position, code: &'static str, message: impl Into<String>, help: &str) {
        let (message, help) = (message.into(), help.to_owned());
        self.parsed.flaws.push(Flaw { at, code, message, help });
    }
}

/// The name of a key, or why there is none (nothing, when that was said already).
fn read_key(
    node: Node,
    keys: &mut BTreeMap<String, Position>,
) -> Result<(String, Position), Option<Flaw>> {
    let at = node.at;
    let flaw = |code, message: String, help: &str| {
        Err(Some(Flaw { at, code, message, help: help.to_owned() }))
    };
    match node.value {
        Value::Broken => Err(None),
        Value::List(_) | Value::Map(_) => {
            flaw("wrong_type", "a key must be a text".to_owned(), "write `name: value`")
        }
        Value::Scalar { text, plain: true } if text == "<<" => {
            flaw("yaml_merge_key", "merge keys are not read".to_owned(), "write the keys out")
        }
        Value::Scalar { text, .. } if text.len() > KEY_LIMIT_BYTES => {
            let message = format!("a key is longer than {KEY_LIMIT_BYTES} bytes");
            flaw("bad_value", message, "shorten it")
        }
        Value::Scalar { text, .. } => {
            if let Some(first) = keys.get(&text) {
                let message = format!("`{text}` is given twice, first in line {}", first.line);
                return flaw("duplicate_key", message, "keep one of them");
            }
            keys.insert(text.clone(), at);
            Ok((text, at))
        }
    }
}

fn too_deep() -> String {
    format!("values are nested deeper than {DEPTH_LIMIT} levels")
}

fn position(span: &Span) -> Position {
    let mut at = spot(&span.start);
    if span.end.line() == span.start.line() {
        let length = span.end.index().saturating_sub(span.start.index());
        at.length = u32::try_from(length).unwrap_or(u32::MAX).max(1);
    }
    at
}

fn spot(marker: &Marker) -> Position {
    let column = u32::try_from(marker.col()).unwrap_or(u32::MAX).saturating_add(1);
    Position { line: u32::try_from(marker.line()).unwrap_or(u32::MAX).max(1), column, length: 1 }
}
