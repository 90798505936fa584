//! What may stand in one place only: SQL in the store, Rego's engine in the policy, what opens a
//! connection in the safe client.

use super::{Problem, Source};

/// How a statement of SQL begins, as it stands in a string.
const SQL: [&str; 8] = [
    "\"SELECT ",
    "\"INSERT INTO ",
    "\"UPDATE ",
    "\"DELETE FROM ",
    "\"CREATE TABLE ",
    "\"PRAGMA ",
    "\"BEGIN IMMEDIATE",
    "rusqlite::",
];

/// Reading the clock or chance of the system, below the engine.
const WORLD: [&str; 4] = ["SystemTime", "Instant::now", "getrandom", "std::net::"];

/// Looking names up and connecting.
const CONNECTING: [&str; 7] = [
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::",
    "UnixStream::connect",
    "lookup_host(",
    ".to_socket_addrs(",
    "reqwest::Client",
];

/// Where they may stand: the safe client, and the command line's own client, which goes where the
/// person who calls it says.
const CONNECTS: [&str; 3] =
    ["crates/outbound/src/", "crates/sluice/src/client/", "crates/sluice/src/demo/wire.rs"];

/// Crates that must not see the world.
const PURE: [&str; 4] = ["core", "ledger", "organisation", "connectors"];

pub(super) fn check(sources: &[Source]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let Some(crate_name) = source.crate_of_src() else { continue };
        for (line, text) in source.lines_without_tests() {
            let code = text.split("//").next().unwrap_or_default();
            let message = if crate_name != "store" && SQL.iter().any(|sql| code.contains(sql)) {
                "SQL lives in `store` only"
            } else if crate_name != "policy" && code.contains("regorus") {
                "the engine of Rego lives in `policy` only"
            } else if !CONNECTS.iter().any(|place| source.path.starts_with(place))
                && CONNECTING.iter().any(|word| code.contains(word))
            {
                "only `outbound` opens connections: send through its `Net`"
            } else if PURE.contains(&crate_name) && WORLD.iter().any(|word| code.contains(word)) {
                "this crate sees no clock, chance or network: take it as an argument"
            } else {
                continue;
            };
            problems.push(Problem::at(&source.path, line, message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, text: &str) -> usize {
        check(&[Source::new(path, text)]).len()
    }

    #[test]
    fn each_thing_has_its_place() {
        assert_eq!(told("crates/store/src/a.rs", "query(\"SELECT 1\")"), 0);
        assert_eq!(told("crates/engine/src/a.rs", "query(\"SELECT 1\")"), 1);
        assert_eq!(told("crates/engine/src/a.rs", "// regorus is elsewhere"), 0);
        assert_eq!(told("crates/engine/src/a.rs", "use regorus::Engine;"), 1);
        assert_eq!(told("crates/outbound/src/a.rs", "TcpStream::connect(to)"), 0);
        assert_eq!(told("crates/engine/src/a.rs", "TcpStream::connect(to)"), 1);
        assert_eq!(told("crates/sluice/src/commands/a.rs", "reqwest::Client::new()"), 1);
        assert_eq!(told("crates/core/src/a.rs", "let now = SystemTime::now();"), 1);
        assert_eq!(told("crates/core/src/a.rs", "#[cfg(test)]\nSystemTime"), 0);
    }
}
