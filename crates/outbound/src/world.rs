//! Names and connections, as the client needs them. The only place that opens sockets.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Addresses to come.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;
/// A connection to come.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send + 'a>>;

/// What the client sees of the network. A test puts its own behind it.
pub trait World: Send + Sync {
    /// All addresses of a name. Called once for each request: nothing looks a name up again.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;

    /// A connection to exactly this address.
    fn connect(&self, to: SocketAddr) -> Connecting<'_>;
}

/// The network of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sockets;

impl World for Sockets {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn connect(&self, to: SocketAddr) -> Connecting<'_> {
        Box::pin(async move {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }
}
