//! A neighbour as a server on a port of this machine: what Sluice reaches over HTTP, and what can be unplugged.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use sluice_engine::Clock;
use sluice_engine::outbound::Failure;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Lies, Neighbour, Seen, lies, pairs};

/// The largest body that a neighbour reads.
const MOST: usize = 1 << 22;

/// A neighbour on a port; it is there while it is plugged in.
pub struct Port {
    neighbour: Arc<Mutex<dyn Neighbour>>,
    clock: Arc<dyn Clock>,
    lies: Arc<Mutex<Lies>>,
    address: SocketAddr,
    /// Whether it answers on connections that there are already.
    is_in: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Port {
    /// Plugs a neighbour in at a port; 0 for any that is free.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub async fn open(
        neighbour: Arc<Mutex<dyn Neighbour>>,
        clock: Arc<dyn Clock>,
        port: u16,
    ) -> std::io::Result<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let lies = Arc::new(Mutex::new(Lies::none()));
        let is_in = Arc::default();
        let mut port = Self { neighbour, clock, lies, address, is_in, serving: None };
        port.plug_in().await?;
        Ok(port)
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lies from now on.
    pub fn lie(&self, lies: Lies) {
        *self.lies.lock().expect("nobody panics with it") = lies;
    }

    /// Takes it away: nobody can connect.
    pub fn unplug(&mut self) {
        self.is_in.store(false, Ordering::Relaxed);
        if let Some(serving) = self.serving.take() {
            serving.abort();
        }
    }

    /// Brings it back at the same address, with its state.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub async fn plug_in(&mut self) -> std::io::Result<()> {
        self.unplug();
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let (neighbour, clock) = (Arc::clone(&self.neighbour), Arc::clone(&self.clock));
        let (lies, is_in) = (Arc::clone(&self.lies), Arc::clone(&self.is_in));
        is_in.store(true, Ordering::Relaxed);
        let app = axum::Router::new().fallback(async move |request: Request| {
            let seen = seen(request).await;
            if !is_in.load(Ordering::Relaxed) {
                return Ok::<_, Infallible>(broken());
            }
            let lie = lies.lock().expect("nobody panics with it").next("", &seen);
            let said = {
                let mut neighbour = neighbour.lock().expect("nobody panics with it");
                lies::tell(lie, &mut *neighbour, &seen, clock.now())
            };
            let said = match said {
                Ok(said) => said,
                Err(failure) => return Ok(failed(&failure)),
            };
            let mut response = Response::builder().status(said.status);
            for (name, value) in said.headers {
                response = response.header(name, value);
            }
            Ok(response.body(Body::from(said.body)).expect("a response"))
        });
        self.serving = Some(tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                unreachable!("a server on this machine goes on: {error}");
            }
        }));
        Ok(())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.unplug();
    }
}

async fn seen(request: Request) -> Seen {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MOST).await.unwrap_or_default();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: body.to_vec(),
    }
}

/// How a failure looks on the wire: an answer that drips, does not end, or breaks off.
fn failed(failure: &Failure) -> Response {
    let part = Bytes::from_static(&[b' '; 65_536]);
    match failure {
        Failure::Timeout { .. } => {
            Response::new(Body::from_stream(stream::pending::<std::io::Result<Bytes>>()))
        }
        Failure::TooLarge => Response::new(Body::from_stream(stream::repeat_with(move || {
            std::io::Result::Ok(part.clone())
        }))),
        _ => broken(),
    }
}

fn broken() -> Response {
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::once(
        async move { std::io::Result::<Bytes>::Err(cut) },
    )))
}
