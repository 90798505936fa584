//! One request and its answer over a connection that is made.

use std::error::Error as _;
use std::io;
use std::io::ErrorKind::{InvalidData, InvalidInput};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::decode::unpacked;
use crate::failure::{Failure, Why};
use crate::request::{Answer, Method, Request};
use crate::target::Target;
use crate::world::Stream;

/// Bytes of an answer's head.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Headers of an answer.
const MAX_HEADERS: usize = 100;
/// Bytes of a request's body.
const MAX_BODY_BYTES: usize = 16 << 20;

/// Headers that are the client's to set, and those that belong to one connection.
const OURS: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "accept-encoding",
];

/// The request as it goes out.
pub(crate) fn prepare(
    request: &Request,
    target: &Target,
    with_secrets: bool,
) -> Result<http::Request<Full<Bytes>>, Failure> {
    let bad = Failure::Blocked(Why::Header);
    if request.body.len() > MAX_BODY_BYTES {
        return Err(Failure::Blocked(Why::Body));
    }
    let mut prepared = http::Request::builder()
        .method(request.method.as_str())
        .uri(target.path_and_query())
        .body(Full::new(Bytes::from(request.body.clone())))
        .map_err(|_| Failure::Blocked(Why::Malformed))?;
    let headers = prepared.headers_mut();
    let host = HeaderValue::from_str(&target.authority()).map_err(|_| bad)?;
    headers.insert(HOST, host);
    headers.insert("accept-encoding", HeaderValue::from_static("gzip"));
    let agent = HeaderValue::from_static(concat!("sluice/", env!("CARGO_PKG_VERSION")));
    headers.insert("user-agent", agent);
    if request.method != Method::Get || !request.body.is_empty() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
    }
    for field in request.headers.iter().filter(|field| with_secrets || !field.secret) {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| bad)?;
        if OURS.contains(&name.as_str()) {
            return Err(bad);
        }
        let mut value = HeaderValue::from_str(&field.value).map_err(|_| bad)?;
        value.set_sensitive(field.secret);
        headers.append(name, value);
    }
    Ok(prepared)
}

/// Sends, and reads the answer up to its limit.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    request: http::Request<Full<Bytes>>,
    most_bytes: usize,
) -> Result<Answer, Failure> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Failure::Unreachable { sent: false })?;
    let answering = async {
        let response = sender.send_request(request).await.map_err(|error| named(&error))?;
        read(response, most_bytes).await
    };
    tokio::pin!(answering);
    tokio::pin!(connection);
    // The connection is driven here and not in a task of its own, so that nothing outlives a call.
    tokio::select! {
        biased;
        answer = &mut answering => answer,
        _ = &mut connection => answering.await,
    }
}

async fn read(response: http::Response<Incoming>, most_bytes: usize) -> Result<Answer, Failure> {
    let (head, mut body) = response.into_parts();
    if body.size_hint().lower() > u64::try_from(most_bytes).unwrap_or(u64::MAX) {
        return Err(Failure::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| named(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() + data.len() > most_bytes {
            return Err(Failure::TooLarge);
        }
        bytes.extend_from_slice(data);
    }
    let mut encodings = Vec::new();
    for value in head.headers.get_all(CONTENT_ENCODING) {
        encodings.push(value.to_str().map_err(|_| Failure::BadResponse)?);
    }
    let body = unpacked(bytes, &encodings, most_bytes)?;
    let headers = head
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    Ok(Answer { status: head.status.as_u16(), headers, body })
}

fn named(error: &hyper::Error) -> Failure {
    // Chunks that are none come as errors of input and output.
    let unreadable = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|cause| matches!(cause.kind(), InvalidInput | InvalidData));
    if unreadable || error.is_parse() || error.is_incomplete_message() {
        Failure::BadResponse
    } else {
        Failure::Unreachable { sent: true }
    }
}
