//! Logs and traces of the server.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::failure::Failure;
use crate::settings::{LogFormat, variable};

/// What is logged where nothing is said.
pub(super) const USUAL_FILTER: &str = "info";

/// Keeps traces flowing; what is left is sent when it goes.
pub(super) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Sets up logs on stderr, and traces where an endpoint is configured.
pub(super) fn start(
    format: LogFormat,
    filter: &str,
    otlp_endpoint: Option<&str>,
) -> Result<Telemetry, Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(
            format!("the log filter is not understood: {error}"),
            "write one such as `info` or `info,sluice_engine=debug`",
        )
    })?;
    let colours = std::io::stderr().is_terminal() && variable("NO_COLOR").is_none();
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let traces = otlp_endpoint.map(exporter).transpose()?;
    let spans = traces
        .as_ref()
        .map(|traces| tracing_opentelemetry::layer().with_tracer(traces.tracer("sluice")));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(spans)
        .try_init()
        .map_err(|error| Failure::new(format!("logs cannot be set up: {error}"), "report this"))?;
    Ok(Telemetry { traces })
}

/// Sends spans in batches as OTLP over HTTP.
fn exporter(endpoint: &str) -> Result<SdkTracerProvider, Failure> {
    let address = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address)
        .build()
        .map_err(|error| {
            Failure::usage(
                format!("traces cannot be sent to `{endpoint}`: {error}"),
                "give the address of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`",
            )
        })?;
    let resource = Resource::builder().with_service_name("sluice").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
