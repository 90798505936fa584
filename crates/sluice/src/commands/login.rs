//! `sluice login` and `sluice logout`: a person comes in at a terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Reply, Request, failure_of};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::{ServerArgs, keep, kept};
use crate::show;

/// Arguments of `sluice login`.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --password it shows a code that you confirm in a browser where you are logged in. With it you are\n\
asked for your password (and a code of your device) here; where the input is no terminal, they are its first lines.\n\
The session is kept in a file of your own (mode 0600) and ends after half an hour without use, after twelve hours,\n\
by `sluice logout`, and whenever your roles change."
)]
pub(crate) struct LoginArgs {
    /// Your handle; asked for where it is needed and absent
    #[arg(long, value_name = "HANDLE")]
    handle: Option<String>,
    /// Type the password here instead of confirming in a browser
    #[arg(long)]
    password: bool,
    /// Prove again who you are in the session that is kept, for what needs a recent proof
    #[arg(long, conflicts_with = "handle")]
    step_up: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Arguments of `sluice logout`.
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs `sluice login`.
pub(crate) fn run(arguments: &LoginArgs) -> Outcome {
    let client = Client::new(&arguments.server)?;
    let opened = if arguments.step_up {
        step_up(&client)?
    } else if arguments.password {
        by_password(&client, arguments.handle.as_deref())?
    } else {
        by_device(&client)?
    };
    let token = opened.get("token").and_then(Value::as_str).unwrap_or_default();
    let before = kept(client.base()).filter(|secret| secret != token);
    keep(client.base(), Some(token))?;
    if let Some(secret) = before {
        // Whoever logs in anew has no use for the session of before; one that is over already is as good.
        let _ = end(&arguments.server, secret);
    }
    let until = show::cell(opened.get("expires_at"));
    output::note(&format!("logged in at `{}`, at the longest until {until}", client.base()));
    if arguments.server.token.is_some() {
        output::note(&format!(
            "{}: the token that is set (`--token` or SLUICE_TOKEN) goes before the session: commands speak with it \
             until it is unset",
            output::attention("warning")
        ));
    }
    if opened.get("second_factor_required").and_then(Value::as_bool) == Some(true) {
        output::note(
            "a second factor is required here: you may do nothing before you add a device with \
             `sluice account totp add` and log in again",
        );
    }
    Ok(exit::OK)
}

/// Runs `sluice logout`.
pub(crate) fn out(arguments: &LogoutArgs) -> Outcome {
    let client = Client::new(&arguments.server)?;
    let Some(secret) = kept(client.base()) else {
        output::note("nobody is logged in here");
        return Ok(exit::OK);
    };
    let ended = end(&arguments.server, secret);
    keep(client.base(), None)?;
    match ended {
        Ok(()) => output::note("logged out"),
        Err(failure) if failure.exit == exit::NOT_LET_IN => {
            output::note("the session was over already; it is forgotten here");
        }
        Err(failure) => {
            return Err(Failure {
                message: format!(
                    "forgotten here, but the server was not told: {}",
                    failure.message
                ),
                help: "the session ends there by itself after half an hour without use".to_owned(),
                ..failure
            });
        }
    }
    Ok(exit::OK)
}

/// Ends a session there. It speaks as the session itself, whatever token is set beside it.
fn end(server: &ServerArgs, secret: String) -> Result<(), Failure> {
    let own = ServerArgs { server: server.server.clone(), token: Some(secret) };
    Client::new(&own)?.post("/api/v1/logout", &json!({}), &[]).map(drop)
}

fn by_password(client: &Client, handle: Option<&str>) -> Result<Value, Failure> {
    let handle = match handle {
        Some(handle) => handle.to_owned(),
        None => ask("handle: ")?,
    };
    let password = secret("password: ")?;
    let mut body = json!({"handle": handle, "password": password, "client": "cli"});
    with_code(client, "/api/v1/login", &mut body)
}

/// By the password that the session was opened with; whoever came in otherwise proves it in a browser.
fn step_up(client: &Client) -> Result<Value, Failure> {
    let session = client.get("/api/v1/session")?;
    let methods = session.get("methods").and_then(Value::as_array);
    let has = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
    if has("oidc") && !has("password") {
        return by_provider(client);
    }
    let mut body = json!({"password": secret("password: ")?});
    with_code(client, "/api/v1/session/step-up", &mut body)
}

/// Sends it; where the account has a second factor, asks for a code and sends it again.
pub(crate) fn with_code(client: &Client, path: &str, body: &mut Value) -> Result<Value, Failure> {
    match client.post(path, body, &[]) {
        Err(failure) if failure.code.as_deref() == Some("code_needed") => {
            body["code"] = json!(secret("code of your device, or a recovery code: ")?);
            client.post(path, body, &[])
        }
        answer => answer,
    }
}

/// Names the pages at which a provider of identities is asked for a new proof, and waits for the code after it.
fn by_provider(client: &Client) -> Result<Value, Failure> {
    let providers = client.get("/api/v1/login/providers")?;
    let names = providers.get("items").and_then(Value::as_array).into_iter().flatten();
    output::note("prove it again at your login provider, then confirm the code; in a browser:");
    for start in names.filter_map(|one| one.get("start").and_then(Value::as_str)) {
        let start = output::clean(start);
        output::note(&format!("  {}{start}&fresh=true&then=/device", client.base()));
    }
    by_device(client)
}

/// Shows a code, and waits until the person has confirmed it in a browser.
fn by_device(client: &Client) -> Result<Value, Failure> {
    let start = client.post("/api/v1/device", &json!({}), &[])?;
    let text = |name: &str| start.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| start.get(name).and_then(Value::as_u64).unwrap_or_default();
    output::note(&format!(
        "open {}{} where you are logged in, and confirm this code:",
        client.base(),
        output::clean(&text("verification_uri"))
    ));
    output::line(&text("user_code"));
    let interval = Duration::from_secs(number("interval").clamp(1, 30));
    let body = json!({"device_code": text("device_code")});
    let rounds = number("expires_in") / interval.as_secs() + 1;
    for _ in 0..rounds {
        std::thread::sleep(interval);
        let path = "/api/v1/device/token";
        let request = Request { body: Some(&body), ..Request::new(Method::POST, path) };
        let reply = client.send(&request).map_err(|trouble| client.trouble(&trouble))?;
        if let Some(opened) = opened(client, &reply)? {
            return Ok(opened);
        }
    }
    Err(Failure::new("nobody confirmed the code in time", "run `sluice login` again"))
}

/// The session, or nothing while the person has not confirmed yet.
fn opened(client: &Client, reply: &Reply) -> Result<Option<Value>, Failure> {
    if reply.is_success() {
        let read = reply.json();
        return read.map(Some).map_err(|why| Failure::new(why, "check `--server`"));
    }
    let failure = failure_of(reply, client.base());
    match failure.code.as_deref() {
        Some("authorization_pending" | "slow_down") => Ok(None),
        _ => Err(failure),
    }
}

/// Asks for a text.
fn ask(what: &str) -> Result<String, Failure> {
    if std::io::stdin().is_terminal() {
        let mut to = std::io::stderr();
        let _ = to.write_all(what.as_bytes()).and_then(|()| to.flush());
    }
    first_line()
}

/// Asks for a text that is not shown.
pub(crate) fn secret(what: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return first_line();
    }
    rpassword::prompt_password(what).map_err(|error| unread(&error))
}

fn first_line() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text).map_err(|error| unread(&error))?;
    if read == 0 {
        return Err(Failure::new("the input ended", "give what is asked for, line by line"));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn unread(error: &std::io::Error) -> Failure {
    Failure::new(format!("the input cannot be read: {error}"), "use a terminal")
}
