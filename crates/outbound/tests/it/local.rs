//! A real server on this machine, over real sockets and TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sluice_outbound::{Client, Failure, Limits, Method, Net, Reach, Request, Roots, Why};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Server {
    port: u16,
    pem: String,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// A server for `localhost` and `127.0.0.1` with a certificate of its own.
    async fn start() -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let says = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
                let _ = stream.write_all(says).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, pem: made.cert.pem(), connections }
    }

    fn reach(&self) -> Reach {
        let reach = Reach::new().host("localhost").unwrap().host("127.0.0.1").unwrap();
        reach.port(self.port)
    }

    async fn told(&self, roots: Roots, reach: &Reach, host: &str) -> Result<u16, Failure> {
        let client = Client::new(roots, Limits::default()).unwrap();
        let request = Request::new(Method::Get, format!("https://{host}:{}/", self.port));
        client.send(reach, request).await.map(|answer| answer.status)
    }
}

#[tokio::test]
async fn a_private_server_is_reached_when_its_network_is_opened_and_its_authority_is_known() {
    let server = Server::start().await;
    let roots = || Roots::of_system().and_pem(server.pem.as_bytes()).unwrap();
    let closed = server.reach();
    for host in ["localhost", "127.0.0.1"] {
        let outcome = server.told(roots(), &closed, host).await;
        assert_eq!(outcome, Err(Failure::Blocked(Why::PrivateAddress)));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0, "nothing was connected to");

    let open = closed.open("127.0.0.0/8").unwrap().open("::1").unwrap();
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(server.told(roots(), &open, host).await, Ok(200), "{host}");
    }
    assert_eq!(server.told(Roots::of_system(), &open, "localhost").await, Err(Failure::Tls));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let server = Server::start().await;
    let roots = Roots::of_system().and_pem(server.pem.as_bytes()).unwrap();
    let reach = server.reach().host("127.0.0.2").unwrap().open("127.0.0.0/8").unwrap();
    // The server listens on one address only, and this is another one of the same machine.
    let outcome = server.told(roots, &reach, "127.0.0.2").await;
    assert!(matches!(outcome, Err(Failure::Unreachable { sent: false } | Failure::Tls)));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let reach = Reach::new().host("127.0.0.1").unwrap().port(port).open("127.0.0.1").unwrap();
    let client = Client::new(Roots::of_system(), Limits::default()).unwrap();
    let request = Request::new(Method::Get, format!("https://127.0.0.1:{port}/"));
    assert_eq!(client.send(&reach, request).await, Err(Failure::Unreachable { sent: false }));
}

#[test]
fn trust_needs_certificates() {
    assert!(Roots::of_system().and_pem(b"").is_err());
    assert!(Roots::of_system().and_pem(b"-----BEGIN CERTIFICATE-----\nx").is_err());
}
