//! `sluice serve`: opens the folder, prints how to reach it, and serves until told to stop.

mod telemetry;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sluice_engine::clock::SystemClock;
use sluice_engine::outbound::{self, Net, Roots};
use sluice_engine::rng::SystemRng;
use sluice_engine::store::{OpenError as StoreError, SafeHaltKind};
use sluice_engine::{Engine, EngineOptions, OpenError, Vault, Witnessing};
use sluice_server::ServerOptions;

use crate::exit;
use crate::failure::{Failure, Outcome, chain};
use crate::output;
use crate::settings::{
    LogFormat, PlainSecrets, ServeFile, odd, providers, vault, with_secrets, witnessing,
};

/// Arguments of `sluice serve`. Most can stand in the configuration file too; flags go first.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 stopped as told; 1 it could not start; 2 the command line or configuration makes no sense;\n\
3 safe halt: the folder is not what was acknowledged, and the message says what to do."
)]
pub(crate) struct ServeArgs {
    /// Folder of the instance; made when it does not exist [default: ./sluice-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:7171]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The anchor file, better on another device than the folder
    #[arg(long, value_name = "PATH")]
    anchor: Option<PathBuf>,
    /// Name of the log, such as `sluice.example.org`; only at the first start
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Take the database as it is although its anchor is gone: a decision for a person
    #[arg(long)]
    adopt_missing_anchor: bool,
    /// Form of the log lines [default: text]
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// What is logged, such as `info,sluice_engine=debug` [default: info]
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
    /// Send traces there: OTLP over HTTP, such as `http://127.0.0.1:4318`
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// For crash tests: the named point at which the process kills itself
    #[arg(long, value_name = "POINT", hide = true)]
    crash_at: Option<String>,
    /// For tests of a full disk: the most pages that the database may have
    #[arg(long, value_name = "N", hide = true)]
    max_pages: Option<u32>,
}

/// Opens, serves, and closes in order.
pub(crate) fn run(arguments: &ServeArgs) -> Outcome {
    let file = arguments.config.as_deref().map(ServeFile::read).transpose()?.unwrap_or_default();
    let listen = arguments.listen.as_ref().or(file.listen.as_ref()).map_or("127.0.0.1:7171", |l| l);
    let listen: SocketAddr = listen.parse().map_err(|_| {
        Failure::usage(
            format!("`{listen}` is not an address and a port"),
            "write one such as `127.0.0.1:7171`",
        )
    })?;
    let filter = arguments.log_filter.as_ref().or(file.log.filter.as_ref());
    let _telemetry = telemetry::start(
        arguments.log_format.or(file.log.format).unwrap_or_default(),
        filter.map_or(telemetry::USUAL_FILTER, |filter| filter),
        arguments.otlp_endpoint.as_ref().or(file.traces.otlp_endpoint.as_ref()).map(String::as_str),
    )?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
            Failure::new(format!("the runtime cannot start: {e}"), "free some resources")
        })?;
    let _entered = runtime.enter();
    let net = net(file.outbound.ca_file.as_deref())?;
    let vault = vault(&file.secrets)?;
    let served_how = server_options(&file)?;
    with_secrets(&served_how.providers, &PlainSecrets)?;
    let witnesses = witnessing(&file.witness, &file.witnessing)?;
    let engine = Engine::open(options(arguments, file, net, vault, witnesses))
        .map_err(|error| not_opened(&error))?;
    let table = engine.standing().access.table.clone();
    for odd in odd(&served_how.providers, |role| table.role(role).is_some()) {
        output::note(&format!("warning: {}", output::clean(&odd)));
    }
    let served = runtime.block_on(serve(engine.clone(), listen, served_how));
    engine.shutdown();
    served
}

/// Why the folder does not open, with what to do where the message does not say it.
fn not_opened(error: &OpenError) -> Failure {
    let help = match error {
        OpenError::Store(StoreError::SafeHalt { kind: SafeHaltKind::MissingAnchor, .. }) => {
            "nothing was changed; to adopt it, start once with `--adopt-missing-anchor`"
        }
        OpenError::Store(StoreError::SafeHalt { kind: SafeHaltKind::OtherFormat, .. }) => {
            "nothing was changed"
        }
        OpenError::Store(StoreError::SafeHalt { .. }) | OpenError::Standing { .. } => {
            "nothing was changed; `sluice verify --data DIR` says more"
        }
        OpenError::Store(_) | OpenError::Keys { .. } | OpenError::OtherKeys { .. } => {
            "nothing was recorded; a folder and keys that were made new are used at the next start"
        }
    };
    Failure::new(chain(error), help).with_exit(error.exit_code())
}

/// The way to other systems. Trusts what this system trusts, and an authority of one's own.
fn net(ca_file: Option<&Path>) -> Result<Arc<dyn Net>, Failure> {
    let help = "name a file with certificates in PEM form as `ca_file` under `[outbound]`";
    let mut roots = Roots::of_system();
    if let Some(path) = ca_file {
        let pem = std::fs::read(path)
            .map_err(|error| Failure::new(format!("`{}`: {error}", path.display()), help))?;
        roots = roots.and_pem(&pem).map_err(|error| {
            Failure::new(format!("`{}`: {}", path.display(), chain(&error)), help)
        })?;
    }
    let client = outbound::Client::new(roots, outbound::Limits::default())
        .map_err(|error| Failure::new(chain(&error), help))?;
    Ok(Arc::new(client))
}

/// A number of the configuration, with its name and the one that holds without it.
fn within(
    (name, given, usual): (&str, Option<usize>, usize),
    least: usize,
    most: usize,
) -> Result<usize, Failure> {
    let number = given.unwrap_or(usual);
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Failure::usage(
        format!("`{name}` is {number} in the configuration"),
        format!("give a number from {least} to {most}"),
    ))
}

fn server_options(file: &ServeFile) -> Result<ServerOptions, Failure> {
    let usual = ServerOptions::default();
    if let Some(url) = &file.public_url {
        let sound = url::Url::parse(url).is_ok_and(|url| {
            url.scheme() == "https" && url.has_host() && url.path() == "/" && url.query().is_none()
        });
        if !sound {
            return Err(Failure::usage(
                format!("`public_url` is `{url}`, which is no address of a server with `https`"),
                "write such as `https://sluice.example.org`, without a path; leave it out for plain HTTP on this machine",
            ));
        }
    }
    let hook_body_bytes = within(
        ("hook_body_bytes", file.hook_body_bytes, usual.hook_body_bytes),
        64 << 10,
        25 << 20,
    )?;
    let connections = within(("connections", file.connections, usual.connections), 16, 100_000)?;
    Ok(ServerOptions {
        hook_body_bytes,
        connections,
        public_url: file.public_url.clone(),
        address_header: file.address_header.clone(),
        providers: providers(file.login.clone())?,
        public_metrics: file.public_metrics.unwrap_or(usual.public_metrics),
        public_log: file.public_log.unwrap_or(usual.public_log),
        ..usual
    })
}

fn options(
    arguments: &ServeArgs,
    file: ServeFile,
    net: Arc<dyn Net>,
    vault: Option<Vault>,
    witnessing: Option<Witnessing>,
) -> EngineOptions {
    let data = arguments.data.clone().or(file.data);
    EngineOptions {
        public_url: file.public_url.clone(),
        dir: data.unwrap_or_else(|| PathBuf::from("./sluice-data")),
        anchor: arguments.anchor.clone().or(file.anchor),
        origin: arguments.origin.clone().or(file.origin),
        adopt_missing_anchor: arguments.adopt_missing_anchor,
        crash_at: arguments.crash_at.clone(),
        full_anchor: None,
        max_pages: arguments.max_pages,
        clock: Arc::new(SystemClock::default()),
        rng: Arc::new(SystemRng),
        secrets: Arc::new(PlainSecrets),
        net,
        vault,
        witnessing,
    }
}

async fn serve(engine: Engine, listen: SocketAddr, options: ServerOptions) -> Outcome {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        Failure::new(
            format!("cannot listen on {listen}: {error}"),
            "choose another with `--listen`, or stop what uses it",
        )
    })?;
    let bound = listener.local_addr().unwrap_or(listen);
    let told = told_to_stop()?;
    introduce(&engine, bound).await?;
    let tasks = engine.start_tasks();
    sluice_server::serve(engine, listener, options, told).await;
    for task in tasks {
        task.abort();
    }
    output::note("stopped");
    Ok(exit::OK)
}

/// Says how to reach the server and how to check it; the first time also how to get in.
async fn introduce(engine: &Engine, bound: SocketAddr) -> Result<(), Failure> {
    let token = engine.bootstrap_token().await.map_err(|error| {
        Failure::new(chain(&error), "look at disk and permissions of the folder")
    })?;
    let keys = engine.keys();
    output::line(&format!("serving   http://{bound}"));
    output::line(&format!("origin    {}", keys.origin));
    output::line(&format!("log key   {}", keys.log_key));
    output::line(&format!("pass key  {}", keys.pass_key));
    if let Some(token) = token {
        output::line(&format!("token     {token}"));
        output::note(
            "this administrator's token works for 15 minutes and is shown only now: create others \
             with `sluice token create`",
        );
    }
    output::line("ready     stop with Ctrl-C");
    Ok(())
}

/// Resolves when the process is told to stop; from the call on, being told does not kill it.
#[cfg(unix)]
fn told_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| no_signals(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when the process is told to stop.
#[cfg(not(unix))]
fn told_to_stop() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            no_signals(&error).report();
            std::future::pending::<()>().await;
        }
    })
}

fn no_signals(error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot listen to signals: {error}"), "free some resources")
}
