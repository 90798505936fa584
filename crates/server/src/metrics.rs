//! Metrics, in the OpenMetrics text form that Prometheus reads.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sluice_core::gate::Decision;
use sluice_engine::WitnessCard;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    /// `2xx`, `4xx`, ...
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answer {
    answer: &'static str,
}

/// A credential of a link: names that the organisation gave.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Held {
    pub(crate) link: String,
    pub(crate) credential: String,
}

/// A witness: its name, from the operator's configuration.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cosigner {
    witness: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

/// The server's own measurements. Labels are routes and words, never what a caller sent.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    latency: Family<Route, Histogram>,
    decisions: Family<Answer, Counter>,
    ledger_size: Gauge<u64, AtomicU64>,
    inbox_backlog: Gauge<u64, AtomicU64>,
    expiries: Family<Held, Gauge>,
    cosigned_size: Family<Cosigner, Gauge<u64, AtomicU64>>,
    cosigned_at: Family<Cosigner, Gauge>,
}

/// Upper bounds of the latency's buckets, in seconds.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("sluice");
        let requests = Family::<Request, Counter>::default();
        let latency = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let decisions = Family::<Answer, Counter>::default();
        let ledger_size = Gauge::<u64, AtomicU64>::default();
        let inbox_backlog = Gauge::<u64, AtomicU64>::default();
        let expiries = Family::<Held, Gauge>::default();
        let build = Family::<Build, Gauge>::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to answer", latency.clone());
        registry.register("gate_decisions", "Gate decisions made", decisions.clone());
        registry.register("ledger_entries", "Entries in the ledger", ledger_size.clone());
        registry.register("inbox_backlog", "Deliveries not handled yet", inbox_backlog.clone());
        let about = "When a link's credential expires, in seconds since 1970";
        registry.register("link_credential_expires", about, expiries.clone());
        let cosigned_size = Family::<Cosigner, Gauge<u64, AtomicU64>>::default();
        let cosigned_at = Family::<Cosigner, Gauge>::default();
        let about = "How many entries a witness has last cosigned";
        registry.register("witness_cosigned_size", about, cosigned_size.clone());
        let about = "When a witness last cosigned, by its own clock, in seconds since 1970";
        registry.register("witness_last_success_timestamp_seconds", about, cosigned_at.clone());
        registry.register("build_info", "The version that runs", build);
        Self {
            registry,
            requests,
            latency,
            decisions,
            ledger_size,
            inbox_backlog,
            expiries,
            cosigned_size,
            cosigned_at,
        }
    }
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn request(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        let labels =
            Request { method: known(method), route: route.to_owned(), status: class(status) };
        self.requests.get_or_create(&labels).inc();
        let labels = Route { route: route.to_owned() };
        self.latency.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a gate decision.
    pub(crate) fn decision(&self, answer: Decision) {
        self.decisions.get_or_create(&Answer { answer: answer.as_str() }).inc();
    }

    /// All of them as text.
    pub(crate) fn render(
        &self,
        ledger_size: u64,
        inbox_backlog: u64,
        expiries: impl IntoIterator<Item = (Held, i64)>,
        witnesses: &[WitnessCard],
    ) -> String {
        for card in witnesses {
            let labels = Cosigner { witness: card.name.clone() };
            self.cosigned_size.get_or_create(&labels).set(card.size.unwrap_or(0));
            if let Some(at) = card.at {
                self.cosigned_at.get_or_create(&labels).set(at.as_second());
            }
        }
        self.ledger_size.set(ledger_size);
        self.inbox_backlog.set(inbox_backlog);
        self.expiries.clear();
        for (held, at_s) in expiries {
            self.expiries.get_or_create(&held).set(at_s);
        }
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics could not be written");
        }
        text
    }
}

/// A method as a label; what a caller makes up is not.
fn known(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
