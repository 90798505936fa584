//! The server on a real socket: limits of connections, and stopping.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use sluice_server::{ServerOptions, serve};
use sluice_testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Running {
    app: TestApp,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start(options: ServerOptions) -> Running {
    let app = TestApp::empty().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let engine = app.engine.clone();
    let served = tokio::spawn(serve(engine, listener, options, async move {
        let _ = stopped.await;
    }));
    Running { app, address, stop, served }
}

impl Running {
    /// Sends bytes and reads until the server closes the connection.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        // The server may close before all is written.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

#[tokio::test]
async fn a_request_is_answered_and_odd_ones_are_refused() {
    let running = start(ServerOptions::default()).await;
    let header = |name: &str, bytes: usize| format!("{name}: {}\r\n", "x".repeat(bytes));
    let many: String = (0..120).map(|number| header(&format!("x-{number}"), 1)).collect();
    for (bytes, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), "200"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}\r\n", header("x", 20_000)), "431"),
        (format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{many}\r\n"), "431"),
        ("GET /healthz HTTP/9.9\r\n\r\n".to_owned(), "400"),
        ("\0\0\0\0\r\n\r\n".to_owned(), "400"),
        ("POST /api/v1/gate HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), "4"),
        ("GET http://other/healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(), "200"),
    ] {
        let answer = running.exchange(bytes.as_bytes()).await;
        let first = answer.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("HTTP/1.1 {status}")), "{bytes:.60}: {first}");
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let options =
        ServerOptions { header_timeout: Duration::from_millis(50), ..ServerOptions::default() };
    let running = start(options).await;
    for bytes in ["", "P", "PRI * HTT", "GET /healthz HTTP/1.1\r\nx-slow: "] {
        let answer = running.exchange(bytes.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{bytes}");
    }
}

#[tokio::test]
async fn stopping_ends_event_streams_and_answers_what_is_under_way() {
    let running = start(ServerOptions::default()).await;
    let mut stream = TcpStream::connect(running.address).await.expect("a connection");
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        running.app.admin
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = [0; 15];
    stream.read_exact(&mut head).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    let Running { app, stop, served, .. } = running;
    stop.send(()).expect("the server runs");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.expect("the stream ends");
    served.await.expect("the server stops");
    drop(app);
}

#[tokio::test]
async fn a_further_connection_waits_for_a_place() {
    let options = ServerOptions { connections: 1, ..ServerOptions::default() };
    let running = start(options).await;
    let mut first = TcpStream::connect(running.address).await.expect("a connection");
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
    let mut head = [0; 15];
    first.read_exact(&mut head).await.expect("the first is answered");
    let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let second = running.exchange(request);
    let mut second = std::pin::pin!(second);
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    assert!(second.await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn http_2_announces_its_limits() {
    const SETTINGS: u8 = 4;
    let running = start(ServerOptions::default()).await;
    let mut stream = TcpStream::connect(running.address).await.expect("a connection");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("sent");
    stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]).await.expect("sent");
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.expect("a frame");
    assert_eq!(head[3], SETTINGS);
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut payload).await.expect("its payload");
    let value = |id: u8| {
        let setting = payload.chunks(6).find(|setting| setting[..2] == [0, id])?;
        Some(u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]))
    };
    assert_eq!((value(3), value(6)), (Some(100), Some(16 * 1024)));
}
