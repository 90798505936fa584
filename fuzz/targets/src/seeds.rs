//! What each target begins with: real deliveries, policies, calendars and files of this repository.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const ENTRY: &str = concat!(
    r#"{"format":1,"seq":0,"event":"stop.lifted","version":1,"stream":"stop/s-1","stream_version":0,"#,
    r#""time":"2026-11-21T01:00:00Z","actor":"sluice","after":{"size":0,"root":""},"#,
    r#""data":{"stop":"s-1","reason":"done"}}"#
);

const NOTE: &str = "fuzz.example/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\
    \u{2014} fuzz.example/log AAAAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0A=\n";

const KEY: &str = "fuzz.example/log+00000000+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAh";

const TOKEN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6InNsdWljZS1wYXNzK2p3dCIsImtpZCI6ImEifQ.e30.AAAA";

/// The first inputs of a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match target {
        "hook_github" | "hook_gitlab" | "hook_jenkins" | "hook_cdevents" | "hook_generic" => {
            deliveries(target.trim_start_matches("hook_"))
        }
        "signature" => ["github", "gitlab", "cdevents"].into_iter().flat_map(deliveries).collect(),
        "strict_json" => texts(&[ENTRY, r#"[1e3,-0.5,"\ud83d\ude00",{"a":null}]"#, "\"\\u0000\""]),
        "policy_text" => files(&["crates/policy/rego", "examples/acme/policies"], "rego"),
        "guardrails" => {
            files(&["examples/acme/policies", "crates/organisation/template/policies"], "yaml")
        }
        "ledger_entry" => texts(&[ENTRY]),
        "ledger_note" => texts(&[NOTE, KEY, "c2sp.org/tlog-proof@v1\nindex 0\n\n"]),
        "pass_token" => texts(&[TOKEN]),
        "address" => texts(&[
            "https://listed.example/a?b=c",
            "https://listed.example:8443/",
            "https://user:pass@listed.example/",
            "https://listed.example@evil.example/",
            "http://[::1]:443/%2e%2e",
            "https://\u{ff4c}isted.example/",
        ]),
        "id_token" => texts(&[
            TOKEN,
            r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}]}"#,
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIn0.",
        ]),
        "names" => texts(&["CHG0000042", "shop/api-1", "person/abcdefghijklmnopqrstuvwxyz"]),
        "schedule" => texts(&[
            r#"{"zone":"Europe/Berlin","start":"2026-10-25T02:30:00","end":"PT8H","rrule":"FREQ=WEEKLY;BYDAY=FR;COUNT=9"}"#,
            r#"{"zone":"UTC","start":"2026-01-31","end":"P1D","all_day":true,"rrule":"FREQ=MONTHLY;BYMONTHDAY=-1","exdates":["2026-02-28"]}"#,
            "2026-02-29T24:00:00",
        ]),
        "scim" => texts(&[
            "userName eq \"ada\" and (emails[type eq \"work\" and value co \"@x\"] or not (active pr))",
            "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw \"L\"",
            "meta.lastModified gt 3 and x le -1.5e3 or y eq null",
        ]),
        "ics" => files(&["examples/acme/calendar"], "ics"),
        "organisation_yaml" => files(
            &[
                "examples/acme",
                "examples/acme/services",
                "examples/acme/services/search",
                "crates/organisation/template",
            ],
            "yaml",
        ),
        _ => Vec::new(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files of a kind, in order of their names.
fn paths(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder of seeds is there");
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths
}

fn files(folders: &[&str], ending: &str) -> Vec<Vec<u8>> {
    let paths = folders.iter().flat_map(|folder| paths(folder, ending));
    paths.filter_map(|path| fs::read(path).ok()).collect()
}

/// A connector's fixtures, as lines of headers, an empty line, and the body.
fn deliveries(kind: &str) -> Vec<Vec<u8>> {
    let folder = format!("crates/connectors/src/{kind}/fixtures");
    let read = |path: PathBuf| {
        let fixture: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let mut bytes = Vec::new();
        for (name, value) in fixture.get("headers").and_then(Value::as_object)? {
            bytes.extend(format!("{name}: {}\n", value.as_str()?).into_bytes());
        }
        bytes.push(b'\n');
        match fixture.get("body") {
            Some(Value::String(text)) => bytes.extend(text.as_bytes()),
            Some(body) => bytes.extend(serde_json::to_vec(body).ok()?),
            None => {}
        }
        Some(bytes)
    };
    paths(&folder, "json").into_iter().filter_map(read).collect()
}
