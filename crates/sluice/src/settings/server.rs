//! Which server to speak to, and as whom.

use clap::Args;

use crate::client::encode;

/// The server, for every command that speaks to one.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// Address of the server.
    #[arg(
        long,
        env = "SLUICE_URL",
        default_value = "http://127.0.0.1:7171",
        value_name = "URL",
        help_heading = "Server"
    )]
    pub(crate) server: String,
    /// Bearer token; better in the environment than on the command line, where others can see it.
    #[arg(
        long,
        env = "SLUICE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        help_heading = "Server"
    )]
    pub(crate) token: Option<String>,
}

/// The public key that passes are checked with.
#[derive(Debug, Clone, Args)]
pub(crate) struct PassKeyArgs {
    /// Public key of the server's passes: base64, a JWK, or a file with either. Pinned: without it the
    /// key is fetched from the server that is to be checked, and shown with a warning.
    #[arg(long, env = "SLUICE_PASS_KEY", value_name = "KEY")]
    pub(crate) pass_key: Option<String>,
}

/// Which part of a long list.
#[derive(Debug, Clone, Args)]
pub(crate) struct PageArgs {
    /// At most so many
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u32,
    /// Go on where the list before ended, as it said
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
}

impl PageArgs {
    /// The part as the query of a list begins.
    pub(crate) fn query(&self) -> String {
        let limit = self.limit;
        match &self.cursor {
            Some(cursor) => format!("limit={limit}&cursor={}", encode(cursor)),
            None => format!("limit={limit}"),
        }
    }
}

/// The same, and in which form the answer is printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct JsonArgs {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
