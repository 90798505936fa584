//! Filters (RFC 7644, 3.4.2.2): read with a limit on length and depth, and judged on resources as we write them.

use serde_json::Value;

use crate::problem::Problem;
use crate::status;

/// The longest filter, in bytes.
const LONGEST: usize = 2_048;
/// How deep parentheses, `not` and brackets are nested at most.
const DEPTH: usize = 16;
/// Letters' case counts in these.
const EXACT: [&str; 6] =
    ["id", "externalid", "members.value", "groups.value", "meta.version", "meta.resourcetype"];

/// What a resource has to be like.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Present(Attribute),
    Compare(Attribute, Operator, Value),
    Within(Attribute, Box<Filter>),
}

/// A name, or a name within another. Letters' case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) sub: Option<String>,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Contains,
    Starts,
    Ends,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Equal),
    ("ne", Operator::Unequal),
    ("co", Operator::Contains),
    ("sw", Operator::Starts),
    ("ew", Operator::Ends),
    ("gt", Operator::Greater),
    ("ge", Operator::GreaterOrEqual),
    ("lt", Operator::Less),
    ("le", Operator::LessOrEqual),
];

impl Filter {
    /// Reads a whole filter.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(invalid(format!("it has more than {LONGEST} bytes")));
        }
        let mut reader = Reader { rest: text, depth: 0 };
        let filter = reader.either()?;
        reader.skip();
        if reader.rest.is_empty() { Ok(filter) } else { Err(reader.expected("its end")) }
    }

    /// Whether a resource is like that.
    pub(super) fn holds(&self, resource: &Value) -> bool {
        self.holds_in("", resource)
    }

    fn holds_in(&self, parent: &str, resource: &Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds_in(parent, resource)),
            Self::Or(any) => any.iter().any(|one| one.holds_in(parent, resource)),
            Self::Not(one) => !one.holds_in(parent, resource),
            Self::Present(attribute) => {
                values(resource, attribute).into_iter().any(|value| !is_empty(value))
            }
            Self::Compare(attribute, operator, wanted) => {
                let exact = is_exact(parent, attribute);
                let found = values(resource, attribute);
                match operator {
                    Operator::Unequal => {
                        !found.iter().any(|value| compare(value, Operator::Equal, wanted, exact))
                    }
                    _ => found.iter().any(|value| compare(value, *operator, wanted, exact)),
                }
            }
            Self::Within(attribute, inner) => {
                let holds = |value: &&Value| inner.holds_in(&attribute.name, value);
                listed(resource, &attribute.name).iter().any(holds)
            }
        }
    }

    /// What each thing that this finds has, where it says just that: `type eq "work"`.
    pub(super) fn demands(&self) -> Option<Vec<(&str, &Value)>> {
        match self {
            Self::Compare(attribute, Operator::Equal, value) if attribute.sub.is_none() => {
                Some(vec![(attribute.name.as_str(), value)])
            }
            Self::And(all) => {
                let each: Option<Vec<_>> = all.iter().map(Self::demands).collect();
                each.map(|each| each.into_iter().flatten().collect())
            }
            _ => None,
        }
    }

    /// The user name that is looked for, where that is all: how providers mostly ask.
    pub(super) fn user_name(&self) -> Option<&str> {
        match self {
            Self::Compare(attribute, Operator::Equal, Value::String(text))
                if attribute.name == "username" && attribute.sub.is_none() =>
            {
                Some(text)
            }
            _ => None,
        }
    }
}

impl Attribute {
    /// Reads `name`, `name.sub`, either with the name of a schema before it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let plain = without_schema(text)?;
        let (name, sub) = match plain.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (plain, None),
        };
        let is_name = |name: &str| {
            name.len() <= 64
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
                && name.bytes().skip(1).all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let sound = is_name(name) && sub.is_none_or(is_name);
        sound.then(|| Self {
            name: name.to_ascii_lowercase(),
            sub: sub.map(str::to_ascii_lowercase),
        })
    }
}

/// What is left of a name without the schema that it is from. Those of other schemas name nothing that we have.
fn without_schema(text: &str) -> Option<&str> {
    let is_urn = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    if !is_urn {
        return Some(text);
    }
    let known = [
        "urn:ietf:params:scim:schemas:core:2.0:User:",
        "urn:ietf:params:scim:schemas:core:2.0:Group:",
    ];
    let core = known.iter().find_map(|urn| {
        let (start, rest) = text.split_at_checked(urn.len())?;
        start.eq_ignore_ascii_case(urn).then_some(rest)
    });
    // The name after a foreign schema: the last part, which is none of ours.
    core.or_else(|| text.rsplit(':').next().map(|_| "unknown"))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn either(&mut self) -> Result<Filter, Problem> {
        let mut any = vec![self.both()?];
        while self.word("or") {
            any.push(self.both()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Or(any) })
    }

    fn both(&mut self) -> Result<Filter, Problem> {
        let mut all = vec![self.one()?];
        while self.word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Filter::And(all) })
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        let not = self.not();
        if not || self.letter('(') {
            if not && !self.letter('(') {
                return Err(self.expected("`(`"));
            }
            let inner = self.deeper(')')?;
            return Ok(if not { Filter::Not(Box::new(inner)) } else { inner });
        }
        let attribute = self.attribute()?;
        if self.rest.starts_with('[') {
            self.rest = &self.rest[1..];
            let inner = self.deeper(']')?;
            return Ok(Filter::Within(attribute, Box::new(inner)));
        }
        if self.word("pr") {
            return Ok(Filter::Present(attribute));
        }
        let known = OPERATORS.iter().find(|(word, _)| self.word(word));
        let Some((_, operator)) = known else { return Err(self.expected("an operator")) };
        let value = self.value()?;
        Ok(Filter::Compare(attribute, *operator, value))
    }

    fn deeper(&mut self, end: char) -> Result<Filter, Problem> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(invalid(format!("it is nested deeper than {DEPTH} levels")));
        }
        let inner = self.either()?;
        self.depth -= 1;
        if self.letter(end) { Ok(inner) } else { Err(self.expected(&format!("`{end}`"))) }
    }

    /// `not` before a parenthesis; elsewhere it is a name like others.
    fn not(&mut self) -> bool {
        self.skip();
        let Some((word, rest)) = self.rest.split_at_checked(3) else { return false };
        let follows = rest.trim_start().starts_with('(');
        let is_not = word.eq_ignore_ascii_case("not") && follows;
        if is_not {
            self.rest = rest;
        }
        is_not
    }

    fn attribute(&mut self) -> Result<Attribute, Problem> {
        self.skip();
        let ends = |c: char| !(c.is_ascii_alphanumeric() || "_-.:$".contains(c));
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let attribute = Attribute::read(name).ok_or_else(|| self.expected("an attribute"))?;
        self.rest = rest;
        Ok(attribute)
    }

    /// A text, number, truth value or `null`, as JSON writes it.
    fn value(&mut self) -> Result<Value, Problem> {
        self.skip();
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) if !value.is_object() && !value.is_array() => value,
            _ => return Err(self.expected("a value such as `\"ada\"`")),
        };
        let end = values.byte_offset();
        self.rest = self.rest.get(end..).unwrap_or_default();
        Ok(value)
    }

    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let Some((start, rest)) = self.rest.split_at_checked(word.len()) else { return false };
        let ends = rest.chars().next().is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '.'));
        let is_it = start.eq_ignore_ascii_case(word) && ends;
        if is_it {
            self.rest = rest;
        }
        is_it
    }

    fn letter(&mut self, letter: char) -> bool {
        self.skip();
        let Some(rest) = self.rest.strip_prefix(letter) else { return false };
        self.rest = rest;
        true
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn expected(&self, what: &str) -> Problem {
        let found: String = self.rest.chars().take(20).filter(|c| !c.is_control()).collect();
        invalid(format!("{what} was expected before `{found}`"))
    }
}

fn invalid(why: String) -> Problem {
    Problem::of(&status::SCIM_FILTER, why)
}

/// The member of an object with a name; letters' case does not count.
pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// What an attribute holds, one or many.
fn listed<'a>(resource: &'a Value, name: &str) -> Vec<&'a Value> {
    match member(resource, name) {
        Some(Value::Array(many)) => many.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn values<'a>(resource: &'a Value, attribute: &Attribute) -> Vec<&'a Value> {
    let listed = listed(resource, &attribute.name).into_iter();
    match &attribute.sub {
        Some(sub) => listed.filter_map(|value| member(value, sub)).collect(),
        // Of many that have parts, `value` is meant.
        None => {
            listed
                .map(|value| {
                    if value.is_object() { member(value, "value").unwrap_or(value) } else { value }
                })
                .collect()
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(many) => many.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is_exact(parent: &str, attribute: &Attribute) -> bool {
    let name = match (&attribute.sub, parent) {
        (Some(sub), _) => format!("{}.{sub}", attribute.name),
        (None, "") if matches!(attribute.name.as_str(), "members" | "groups") => {
            format!("{}.value", attribute.name)
        }
        (None, "") => attribute.name.clone(),
        (None, parent) => format!("{parent}.{}", attribute.name),
    };
    EXACT.contains(&name.as_str())
}

fn compare(value: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) => {
            if exact {
                ordered(value, operator, wanted)
            } else {
                ordered(&value.to_lowercase(), operator, &wanted.to_lowercase())
            }
        }
        // Some providers write truth as text.
        (Value::Bool(value), Value::String(wanted)) => {
            operator == Operator::Equal && wanted.eq_ignore_ascii_case(&value.to_string())
        }
        (value, wanted) => operator == Operator::Equal && value == wanted,
    }
}

fn ordered(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Equal => value == wanted,
        Operator::Unequal => value != wanted,
        Operator::Contains => value.contains(wanted),
        Operator::Starts => value.starts_with(wanted),
        Operator::Ends => value.ends_with(wanted),
        Operator::Greater => value > wanted,
        Operator::GreaterOrEqual => value >= wanted,
        Operator::Less => value < wanted,
        Operator::LessOrEqual => value <= wanted,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_find_what_they_say() {
        let ada = json!({"id": "u-1", "userName": "Ada@Acme.example", "externalId": "X7", "active": true,
            "displayName": "Ada", "emails": [{"value": "ada@acme.example", "type": "work", "primary": true},
            {"value": "ada@home.example", "type": "home"}], "groups": [{"value": "g-1"}],
            "meta": {"lastModified": "2026-03-04T10:00:00Z"}});
        for (filter, expected) in [
            ("userName eq \"ada@acme.example\"", true),
            ("USERNAME Eq \"ADA@acme.example\"", true),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"ada\"", true),
            ("externalId eq \"x7\"", false),
            ("externalId eq \"X7\"", true),
            ("emails.value co \"home\"", true),
            ("emails co \"home\"", true),
            ("emails[type eq \"work\" and value ew \"home.example\"]", false),
            ("emails[type eq \"home\" and value ew \"home.example\"]", true),
            ("not (displayName eq \"Bob\") and active eq true", true),
            ("active eq \"True\"", true),
            ("active eq false or displayName pr", true),
            ("title pr", false),
            ("title eq null", false),
            ("displayName ne \"Bob\"", true),
            ("emails ne \"ada@acme.example\"", false),
            ("meta.lastModified gt \"2026-01-01T00:00:00Z\"", true),
            ("groups eq \"g-1\" and (userName sw \"b\" or userName sw \"a\")", true),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"",
                false,
            ),
        ] {
            let read =
                Filter::read(filter).unwrap_or_else(|problem| panic!("{filter}: {problem:?}"));
            assert_eq!(read.holds(&ada), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = format!("{}active eq true{}", "(".repeat(17), ")".repeat(17));
        let long = format!("userName eq \"{}\"", "x".repeat(2_048));
        for text in [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq bob",
            "userName = \"x\"",
            "eq \"x\"",
            "userName eq \"x\" and",
            "userName eq \"x\" userName",
            "(userName pr",
            "userName pr)",
            "emails[type eq \"work\"",
            "not userName pr",
            "userName eq \"x",
            "userName eq {}",
            "userName eq [1]",
            "9a eq 1",
            "a..b pr",
            "a.b.c pr",
            &deep,
            &long,
            "\u{0}",
            "é pr",
        ] {
            assert!(Filter::read(text).is_err(), "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn no_text_harms(text in "\\PC{0,200}") {
            let _ = Filter::read(&text).map(|filter| filter.holds(&json!({"userName": "x"})));
        }

        #[test]
        fn likely_texts_do_no_harm(words in proptest::collection::vec(
            proptest::sample::select(vec!["userName", "emails", "[", "]", "(", ")", "not", "and", "or", "eq", "co",
                "pr", "\"x\"", "true", "null", "1", ".", "type", " ", "urn:", "\"", "\\"]), 0..40)) {
            let text = words.join(" ");
            let glued = words.concat();
            for text in [text, glued] {
                let _ = Filter::read(&text).map(|filter| filter.holds(&json!({"emails": [{"type": "x"}]})));
            }
        }
    }
}
