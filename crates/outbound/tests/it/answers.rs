//! What the other side says, and what it is called.

use std::io::{self, Write};
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use sluice_outbound::{
    Client, Connecting, Failure, Limits, Method, Net, Reach, Request, Resolving, Roots, Stream,
    Why, World,
};

use crate::world::Fake;

fn reach() -> Reach {
    Reach::new().plain_host("itsm.example").unwrap()
}

fn get() -> Request {
    Request::new(Method::Get, "http://itsm.example/api?x=1")
}

fn public() -> Fake {
    Fake::new(|_, _| vec!["93.184.215.14".parse().unwrap()])
}

/// Status and length, or why there is none.
type Told = Result<(u16, usize), Failure>;

async fn told(says: impl Into<Vec<u8>>) -> Told {
    let (client, _) = public().saying(says).client();
    client.send(&reach(), get()).await.map(|answer| (answer.status, answer.body.len()))
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{head}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_answer_has_a_name_whatever_it_is() {
    let chunks = "10000\r\n".to_owned() + &"x".repeat(0x10000) + "\r\n";
    let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    let headers = "x: y\r\n".repeat(5000);
    let long = format!("x: {}\r\n", "y".repeat(128 << 10));
    let bad = Err(Failure::BadResponse);
    let broken = Err(Failure::Unreachable { sent: true });
    let cases: Vec<(Vec<u8>, Told)> = vec![
        (answer("", b"hello"), Ok((200, 5))),
        (answer("content-encoding: gzip\r\n", &gzip(b"hello")), Ok((200, 5))),
        (b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Ok((204, 0))),
        (b"HTTP/1.1 500 No\r\ncontent-length: 1\r\n\r\nx".to_vec(), Ok((500, 1))),
        (answer("", &vec![b'x'; 1 << 20]), Ok((200, 1 << 20))),
        (answer("", &vec![b'x'; (1 << 20) + 1]), Err(Failure::TooLarge)),
        ((endless + &chunks.repeat(20)).into_bytes(), Err(Failure::TooLarge)),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
            Err(Failure::TooLarge),
        ),
        (answer("content-encoding: gzip\r\n", &gzip(&vec![0; 64 << 20])), Err(Failure::TooLarge)),
        (answer("content-encoding: gzip\r\n", b"not packed"), bad),
        (answer("content-encoding: br\r\n", b"x"), bad),
        (answer("content-encoding: gzip, gzip\r\n", &gzip(&gzip(b"x"))), bad),
        (answer(&headers, b""), bad),
        (answer(&long, b""), bad),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec(), broken),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx".to_vec(), bad),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx".to_vec(), bad),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec(), bad),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), bad),
        (b"<html>".to_vec(), bad),
        (b"\0\0\0\0".to_vec(), bad),
        (b"".to_vec(), bad),
    ];
    for (says, expected) in cases {
        let start = String::from_utf8_lossy(says.get(..says.len().min(90)).unwrap()).into_owned();
        assert_eq!(told(says).await, expected, "{start}");
    }
}

#[tokio::test]
async fn a_request_may_ask_for_less() {
    let (client, _) = public().saying(answer("", b"hello")).client();
    let mut request = get();
    request.most_bytes = Some(4);
    assert_eq!(client.send(&reach(), request).await, Err(Failure::TooLarge));
}

#[tokio::test]
async fn headers_of_the_connection_are_not_the_callers_to_set() {
    for (name, value) in [
        ("host", "evil.example"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("connection", "upgrade"),
        ("proxy-authorization", "x"),
        ("x", "a\r\nhost: evil.example"),
        ("x\r\ny", "a"),
        ("", "a"),
        ("x", "a\0"),
    ] {
        let (client, seen) = public().client();
        let outcome = client.send(&reach(), get().header(name, value)).await;
        assert_eq!(outcome, Err(Failure::Blocked(Why::Header)), "{name:?}: {value:?}");
        assert!(seen.lock().unwrap().connected.is_empty());
    }
}

#[tokio::test]
async fn the_request_is_what_was_asked_for() {
    let (client, seen) = public().client();
    let request = Request::new(Method::Patch, "http://itsm.example/a%20b/../c?q=%2F#part")
        .header("x-key", "42")
        .body("application/json", "{}");
    client.send(&reach(), request).await.unwrap();
    let seen = seen.lock().unwrap();
    let head = seen.requests.first().unwrap();
    assert!(head.starts_with("PATCH /c?q=%2F HTTP/1.1\r\n"), "{head}");
    for line in [
        "host: itsm.example\r\n",
        "content-length: 2\r\n",
        "x-key: 42\r\n",
        "accept-encoding: gzip",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
}

/// A network in which something never comes.
struct Silent {
    connects: bool,
}

impl World for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(async { Ok(vec!["93.184.215.14".parse().unwrap()]) })
    }

    fn connect(&self, _: SocketAddr) -> Connecting<'_> {
        let connects = self.connects;
        Box::pin(async move {
            if !connects {
                std::future::pending::<()>().await;
            }
            let (ours, theirs) = tokio::io::duplex(1 << 10);
            std::mem::forget(theirs);
            Ok(Box::new(ours) as Box<dyn Stream>) as io::Result<_>
        })
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_in_time() {
    for (connects, sent, seconds) in [(false, false, 3), (true, true, 15)] {
        let world = Box::new(Silent { connects });
        let client = Client::over(world, Roots::of_system(), Limits::default()).unwrap();
        let before = tokio::time::Instant::now();
        let outcome = client.send(&reach(), get()).await;
        assert_eq!(outcome, Err(Failure::Timeout { sent }));
        assert_eq!(before.elapsed().as_secs(), seconds);
        assert_eq!(outcome.unwrap_err().may_have_arrived(), sent);
    }
}
