//! Handing messages to a mail server: over real sockets and TLS, with servers that lie.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sluice_outbound::{
    Answer, Client, Failure, Limits, Login, Mail, Net, Reach, Roots, Security, Why,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// How a server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// It has no STARTTLS.
    Bare,
    /// Before TLS it says what it should say after it.
    Injects,
    /// It hangs up when the message is there.
    HangsUp,
    /// It does not know anybody.
    KnowsNobody,
    /// It is busy now.
    Busy,
    /// It offers no way to log in.
    NoAuth,
}

/// A mail server with a certificate of its own.
struct Server {
    port: u16,
    pem: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(security: Security, manner: Manner) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match security {
                    Security::Plain => serve(stream, manner, &noted, true).await,
                    Security::Tls => {
                        let Ok(stream) = acceptor.accept(stream).await else { continue };
                        serve(stream, manner, &noted, true).await;
                    }
                    Security::StartTls => {
                        let Some(stream) = before_tls(stream, manner, &noted).await else {
                            continue;
                        };
                        let Ok(stream) = acceptor.accept(stream).await else { continue };
                        serve(stream, manner, &noted, false).await;
                    }
                }
            }
        });
        Self { port, pem: made.cert.pem(), heard }
    }

    fn reach(&self) -> Reach {
        let reach = Reach::new().host("localhost").unwrap().port(self.port);
        reach.open("127.0.0.0/8").unwrap().open("::1").unwrap()
    }

    fn client(&self) -> Client {
        let roots = Roots::of_system().and_pem(self.pem.as_bytes()).unwrap();
        Client::new(roots, Limits::default()).unwrap()
    }

    fn mail(&self, security: Security) -> Mail {
        Mail {
            host: "localhost".into(),
            port: self.port,
            security,
            from: "sluice@acme.example".into(),
            to: vec!["ann@acme.example".into(), "bob@acme.example".into()],
            message: Some(b"Subject: CHG0000001\r\n\r\nIt waits.\r\n.\r\n".to_vec()),
            login: Some(Login { user: "sluice".into(), secret: "s3cret".into(), is_token: false }),
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn before_tls(
    stream: tokio::net::TcpStream,
    manner: Manner,
    heard: &Mutex<Vec<String>>,
) -> Option<tokio::net::TcpStream> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 mail.acme.example\r\n").await.ok()?;
    let offers: &[u8] = match manner {
        Manner::Bare => b"250 mail.acme.example\r\n",
        _ => b"250-mail.acme.example\r\n250 STARTTLS\r\n",
    };
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        heard.lock().unwrap().push(line.trim().to_owned());
        match line.trim() {
            "STARTTLS" => {
                let go: &[u8] = match manner {
                    Manner::Injects => b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n",
                    _ => b"220 go\r\n",
                };
                stream.get_mut().write_all(go).await.ok()?;
                return Some(stream.into_inner());
            }
            _ => stream.get_mut().write_all(offers).await.ok()?,
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    manner: Manner,
    heard: &Mutex<Vec<String>>,
    greets: bool,
) {
    let mut stream = BufReader::new(stream);
    if greets && stream.get_mut().write_all(b"220 mail.acme.example\r\n").await.is_err() {
        return;
    }
    let mut in_message = false;
    loop {
        let mut line = String::new();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        let line = line.trim_end().to_owned();
        heard.lock().unwrap().push(line.clone());
        if in_message && line == "." && manner == Manner::HangsUp {
            return;
        }
        let says: &[u8] = match line.split(' ').next().unwrap_or_default() {
            "." if in_message => {
                in_message = false;
                b"250 taken\r\n"
            }
            _ if in_message => continue,
            "EHLO" if manner == Manner::NoAuth => b"250 mail.acme.example\r\n",
            "EHLO" => b"250-mail.acme.example\r\n250 AUTH PLAIN\r\n",
            "AUTH" if line.ends_with("AHNsdWljZQBzM2NyZXQ=") => b"235 welcome\r\n",
            "AUTH" => b"535 who?\r\n",
            "RCPT" if manner == Manner::KnowsNobody => b"550 nobody\r\n",
            "RCPT" if line.contains("bob@") => b"550 left\r\n",
            "RCPT" if line.contains("full@") => b"452 full\r\n",
            "RCPT" if line.contains("closing@") => b"421 bye\r\n",
            "MAIL" if manner == Manner::Busy => b"451 later\r\n",
            "DATA" => {
                in_message = true;
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        if stream.get_mut().write_all(says).await.is_err() {
            return;
        }
    }
}

fn taken(answer: Result<Answer, Failure>) -> (u16, String) {
    let answer = answer.unwrap();
    (answer.status, answer.header("refused").unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_message_is_taken_over_an_encrypted_connection_and_who_left_is_counted() {
    for security in [Security::Tls, Security::StartTls] {
        let server = Server::start(security, Manner::Honest).await;
        let answer = server.client().mail(&server.reach(), server.mail(security)).await;
        assert_eq!(taken(answer), (250, "1".to_owned()), "{security:?}");
        let heard = server.heard();
        for line in
            ["MAIL FROM:<sluice@acme.example>", "RCPT TO:<ann@acme.example>", "It waits.", ".."]
        {
            assert!(heard.iter().any(|said| said == line), "{security:?} {line}: {heard:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_not_encrypted_is_told_nothing() {
    for (manner, failure) in [(Manner::Bare, Failure::Tls), (Manner::Injects, Failure::BadResponse)]
    {
        let server = Server::start(Security::StartTls, manner).await;
        let mail = server.mail(Security::StartTls);
        assert_eq!(server.client().mail(&server.reach(), mail).await, Err(failure));
        let heard = server.heard().join("\n");
        assert!(!heard.contains("AUTH") && !heard.contains("@"), "{manner:?}: {heard}");
    }
    let server = Server::start(Security::Plain, Manner::Honest).await;
    let mail = server.mail(Security::Plain);
    let outcome = server.client().mail(&server.reach(), mail.clone()).await;
    assert_eq!(outcome, Err(Failure::Blocked(Why::Scheme)));
    assert_eq!(server.heard(), Vec::<String>::new());
    let listed = server.reach().plain_host("localhost").unwrap();
    assert_eq!(taken(server.client().mail(&listed, mail).await).0, 250);
    // A stranger's certificate.
    let server = Server::start(Security::Tls, Manner::Honest).await;
    let client = Client::new(Roots::of_system(), Limits::default()).unwrap();
    assert_eq!(client.mail(&server.reach(), server.mail(Security::Tls)).await, Err(Failure::Tls));
}

#[tokio::test]
async fn a_mail_server_is_judged_as_every_host_is() {
    let server = Server::start(Security::Tls, Manner::Honest).await;
    let closed = Reach::new().host("localhost").unwrap().port(server.port);
    let unlisted = Reach::new().host("mail.acme.example").unwrap().port(server.port);
    let other_port = Reach::new().host("localhost").unwrap().open("127.0.0.0/8").unwrap();
    for (reach, why) in
        [(closed, Why::PrivateAddress), (unlisted, Why::Host), (other_port, Why::Port)]
    {
        let outcome = server.client().mail(&reach, server.mail(Security::Tls)).await;
        assert_eq!(outcome, Err(Failure::Blocked(why)));
    }
    for host in ["localhost@evil.example", "127.1", "localhost/x", "local\thost", ""] {
        let mail = Mail { host: host.into(), ..server.mail(Security::Tls) };
        assert!(
            matches!(server.client().mail(&server.reach(), mail).await, Err(Failure::Blocked(_))),
            "{host:?}"
        );
    }
    assert_eq!(server.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_server_refuses_is_an_answer_with_its_code() {
    for (manner, code) in [(Manner::KnowsNobody, 550), (Manner::Busy, 451), (Manner::NoAuth, 534)] {
        let server = Server::start(Security::Tls, manner).await;
        let answer = server.client().mail(&server.reach(), server.mail(Security::Tls)).await;
        assert_eq!(taken(answer).0, code, "{manner:?}");
        assert!(!server.heard().contains(&"DATA".to_owned()));
    }
    let server = Server::start(Security::Tls, Manner::Honest).await;
    let login = Some(Login { user: "sluice".into(), secret: "wrong".into(), is_token: false });
    let mail = Mail { login, ..server.mail(Security::Tls) };
    assert_eq!(taken(server.client().mail(&server.reach(), mail).await).0, 535);
    let mail = Mail { to: vec!["no address".into()], ..server.mail(Security::Tls) };
    assert_eq!(taken(server.client().mail(&server.reach(), mail).await), (553, "1".to_owned()));
}

#[tokio::test]
async fn a_mailbox_that_is_full_keeps_nothing_from_the_others() {
    let missed = |answer: &Answer| {
        let count = |name| answer.header(name).unwrap_or_default().to_owned();
        (answer.status, count("refused"), count("deferred"))
    };
    for (to, came) in [
        (vec!["full@acme.example", "ann@acme.example", "bob@acme.example"], (250, "1", "0")),
        (vec!["ann@acme.example", "full@acme.example", "full@acme.example"], (250, "0", "1,2")),
        (vec!["bob@acme.example", "full@acme.example"], (452, "1", "1")),
        (vec!["full@acme.example", "bob@acme.example"], (452, "1", "0")),
        (vec!["ann@acme.example", "closing@acme.example"], (421, "0", "")),
    ] {
        let server = Server::start(Security::Tls, Manner::Honest).await;
        let to: Vec<String> = to.into_iter().map(str::to_owned).collect();
        let mail = Mail { to, ..server.mail(Security::Tls) };
        let answer = server.client().mail(&server.reach(), mail.clone()).await.unwrap();
        let (code, refused, deferred) = missed(&answer);
        assert_eq!((code, refused.as_str(), deferred.as_str()), came, "{:?}", mail.to);
        assert_eq!(server.heard().contains(&"It waits.".to_owned()), code == 250, "{:?}", mail.to);
    }
}

#[tokio::test]
async fn a_trial_logs_in_and_sends_nothing() {
    let server = Server::start(Security::StartTls, Manner::Honest).await;
    let mail = Mail { message: None, ..server.mail(Security::StartTls) };
    assert_eq!(taken(server.client().mail(&server.reach(), mail).await).0, 250);
    assert!(!server.heard().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_message_whose_receipt_was_lost_may_have_arrived() {
    let server = Server::start(Security::Tls, Manner::HangsUp).await;
    let outcome = server.client().mail(&server.reach(), server.mail(Security::Tls)).await;
    assert!(outcome.unwrap_err().may_have_arrived());
}

#[test]
fn neither_people_nor_secrets_are_shown() {
    let mail = Mail {
        host: "mail.acme.example".into(),
        port: 465,
        security: Security::Tls,
        from: "sluice@acme.example".into(),
        to: vec!["ann@acme.example".into()],
        message: Some(b"hello".to_vec()),
        login: Some(Login { user: "sluice".into(), secret: "s3cret".into(), is_token: true }),
    };
    let shown = format!("{mail:?} {:?}", mail.login);
    assert_eq!(
        shown,
        "Mail(mail.acme.example:465 Tls, 1 recipients, 5 bytes) Some(Login(withheld))"
    );
}
