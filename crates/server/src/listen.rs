//! Listening: connections, their limits, and stopping without dropping what is under way.

use std::future::{Future, Ready, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use futures_util::future::Either;
use http::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use sluice_engine::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::options::ServerOptions;
use crate::overload::Doorstep;
use crate::routes;
use crate::session::Peer;

/// Bytes of one request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// Headers of one request.
const HEADERS: usize = 100;
/// Streams of one HTTP/2 connection at the same time.
const STREAMS: u32 = 100;

/// Serves until `shutdown` resolves; then accepts nothing more, ends long polls and event
/// streams, and waits for what is under way for as long as the options say.
pub async fn serve(
    engine: Engine,
    listener: TcpListener,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) {
    let (drain, patience) = (options.drain, options.header_timeout);
    let places = Arc::new(Semaphore::new(options.connections));
    let builder = Arc::new(builder(&options));
    let app = App::new(engine, options);
    let router = routes::router(&app);
    let doorstep = Doorstep::new(app.clone(), routes::route_table());
    let graceful = GracefulShutdown::new();
    let watched = app.clone();
    let watch = tokio::spawn(async move { watched.overload.watch().await });
    tokio::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        let watcher = graceful.watcher();
        tokio::spawn(connection(
            Arc::clone(&builder),
            stream,
            (doorstep.clone(), router.clone()),
            watcher,
            patience,
            place,
        ));
    }
    drop(listener);
    watch.abort();
    app.closing.send_replace(true);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests under way were cut off after the time to finish");
    }
}

fn builder(options: &ServerOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                // Out of file descriptors: what is open may end soon.
                tracing::error!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection. One on which no request has come within `patience` is closed: whoever
/// keeps a connection silent, or stays at its first bytes, must not keep its place.
async fn connection(
    builder: Arc<Builder<TokioExecutor>>,
    stream: TcpStream,
    (doorstep, router): (Doorstep, Router),
    watcher: Watcher,
    patience: Duration,
    place: Option<OwnedSemaphorePermit>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delays");
    }
    let asked = Arc::new(AtomicBool::new(false));
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
    let inner = TowerToHyperService::new(router);
    let service = Noting { doorstep, inner, asked: Arc::clone(&asked), peer };
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let served = watcher.watch(connection);
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => Some(ended),
        () = tokio::time::sleep(patience) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None if asked.load(Ordering::Relaxed) => served.await,
        None => return,
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended badly");
    }
    drop(place);
}

/// Notes that a request has come, and from where. What there is no room for goes no further.
#[derive(Clone)]
struct Noting {
    doorstep: Doorstep,
    inner: TowerToHyperService<Router>,
    asked: Arc<AtomicBool>,
    peer: Option<Peer>,
}

impl Service<Request<Incoming>> for Noting {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = Either<
        Ready<Result<Self::Response, Self::Error>>,
        <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future,
    >;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.asked.store(true, Ordering::Relaxed);
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
        let (method, path) = (request.method(), request.uri().path());
        match self.doorstep.refusal(method, path, request.headers()) {
            Some(refusal) => Either::Left(ready(Ok(refusal))),
            None => Either::Right(self.inner.call(request)),
        }
    }
}
