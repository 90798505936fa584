//! A whole round with a real server: start, apply, ask, prove, stop, verify, and what damage does.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{COMMIT, Ran, digest, finish, run, sluice};

/// A server on a folder, stopped when dropped.
struct Server {
    child: Child,
    url: String,
    log_key: String,
    pass_key: String,
    token: Option<String>,
}

impl Server {
    fn start(data: &Path) -> Self {
        let child = sluice()
            .args(["serve", "--listen", "127.0.0.1:0", "--log-filter", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self {
            url: String::new(),
            log_key: String::new(),
            pass_key: String::new(),
            token: None,
            child,
        };
        server.read_introduction();
        server
    }

    fn read_introduction(&mut self) {
        let stdout = self.child.stdout.as_mut().unwrap();
        for line in BufReader::new(stdout).lines() {
            let line = line.unwrap();
            let (name, value) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            let value = value.trim().to_owned();
            match (name, value.as_str()) {
                ("serving", _) => self.url = value,
                ("log", _) => self.log_key = value.trim_start_matches("key").trim().to_owned(),
                ("pass", _) => self.pass_key = value.trim_start_matches("key").trim().to_owned(),
                ("token", _) => self.token = Some(value),
                ("ready", _) => return,
                _ => {}
            }
        }
        panic!("the server ended before it was ready");
    }

    fn run(&self, token: &str, arguments: &[&str]) -> Ran {
        let mut command = sluice();
        command.env("SLUICE_URL", &self.url).env("SLUICE_TOKEN", token).args(arguments);
        finish(&mut command)
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_newcomer_applies_asks_proves_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let organisation = dir.path().join("organisation");
    let (data_text, folder) = (data.to_str().unwrap(), organisation.to_str().unwrap());
    let server = Server::start(&data);
    let admin = server.token.clone().expect("the first start gives an administrator's token");

    assert_eq!(run(["init", folder]).code, 0);
    let applied = server.run(&admin, &["apply", folder]);
    assert_eq!(applied.code, 0, "{}", applied.all());
    let again = server.run(&admin, &["apply", folder]);
    assert!(again.code == 0 && again.stderr.contains("nothing to do"), "{}", again.all());

    let created = server.run(
        &admin,
        &[
            "token",
            "create",
            "--label",
            "ci",
            "--permission",
            "gate.evaluate,gate.redeem,ledger.read",
        ],
    );
    assert_eq!(created.code, 0, "{}", created.all());
    let token = created.stdout.trim().to_owned();

    let receipt = dir.path().join("receipt.json");
    ask(&server, &token, receipt.to_str().unwrap());
    let proven = run(["verify", "--receipt", receipt.to_str().unwrap(), "--key", &server.log_key]);
    assert_eq!(proven.code, 0, "{}", proven.all());
    let verified = run(["verify", "--server", &server.url, "--key", &server.log_key]);
    assert_eq!(verified.code, 0, "{}", verified.all());
    let tail = server.run(&token, &["log", "tail", "-n", "3"]);
    assert_eq!(tail.stdout.lines().count(), 3, "{}", tail.all());
    let in_use = run(["verify", "--data", data_text]);
    assert_eq!(in_use.code, 1, "{}", in_use.all());

    let key = server.log_key.clone();
    server.stop();
    let verified = run(["verify", "--data", data_text, "--key", &key]);
    assert_eq!(verified.code, 0, "{}", verified.all());
    let checked = run(["fsck", "--data", data_text, "--key", &key]);
    assert_eq!(checked.code, 0, "{}", checked.all());

    let server = Server::start(&data);
    assert!(server.token.is_none(), "the administrator's token is given once");
    server.stop();

    damage(&data.join("anchor"));
    let found = run(["verify", "--data", data_text, "--key", &key]);
    assert_eq!(found.code, 3, "{}", found.all());
    let refused = finish(sluice().args(["serve", "--listen", "127.0.0.1:0", "--data", data_text]));
    assert_eq!(refused.code, 3, "{}", refused.all());
    assert!(refused.stderr.contains("anchor"), "{}", refused.all());
}

/// Asks for a service that nobody declared; the denial has a receipt too.
fn ask(server: &Server, token: &str, receipt: &str) {
    let asked = server.run(
        token,
        &[
            "gate",
            "--service",
            "no-such-service",
            "--environment",
            "production",
            "--commit",
            COMMIT,
            "--artifact",
            &digest('a'),
            "--run-system",
            "test:local",
            "--run-id",
            "1",
            "--pass-key",
            &server.pass_key,
            "--receipt-out",
            receipt,
        ],
    );
    assert_eq!(asked.code, 10, "{}", asked.all());
    assert!(asked.stdout.contains("would pass if"), "{}", asked.all());
}

/// Turns bits all over a file, so that no copy within it survives.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    for byte in bytes.iter_mut().step_by(16) {
        *byte ^= 1;
    }
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sluice.toml");
    std::fs::write(&file, "listne = '127.0.0.1:1'\n").unwrap();
    let ran = run(["serve", "--config", file.to_str().unwrap()]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("listne"), "{}", ran.all());
    let ran = run(["serve", "--listen", "nowhere"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
}

/// Runs the program with lines on its input, as the person whose sessions are kept in `home`.
fn typed(server: &Server, home: &Path, arguments: &[&str], lines: &str) -> Ran {
    use std::io::Write;
    let mut command = sluice();
    command.env("SLUICE_URL", &server.url).env("SLUICE_CONFIG_DIR", home).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_person_gets_an_account_logs_in_and_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let organisation = dir.path().join("organisation");
    let home = dir.path().join("home");
    let server = Server::start(&dir.path().join("data"));
    let admin = server.token.clone().unwrap();
    let folder = organisation.to_str().unwrap();
    assert_eq!(run(["init", folder]).code, 0);
    assert_eq!(server.run(&admin, &["apply", folder, "--yes"]).code, 0);

    let made = server.run(&admin, &["account", "create", "alice"]);
    assert_eq!(made.code, 0, "{}", made.all());
    let password = "four words nobody puts together";
    let lines = format!("{}\n{password}\n{password}\n", made.stdout.trim());
    let set = typed(&server, &home, &["account", "enrol", "alice"], &lines);
    assert_eq!(set.code, 0, "{}", set.all());

    let wrong = ["login", "--password", "--handle", "alice"];
    let refused = typed(&server, &home, &wrong, "another password altogether\n");
    assert!(refused.code == 13 && refused.stderr.contains("login_refused"), "{}", refused.all());
    let came = typed(&server, &home, &wrong, &format!("{password}\n"));
    assert_eq!(came.code, 0, "{}", came.all());
    is_private(&home.join("sessions.json"));
    let changes = typed(&server, &home, &["change", "list"], "");
    assert_eq!(changes.code, 0, "{}", changes.all());
    let explain = ["access", "explain", "alice", "change.approve", "shop@production"];
    let explained = typed(&server, &home, &explain, "");
    assert!(
        explained.code == 0 && explained.stdout.contains("approval rule"),
        "{}",
        explained.all()
    );
    let stepped = typed(&server, &home, &["login", "--step-up"], &format!("{password}\n"));
    assert_eq!(stepped.code, 0, "{}", stepped.all());
    let left = typed(&server, &home, &["logout"], "");
    assert_eq!(left.code, 0, "{}", left.all());
    let nobody = typed(&server, &home, &["change", "list"], "");
    assert!(nobody.code == 13 && nobody.stderr.contains("token_missing"), "{}", nobody.all());
}

#[cfg(unix)]
fn is_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[cfg(not(unix))]
fn is_private(path: &Path) {
    assert!(path.exists());
}

#[test]
fn a_folder_that_would_sweep_out_everything_is_applied_for_whoever_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let organisation = dir.path().join("organisation");
    let other = dir.path().join("other");
    let server = Server::start(&dir.path().join("data"));
    let admin = server.token.clone().unwrap();
    let folder = organisation.to_str().unwrap();
    assert_eq!(run(["init", folder]).code, 0);
    assert_eq!(server.run(&admin, &["apply", folder]).code, 0);
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("nothing.yaml"), "# to be written\n").unwrap();
    let other = other.to_str().unwrap();
    let refused = server.run(&admin, &["apply", other, "--yes"]);
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(refused.stderr.contains("it would withdraw everything"), "{}", refused.all());
    assert!(refused.stderr.contains("--withdraw-all"), "{}", refused.all());
    let still = server.run(&admin, &["apply", folder]);
    assert!(still.stderr.contains("nothing to do"), "{}", still.all());
    let gone = server.run(&admin, &["apply", other, "--withdraw-all"]);
    assert_eq!(gone.code, 0, "{}", gone.all());
}
