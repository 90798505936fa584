//! `[secrets]`: where the master key comes from.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use sluice_engine::Vault;

use crate::failure::Failure;

const HELP: &str = "a master key is 32 bytes of chance: `openssl rand -base64 32 > master.key && chmod 600 master.key`";
const MAX_BYTES: u64 = 4 << 10;
/// How long a command may take to print the master key.
const COMMAND: Duration = Duration::from_secs(30);

/// `[secrets]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretsFile {
    /// File that holds the master key.
    master_key_file: Option<PathBuf>,
    /// Variable of the environment that holds it.
    master_key_env: Option<String>,
    /// Command that prints it, with its arguments.
    #[serde(default)]
    master_key_command: Vec<String>,
    /// File that holds the key before it, until all secrets are under the new one.
    previous_master_key_file: Option<PathBuf>,
    /// Variable that holds the key before it.
    previous_master_key_env: Option<String>,
}

/// The vault, where a master key is configured.
pub(crate) fn vault(file: &SecretsFile) -> Result<Option<Vault>, Failure> {
    let current = key(&file.master_key_file, &file.master_key_env, &file.master_key_command)?;
    let previous = key(&file.previous_master_key_file, &file.previous_master_key_env, &[])?;
    let Some(current) = current else {
        let unused = previous.is_some();
        let message = "there is a previous master key, but none for now";
        return if unused { Err(Failure::usage(message, HELP)) } else { Ok(None) };
    };
    let vault = Vault::new(&current, previous.as_ref());
    vault.map(Some).ok_or_else(|| Failure::new("the master key cannot be used", HELP))
}

fn key(
    file: &Option<PathBuf>,
    variable: &Option<String>,
    command: &[String],
) -> Result<Option<[u8; 32]>, Failure> {
    let text = match (file, variable, command.split_first()) {
        (None, None, None) => return Ok(None),
        (Some(path), None, None) => of_file(path)?,
        (None, Some(name), None) => super::variable(name).ok_or_else(|| {
            Failure::new(format!("the variable `{name}` of the master key is not set"), HELP)
        })?,
        (None, None, Some((program, arguments))) => of_command(program, arguments, COMMAND)?,
        _ => return Err(Failure::usage("the master key is in two places", HELP)),
    };
    let text = text.trim();
    let hex = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
    let bytes = hex.or_else(|| BASE64.decode(text.as_bytes()).ok());
    let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
    // What was read is not shown: it may be the key after all.
    bytes.map(Some).ok_or_else(|| {
        Failure::new("the master key is not 32 bytes in base64 or hexadecimal", HELP)
    })
}

fn of_file(path: &Path) -> Result<String, Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path);
        let metadata = metadata.map_err(|error| Failure::file("read", path, &error))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            let message = format!("others can read the master key `{}`", path.display());
            return Err(Failure::new(message, "run `chmod 600` on it"));
        }
    }
    let bytes = crate::commands::values::read_file(path, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| Failure::new("the master key is not a text", HELP))
}

/// What the command writes to its output, where it ends well within the limit.
fn of_command(program: &str, arguments: &[String], limit: Duration) -> Result<String, Failure> {
    let cannot =
        |error: std::io::Error| Failure::new(format!("`{program}` cannot be run: {error}"), HELP);
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(cannot)?;
    let Some(mut output) = child.stdout.take() else {
        return Err(Failure::new(format!("`{program}` has no output"), HELP));
    };
    // The output is read beside: what still holds it open may outlive the command.
    let (done, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = (&mut output).take(MAX_BYTES).read_to_end(&mut text);
        let _ = done.send(read.map(|_| text));
    });
    let text = match told.recv_timeout(limit) {
        Ok(read) => read.map_err(cannot)?,
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            let message = format!("`{program}` gave no master key within {} s", limit.as_secs());
            return Err(Failure::new(message, "run it by hand as the server's user"));
        }
    };
    let status = ended(&mut child, limit).ok_or_else(|| {
        let message = format!("`{program}` did not end within {} s", limit.as_secs());
        Failure::new(message, "run it by hand as the server's user")
    })?;
    if !status.success() {
        let message = format!("`{program}` gave no master key: {status}");
        return Err(Failure::new(message, "run it by hand as the server's user"));
    }
    String::from_utf8(text).map_err(|_| Failure::new("the master key is no text", HELP))
}

/// How a command ended that has closed its output; it is ended where it goes on for too long.
fn ended(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Result<Option<Vault>, Failure> {
        vault(&toml::from_str(text).unwrap())
    }

    #[test]
    fn a_command_that_hangs_is_ended_and_named() {
        let limit = Duration::from_millis(50);
        // One that says nothing, one that closes its output and goes on.
        for script in ["exec sleep 600", "exec >&- ; exec sleep 600"] {
            let arguments = ["-c".to_owned(), script.to_owned()];
            let failure = of_command("sh", &arguments, limit).unwrap_err();
            assert!(failure.message.contains("within"), "{script}: {}", failure.message);
        }
    }

    #[test]
    fn a_master_key_comes_from_one_place() {
        let hex = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        assert!(told("").unwrap().is_none());
        assert!(told(&format!("master_key_command = ['echo', '{hex}']")).unwrap().is_some());
        for text in [
            "master_key_command = ['echo', 'short']".to_owned(),
            "master_key_command = ['false']".to_owned(),
            "master_key_command = ['/nonexistent']".to_owned(),
            "master_key_env = 'SLUICE_TEST_NO_SUCH_VARIABLE'".to_owned(),
            "master_key_file = '/nonexistent'".to_owned(),
            format!("master_key_env = 'A'\nmaster_key_command = ['echo', '{hex}']"),
        ] {
            assert!(told(&text).is_err(), "{text}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        crate::commands::values::write_private(&path, hex).unwrap();
        let text = format!("master_key_file = '{}'", path.display());
        assert!(told(&text).unwrap().is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(told(&text).is_err(), "others can read it");
        }
    }
}
