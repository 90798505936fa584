//! A network that is data: names, and what answers at an address.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use sluice_outbound::{Client, Connecting, Limits, Resolving, Roots, Stream, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What happened.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) asked: Vec<String>,
    pub(crate) connected: Vec<SocketAddr>,
    pub(crate) requests: Vec<String>,
}

/// What a name leads to, by how often it was asked before.
type Names = Box<dyn Fn(&str, usize) -> Vec<IpAddr> + Send + Sync>;

/// The network. Every address answers with the same bytes.
pub(crate) struct Fake {
    pub(crate) names: Names,
    pub(crate) says: Vec<u8>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Fake {
    pub(crate) fn new(names: impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static) -> Self {
        let says = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
        Self { names: Box::new(names), says, seen: Arc::default() }
    }

    pub(crate) fn saying(mut self, says: impl Into<Vec<u8>>) -> Self {
        self.says = says.into();
        self
    }

    pub(crate) fn client(self) -> (Client, Arc<Mutex<Seen>>) {
        let seen = self.seen.clone();
        let client = Client::over(Box::new(self), Roots::of_system(), Limits::default()).unwrap();
        (client, seen)
    }
}

impl World for Fake {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        let mut seen = self.seen.lock().unwrap();
        let before = seen.asked.iter().filter(|asked| *asked == name).count();
        seen.asked.push(name.to_owned());
        let found = (self.names)(name, before);
        Box::pin(async move { Ok(found) })
    }

    fn connect(&self, to: SocketAddr) -> Connecting<'_> {
        self.seen.lock().unwrap().connected.push(to);
        let says = self.says.clone();
        let seen = self.seen.clone();
        Box::pin(async move {
            let (ours, mut theirs) = tokio::io::duplex(64 << 10);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                    let mut buffer = [0; 1024];
                    match theirs.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => head.extend_from_slice(buffer.get(..read).unwrap()),
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                seen.lock().unwrap().requests.push(head);
                let _ = theirs.write_all(&says).await;
            });
            Ok(Box::new(ours) as Box<dyn Stream>) as io::Result<_>
        })
    }
}

/// The names of the corpus.
pub(crate) fn corpus_names() -> impl Fn(&str, usize) -> Vec<IpAddr> + Send + Sync + 'static {
    let mut known = BTreeMap::new();
    for line in include_str!("corpus/names.txt").lines().filter(|line| !line.starts_with('#')) {
        let (name, addresses) = line.split_once('\t').unwrap();
        let addresses: Vec<IpAddr> =
            addresses.split_whitespace().map(|address| address.parse().unwrap()).collect();
        known.insert(name.to_owned(), addresses);
    }
    move |name, _| {
        known.get(name).cloned().unwrap_or_else(|| vec!["93.184.215.14".parse().unwrap()])
    }
}
