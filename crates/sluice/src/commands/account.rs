//! `sluice account`: accounts of people, passwords and second factors.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::login::{secret, with_code};
use super::people;
use crate::client::{Client, encode};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output;
use crate::settings::ServerArgs;
use crate::show::{self, Column};

const COLUMNS: &[Column] = &[
    ("HANDLE", "/person/handle"),
    ("NAME", "/person/name"),
    ("SINCE", "/since"),
    ("FACTORS", "/factors"),
    ("CLOSED", "/disabled"),
    ("SESSIONS", "/sessions"),
    ("TO BE SET BACK", "/reset/reason"),
];

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account; prints the code by which its person sets a password
    Create(OneArgs),
    /// Ask to set an account back whose person has lost password or device; a second person confirms it, where there is one
    Reset {
        #[command(flatten)]
        one: OneArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Set an account back as somebody else has asked; says first what, and prints the code for its person
    ConfirmReset {
        #[command(flatten)]
        one: OneArgs,
        /// Do not ask; without a terminal nobody is asked either
        #[arg(long)]
        yes: bool,
    },
    /// Let nothing become of setting an account back, your own or another
    RefuseReset {
        #[command(flatten)]
        one: OneArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Set the first password of your account with the code that you were handed
    Enrol(OneArgs),
    /// Change your password; your other sessions end
    Password(MineArgs),
    /// Make a device the second factor of your account, or take it away
    Totp {
        /// What to do
        #[arg(value_enum)]
        action: TotpAction,
        #[command(flatten)]
        mine: MineArgs,
    },
    /// Close an account and end its sessions
    Disable {
        #[command(flatten)]
        one: OneArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Open a closed account again
    Enable(OneArgs),
    /// List accounts
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List your sessions, or everybody's if you manage accounts
    Sessions {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// End a session
    EndSession {
        /// Id of the session
        session: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// An account of somebody.
#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// Handle of the person
    handle: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// One's own account.
#[derive(Debug, Args)]
pub(crate) struct MineArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// What can be done with a second factor.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum TotpAction {
    /// Show a key for an authenticator app, and ask for its first code
    Add,
    /// Take the device away
    Remove,
}

/// Runs the command.
pub(crate) fn run(command: &AccountCommand) -> Outcome {
    match command {
        AccountCommand::Create(one) => create(one)?,
        AccountCommand::Reset { one, reason } => reset(one, reason)?,
        AccountCommand::ConfirmReset { one, yes } => confirm_reset(one, *yes)?,
        AccountCommand::RefuseReset { one, reason } => {
            let path = format!("/api/v1/accounts/{}/reset/refuse", encode(&one.handle));
            Client::new(&one.server)?.post(&path, &json!({"reason": reason}), &[])?;
            output::note("refused");
        }
        AccountCommand::Enrol(one) => enrol(one)?,
        AccountCommand::Password(mine) => password(&Client::new(&mine.server)?)?,
        AccountCommand::Totp { action: TotpAction::Add, mine } => {
            add_totp(&Client::new(&mine.server)?)?;
        }
        AccountCommand::Totp { action: TotpAction::Remove, mine } => {
            let mut body = json!({"password": secret("password: ")?});
            with_code(&Client::new(&mine.server)?, "/api/v1/account/totp/remove", &mut body)?;
            output::note("the device is no longer asked for");
        }
        AccountCommand::Disable { one, reason } => {
            let path = format!("/api/v1/accounts/{}/disable", encode(&one.handle));
            Client::new(&one.server)?.post(&path, &json!({"reason": reason}), &[])?;
            output::note(&format!("the account of {} is closed", output::clean(&one.handle)));
        }
        AccountCommand::Enable(one) => {
            let path = format!("/api/v1/accounts/{}/enable", encode(&one.handle));
            Client::new(&one.server)?.post(&path, &json!({}), &[])?;
            output::note(&format!("the account of {} is open", output::clean(&one.handle)));
        }
        AccountCommand::List { json, server } => {
            show::records(&Client::new(server)?.get("/api/v1/accounts")?, COLUMNS, *json);
        }
        AccountCommand::Sessions { json, server } => {
            const COLUMNS: &[Column] = &[
                ("SESSION", "/session"),
                ("PERSON", "/person"),
                ("BY", "/client"),
                ("PROVED", "/methods"),
                ("OPENED", "/opened_at"),
                ("UNTIL", "/expires_at"),
                ("THIS", "/own"),
            ];
            let client = Client::new(server)?;
            let mut sessions = client.get("/api/v1/sessions")?;
            people::name(&client, &mut sessions, "/person", *json);
            show::records(&sessions, COLUMNS, *json);
        }
        AccountCommand::EndSession { session, server } => {
            Client::new(server)?.delete(&format!("/api/v1/sessions/{}", encode(session)))?;
            output::note(&format!("ended {}", output::clean(session)));
        }
    }
    Ok(exit::OK)
}

fn create(one: &OneArgs) -> Result<(), Failure> {
    let client = Client::new(&one.server)?;
    let made = client.post("/api/v1/accounts", &json!({"person": one.handle}), &[])?;
    hand_over(&one.handle, &made);
    Ok(())
}

fn hand_over(handle: &str, made: &Value) {
    let until = show::cell(made.get("expires_at"));
    output::note(&format!(
        "hand this code over to {}; with `sluice account enrol` it sets the first password, once, until {until}:",
        output::clean(handle)
    ));
    output::line(made.get("code").and_then(Value::as_str).unwrap_or_default());
}

fn reset(one: &OneArgs, reason: &str) -> Result<(), Failure> {
    let path = format!("/api/v1/accounts/{}/reset", encode(&one.handle));
    let asked = Client::new(&one.server)?.post(&path, &json!({"reason": reason}), &[])?;
    match asked.get("enrolment").filter(|it| it.is_object()) {
        Some(made) => hand_over(&one.handle, made),
        None => output::note(&format!(
            "asked, nothing is changed yet: a second person sets it back with `sluice account confirm-reset {}`",
            output::clean(&one.handle)
        )),
    }
    Ok(())
}

/// Says what waits, asks, sets exactly that back.
fn confirm_reset(one: &OneArgs, yes: bool) -> Result<(), Failure> {
    let client = Client::new(&one.server)?;
    let listed = client.get("/api/v1/accounts")?;
    let is_it = |account: &&Value| {
        let person = |name: &str| account.pointer(&format!("/person/{name}"));
        [person("handle"), person("id")].into_iter().flatten().any(|it| *it == one.handle)
    };
    let found = show::rows_of(&listed).iter().find(is_it);
    let told = found.and_then(|it| it.pointer("/reset/told")).and_then(Value::as_str);
    let told = told.ok_or_else(|| {
        let handle = output::clean(&one.handle);
        let message = format!("nobody asks to set the account of {handle} back");
        Failure::new(message, "see `sluice account list`")
    })?;
    output::agree(&output::clean(told), "set it back?", yes)?;
    let path = format!("/api/v1/accounts/{}/reset/confirm", encode(&one.handle));
    let made = client.post(&path, &json!({}), &[])?;
    hand_over(&one.handle, &made);
    Ok(())
}

fn enrol(one: &OneArgs) -> Result<(), Failure> {
    let client = Client::new(&one.server)?;
    let code = secret("code that you were handed: ")?;
    let password = new_password()?;
    let body = json!({"handle": one.handle, "code": code.trim(), "password": password});
    client.post("/api/v1/account/enrol", &body, &[])?;
    output::note("the password is set; go on with `sluice login --password`");
    Ok(())
}

fn password(client: &Client) -> Result<(), Failure> {
    let current = secret("present password: ")?;
    let mut body = json!({"current": current, "new": new_password()?});
    with_code(client, "/api/v1/account/password", &mut body)?;
    output::note("the password is changed; your other sessions are over");
    Ok(())
}

fn new_password() -> Result<String, Failure> {
    let password = secret("new password, 15 characters or more: ")?;
    if password == secret("the same again: ")? {
        return Ok(password);
    }
    Err(Failure::new("the two are not the same", "type it again"))
}

fn add_totp(client: &Client) -> Result<(), Failure> {
    let start = client.post("/api/v1/account/totp", &json!({}), &[])?;
    output::note("give this key to your authenticator app, then type the code that it shows:");
    output::line(&show::cell(start.get("secret")));
    output::line(&show::cell(start.get("address")));
    let code = secret("code: ")?;
    let body = json!({"code": code.trim()});
    let confirmed = client
        .post("/api/v1/account/totp/confirm", &body, &[])
        .map_err(|failure| match failure.code.as_deref() {
            // Whoever asks is logged in: it can only be the code.
            Some("login_refused") => Failure {
                message: "the code is not one of this key".to_owned(),
                help: "begin again with `sluice account totp add`, and give the new key to the app; check the clock of \
                       the device"
                    .to_owned(),
                ..failure
            },
            _ => failure,
        })?;
    output::note("from now on a code is asked for; keep these recovery codes, each is good once:");
    let codes = confirmed.get("recovery_codes").and_then(Value::as_array);
    for code in codes.into_iter().flatten() {
        output::line(&show::cell(Some(code)));
    }
    Ok(())
}
