//! The demonstration: the main job played on a server of its own, through its own HTTP door.
//!
//! Nothing is staged behind the door: deliveries are signed and sent, questions are asked, people approve
//! with their own tokens, and at the end an outsider verifies the ledger. Each step says what it expects and fails
//! when it is not so.

mod clock;
mod company;
mod disturbed;
mod forge;
mod past;
mod story;
mod telling;
mod wire;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sluice_engine::{Engine, EngineOptions};
use sluice_server::ServerOptions;

use self::clock::StoryClock;
use crate::exit;
use crate::failure::{Failure, Outcome, chain};
use crate::output;

/// Who can log in with a browser: a change manager, a developer, the owner of a service, an administrator, security.
const PEOPLE: [&str; 5] = ["grace", "bob", "fatima", "henrik", "ines"];
/// Their password, printed for whoever runs the demonstration.
const PASSWORD: &str = "open the sluice gently";

/// Left in the folder when the story has been told there.
const TOLD: &str = "demo-told";

/// Arguments of `sluice demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder of the demonstration's instance; delete it to play again.
    #[arg(long, default_value = "./sluice-demo", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Address and port to listen on.
    #[arg(long, default_value = "127.0.0.1:7171", value_name = "ADDR:PORT")]
    pub(crate) listen: String,
    /// End when the story is told; the exit code is 0 only if all went as told.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// Plays the story, then keeps serving until stopped.
pub(crate) fn run(arguments: DemoArgs) -> Outcome {
    let arguments = &arguments;
    let listen: SocketAddr = arguments.listen.parse().map_err(|_| {
        Failure::usage(
            format!("`{}` is not an address and a port", arguments.listen),
            "write one such as `127.0.0.1:7171`",
        )
    })?;
    let told = arguments.data.join(TOLD).exists();
    if !told && arguments.data.join("sluice.db").exists() {
        return Err(Failure::new(
            format!("`{}` holds another ledger", arguments.data.display()),
            "choose another folder with `--data`; the demonstration needs one of its own",
        ));
    }
    let organisation = !told && has_organisation(&arguments.data);
    if organisation {
        return Err(Failure::new(
            format!("`{}` holds files of an organisation", arguments.data.display()),
            "choose another folder with `--data`; the demonstration has an organisation of its own",
        ));
    }
    if told && arguments.exit {
        return Err(Failure::new(
            format!("the story was told in `{}` already", arguments.data.display()),
            "delete the folder, or choose another with `--data`",
        ));
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
            Failure::new(format!("the runtime cannot start: {e}"), "free some resources")
        })?;
    let _entered = runtime.enter();
    let clock = Arc::new(if told { StoryClock::default() } else { StoryClock::in_the_past() });
    let engine = open(&arguments.data, Arc::clone(&clock))?;
    let played = runtime.block_on(play(engine.clone(), listen, arguments, told, &clock));
    engine.shutdown();
    played?;
    if arguments.exit {
        telling::step("The server has stopped. The folder still proves itself, without a server");
        verify(&["--data", &arguments.data.to_string_lossy()])?;
        telling::done();
    }
    Ok(exit::OK)
}

/// Whether a folder has files of an organisation, at its top.
fn has_organisation(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| sluice_organisation::Folder::wants(&entry.file_name().to_string_lossy()))
}

/// `sluice verify`, as a person would type it.
fn verify(arguments: &[&str]) -> Result<(), Failure> {
    let words = ["sluice", "verify"].into_iter().chain(arguments.iter().copied());
    let parsed = crate::cli::Cli::of(words)
        .map_err(|error| Failure::new(error.to_string(), "report this"))?;
    match crate::commands::run(parsed.command)? {
        exit::OK => Ok(()),
        code => Err(Failure::new(
            format!("`sluice verify` ended with {code}"),
            "look at what it said above",
        )),
    }
}

fn open(data: &Path, clock: Arc<StoryClock>) -> Result<Engine, Failure> {
    let options = EngineOptions {
        origin: Some("demo.sluice.example".to_owned()),
        secrets: Arc::new(company::DemoSecrets),
        clock,
        ..EngineOptions::new(data)
    };
    Engine::open(options).map_err(|error| {
        Failure::new(chain(&error), "nothing was recorded; choose another folder with `--data`")
            .with_exit(error.exit_code())
    })
}

async fn play(
    engine: Engine,
    listen: SocketAddr,
    arguments: &DemoArgs,
    told: bool,
    clock: &Arc<StoryClock>,
) -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| {
        Failure::new(
            format!("cannot listen on {listen}: {error}"),
            "choose another address with `--listen`",
        )
    })?;
    let address = listener.local_addr().unwrap_or(listen);
    let tasks = engine.start_tasks();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let until = async move {
        let _ = stopped.await;
    };
    let server = tokio::spawn(sluice_server::serve(
        engine.clone(),
        listener,
        ServerOptions::default(),
        until,
    ));
    let outcome = if told { Ok(()) } else { tell(&engine, address, &arguments.data, clock).await };
    if outcome.is_ok() && !told {
        let written = std::fs::write(arguments.data.join(TOLD), "the story was told here\n");
        written.map_err(|error| {
            Failure::new(format!("cannot write to the folder: {error}"), "check its permissions")
        })?;
    }
    if outcome.is_ok() && !arguments.exit {
        invite(&engine, address).await?;
        let _ = tokio::signal::ctrl_c().await;
    }
    for task in tasks {
        task.abort();
    }
    let _ = stop.send(());
    let _ = server.await;
    outcome
}

/// The past, the story, and what is under way when it ends.
async fn tell(
    engine: &Engine,
    address: SocketAddr,
    data: &Path,
    clock: &Arc<StoryClock>,
) -> Result<(), Failure> {
    let wire = wire::Wire::to(address)?;
    past::play(engine, &wire, clock).await?;
    let token = story::tell(engine, address, data).await?;
    past::leave_open(engine, &wire, clock).await?;
    let unknown = || Failure::new("the administrator's token is not good any more", "report this");
    let administrator = engine.authenticate(&token).ok_or_else(unknown)?;
    company::accounts(engine, &administrator, &PEOPLE, PASSWORD).await
}

/// What to try next, with a token to try it with.
async fn invite(engine: &Engine, address: SocketAddr) -> Result<(), Failure> {
    let token = company::visitor(engine).await?;
    output::line("");
    output::line(&format!("serving   http://{address}"));
    output::line("");
    output::line(&format!("Log in there as {} with the password: {PASSWORD}", PEOPLE.join(", ")));
    output::line("");
    output::line("Or from another terminal:");
    output::line(&format!("  export SLUICE_URL=http://{address} SLUICE_TOKEN={token}"));
    output::line("  sluice change list");
    output::line("  sluice gate --service docs --environment production --dry-run \\");
    output::line(
        "      --commit 1111111111111111111111111111111111111111 --run-system demo --run-id 1",
    );
    output::line("  sluice calendar show --service settlement-batch --environment production");
    output::line(&format!(
        "  sluice verify --server http://{address} --key '{}'",
        engine.keys().log_key
    ));
    output::line("");
    output::line("stop with Ctrl-C");
    Ok(())
}
