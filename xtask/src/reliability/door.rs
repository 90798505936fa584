//! Huge and malformed requests at the running server: each gets a named answer, and the process lives within its
//! memory.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};

use super::Options;
use super::check;
use super::http;
use super::report::Report;
use super::server::{self, How, Server};
use super::workload::{Client, signature};

/// Bodies of the largest allowed size at the same time.
const BODIES: usize = 200;
const BODY_BYTES: usize = 5 << 20;
/// What the process may need at most: bodies of 64 MiB, and as much again for copies and the allocator, beside what
/// it needs anyway.
const MOST_KIB: u64 = 512 * 1024;
/// Connections that send a part and then nothing.
const STALLED: usize = 100;

pub(crate) fn run(options: &Options, report: &mut Report) -> Result<()> {
    let folder = options.folder()?;
    let data = folder.path().join("data");
    let server = server::start(&options.binary, &data, &How::default())?.ready()?;
    let mut client = Client::to(server.address, server.token.clone(), "door");
    client.declare()?;
    client.work(5)?;
    let before = server.memory_kib("VmRSS");
    bodies(&client, report)?;
    let after_bodies = server.memory_kib("VmHWM");
    malformed(&client, report)?;
    stalled(server.address, &mut client, report)?;
    let most = server.memory_kib("VmHWM");
    report.says(format!(
        "resident memory: {} MiB before, at most {} MiB with the bodies, {} MiB in all, {} MiB after",
        before / 1024,
        after_bodies / 1024,
        most / 1024,
        server.memory_kib("VmRSS") / 1024
    ));
    if most > MOST_KIB {
        report.fault(format!("{} MiB were resident", most / 1024));
    }
    alive(&server, &mut client, report)?;
    check::settle(options, server, &data, &mut [client], report)
}

/// Deliveries of five megabytes, all at once, a half of them rightly signed.
fn bodies(client: &Client, report: &mut Report) -> Result<()> {
    let [stored, shed, refused, lost] = [const { AtomicUsize::new(0) }; 4];
    let odd = AtomicUsize::new(0);
    let mut body = format!("{{\"zen\":\"{}", "x".repeat(BODY_BYTES));
    body.truncate(BODY_BYTES - 2);
    body.push_str("\"}");
    let signed = signature(body.as_bytes());
    std::thread::scope(|scope| {
        for number in 0..BODIES {
            let (body, signed, odd) = (body.as_bytes(), signed.as_str(), &odd);
            let (stored, shed, refused, lost) = (&stored, &shed, &refused, &lost);
            scope.spawn(move || {
                let wrong = format!("sha256={}", "0".repeat(64));
                let signature = if number % 2 == 0 { signed } else { &wrong };
                let counter = match client.send_hook(&format!("big-{number}"), body, signature) {
                    Ok(answer) => match answer.status {
                        200..=299 => stored,
                        503 => shed,
                        400..=499 => refused,
                        _ => odd,
                    },
                    Err(_) => lost,
                };
                counter.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    report.says(format!(
        "{BODIES} bodies of 5 MiB at once: {} taken, {} told to come again, {} refused, {} connections closed on them",
        count(&stored),
        count(&shed),
        count(&refused),
        count(&lost)
    ));
    if count(&odd) > 0 {
        report.fault(format!("{} bodies were answered with another status", count(&odd)));
    }
    Ok(())
}

/// Bodies that no question is made of; each has to be answered with a 4xx that names its code.
fn malformed(client: &Client, report: &mut Report) -> Result<()> {
    let token = client.pipeline.clone().context("no token")?;
    let mut count = 0;
    for (name, body) in corpus() {
        count += 1;
        let began = std::time::Instant::now();
        match client.post("/api/v1/gate", &token, &format!("bad-{name}"), &body) {
            Ok(answer)
                if (400..500).contains(&answer.status) && !answer.text("/code").is_empty() => {}
            Ok(answer) => {
                report.fault(format!("{name} is answered with {} {}", answer.status, answer.body));
            }
            // Whoever declares too much may find the door shut while still sending.
            Err(_) if body.len() > 1 << 20 => {}
            Err(error) => report.fault(format!("{name} is not answered: {error}")),
        }
        if began.elapsed().as_secs() >= 5 {
            report.fault(format!("{name} took {:?}", began.elapsed()));
        }
    }
    let to = client.server()?;
    for (name, bytes) in heads() {
        count += 1;
        match http::raw(to, &[&bytes]) {
            Ok(answer) if (400..500).contains(&answer.status) => {}
            // A head that is none of HTTP's may be answered with the end of the connection.
            Err(_) => {}
            Ok(answer) => report.fault(format!("{name} is answered with {}", answer.status)),
        }
    }
    report.says(format!(
        "{count} malformed requests: all answered with 4xx, or the connection closed"
    ));
    Ok(())
}

fn corpus() -> Vec<(&'static str, Vec<u8>)> {
    let keys: Vec<String> = (0..1_000_000).map(|number| format!("\"k{number}\":1")).collect();
    let nested = |open: &str, shut: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), shut.repeat(depth)).into_bytes()
    };
    vec![
        ("nothing", Vec::new()),
        ("no JSON", b"<xml/>".to_vec()),
        ("half a body", b"{\"service\":\"do".to_vec()),
        ("two values", b"{} {}".to_vec()),
        ("25 MiB", format!("{{\"service\":\"{}\"}}", "x".repeat(25 << 20)).into_bytes()),
        ("25 MiB of spaces", vec![b' '; 25 << 20]),
        ("arrays 100,000 deep", nested("[", "]", 100_000)),
        ("objects 100,000 deep", nested("{\"a\":", "}", 100_000)),
        ("arrays 200 deep", nested("[", "]", 200)),
        ("a million keys", format!("{{{}}}", keys.join(",")).into_bytes()),
        ("invalid UTF-8", b"{\"service\":\"\xff\xfe\"}".to_vec()),
        ("an overlong UTF-8 form", b"{\"service\":\"\xc0\xaf\"}".to_vec()),
        ("a lone surrogate", b"{\"service\":\"\\ud800\"}".to_vec()),
        ("1e400", b"{\"lines_changed\":1e400}".to_vec()),
        (
            "a number of 10,000 digits",
            format!("{{\"lines_changed\":{}}}", "9".repeat(10_000)).into_bytes(),
        ),
        ("a negative count", b"{\"lines_changed\":-1}".to_vec()),
        ("duplicate keys", b"{\"service\":\"docs\",\"service\":\"payments\"}".to_vec()),
        (
            "duplicate keys, escaped",
            b"{\"service\":\"docs\",\"servic\\u0065\":\"payments\"}".to_vec(),
        ),
        ("an unknown key", b"{\"servce\":\"docs\"}".to_vec()),
        ("a NUL in a name", b"{\"service\":\"do\\u0000cs\"}".to_vec()),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("NaN", b"{\"lines_changed\":NaN}".to_vec()),
        ("a comment", b"{/* */}".to_vec()),
        ("a trailing comma", b"{\"service\":\"docs\",}".to_vec()),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
    ]
}

/// Heads that are not what HTTP asks for.
fn heads() -> Vec<(&'static str, Vec<u8>)> {
    let many: String = (0..10_000).map(|number| format!("x-{number}: 1\r\n")).collect();
    let post = "POST /api/v1/gate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    vec![
        ("10,000 headers", format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n").into_bytes()),
        (
            "a header of 1 MiB",
            format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)).into_bytes(),
        ),
        ("a path of 1 MiB", format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(1 << 20)).into_bytes()),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        (
            "two lengths",
            format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}").into_bytes(),
        ),
        (
            "a length and chunks",
            format!("{post}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
                .into_bytes(),
        ),
        (
            "a bad chunk",
            format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n").into_bytes(),
        ),
        ("a negative length", format!("{post}content-length: -1\r\n\r\n").into_bytes()),
        (
            "an encoded body",
            format!("{post}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}").into_bytes(),
        ),
    ]
}

/// Connections that send a part of a body and wait; others must be answered meanwhile.
fn stalled(to: SocketAddr, client: &mut Client, report: &mut Report) -> Result<()> {
    let token = client.pipeline.clone().context("no token")?;
    let head = format!(
        "POST /api/v1/gate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nidempotency-key: s\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"
    );
    let mut held = Vec::new();
    for _ in 0..STALLED {
        let mut stream = http::connect(to)?;
        stream.write_all(head.as_bytes())?;
        held.push(stream);
    }
    let refused = client.refused.len();
    client.work(5)?;
    if client.refused.len() > refused {
        report.fault(format!("beside {STALLED} stalled bodies a question is refused"));
    }
    report.says(format!("questions are answered beside {STALLED} stalled bodies"));
    Ok(())
}

fn alive(server: &Server, client: &mut Client, report: &mut Report) -> Result<()> {
    let answer = http::send(server.address, "GET", "/readyz", &[], b"")?;
    let refused = client.refused.len();
    client.work(1)?;
    if answer.status != 200 || client.refused.len() > refused {
        report.fault(format!("it does not answer as before: `/readyz` says {}", answer.status));
    }
    Ok(())
}
