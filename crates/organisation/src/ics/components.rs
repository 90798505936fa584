//! The tree of components, built without recursion.

use super::lines::ContentLine;
use super::problem::{IcsProblemKind, Problems};

/// Calendars have components within components within them, and that is all.
const DEPTH_LIMIT: usize = 16;

/// `BEGIN:X` to `END:X`.
#[derive(Debug, Clone, Default)]
pub(super) struct Component {
    /// The name in upper case.
    pub(super) name: String,
    /// Its own properties.
    pub(super) properties: Vec<ContentLine>,
    /// The components within it.
    pub(super) children: Vec<Component>,
    /// The line of its `BEGIN`.
    pub(super) line: usize,
}

impl Component {
    /// The first property of this name.
    pub(super) fn property(&self, name: &str) -> Option<&ContentLine> {
        self.properties.iter().find(|it| it.name == name)
    }

    /// All properties of this name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ContentLine> {
        self.properties.iter().filter(move |it| it.name == name)
    }
}

/// The calendars among `lines`. What stands outside of a calendar is a problem.
pub(super) fn calendars(lines: Vec<ContentLine>, problems: &mut Problems) -> Vec<Component> {
    let mut builder = Builder { open: Vec::new(), closed: Vec::new(), problems };
    let last = lines.last().map_or(1, |line| line.line);
    for line in lines {
        match line.name.as_str() {
            "BEGIN" => builder.begin(&line),
            "END" => builder.end(&line),
            _ => builder.property(line),
        }
    }
    builder.finish(last)
}

struct Builder<'a> {
    open: Vec<Component>,
    closed: Vec<Component>,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn begin(&mut self, line: &ContentLine) {
        let name = line.value.trim().to_ascii_uppercase();
        if self.open.is_empty() && name != "VCALENDAR" {
            self.complain(line, "BEGIN:VCALENDAR".to_owned());
        }
        // What stands where nobody looks for it would be lost in silence.
        let parent = self.open.last().map(|open| open.name.as_str());
        match (name.as_str(), parent) {
            ("VEVENT", Some("VCALENDAR")) | ("VCALENDAR" | "VEVENT", None) => {}
            ("VEVENT" | "VCALENDAR", Some(parent)) => {
                let expected = format!("END:{parent}");
                self.complain(line, expected);
            }
            _ => {}
        }
        if self.open.len() == DEPTH_LIMIT {
            self.problems.push(line.line, IcsProblemKind::TooDeep);
        }
        if self.open.len() < DEPTH_LIMIT {
            self.open.push(Component { name, line: line.line, ..Component::default() });
        }
    }

    fn end(&mut self, line: &ContentLine) {
        let name = line.value.trim().to_ascii_uppercase();
        match self.open.last() {
            None => return self.complain(line, "BEGIN:VCALENDAR".to_owned()),
            Some(open) if open.name != name => {
                let expected = format!("END:{}", open.name);
                self.complain(line, expected);
            }
            Some(_) => {}
        }
        // A wrong `END` closes what it names, and all that was left open within it.
        let Some(at) = self.open.iter().rposition(|open| open.name == name) else { return };
        while self.open.len() > at {
            self.close();
        }
    }

    fn property(&mut self, line: ContentLine) {
        match self.open.last_mut() {
            Some(open) => open.properties.push(line),
            // Programs that fetch calendars leave notes of their own around them.
            None if line.name.starts_with("X-") => {}
            None => self.complain(&line, "BEGIN:VCALENDAR".to_owned()),
        }
    }

    fn close(&mut self) {
        let Some(closed) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.closed.push(closed),
        }
    }

    fn complain(&mut self, line: &ContentLine, expected: String) {
        let found: String = format!("{}:{}", line.name, line.value).chars().take(80).collect();
        self.problems.push(line.line, IcsProblemKind::BadNesting { found, expected });
    }

    fn finish(mut self, last: usize) -> Vec<Component> {
        if let Some(open) = self.open.last() {
            let expected = format!("END:{}", open.name);
            let found = "the end of the file".to_owned();
            self.problems.push(last, IcsProblemKind::BadNesting { found, expected });
        }
        while !self.open.is_empty() {
            self.close();
        }
        if !self.closed.iter().any(|component| component.name == "VCALENDAR") {
            self.problems.push(1, IcsProblemKind::NoCalendar);
        }
        self.closed.retain(|component| component.name == "VCALENDAR");
        self.closed
    }
}
