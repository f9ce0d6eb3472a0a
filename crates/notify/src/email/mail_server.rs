//! A mail server for the tests, which keeps what it hears.

use std::num::NonZeroU16;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

/// How the mail server behaves.
#[derive(Clone, Copy)]
pub(super) struct Behaviour {
    pub(super) extensions: &'static [&'static str],
    pub(super) auth: &'static str,
    pub(super) recipient: &'static str,
    pub(super) accepted: &'static str,
    /// Says nothing more when it has the mail.
    pub(super) hangs_after_mail: bool,
}

pub(super) const WELL_BEHAVED: Behaviour = Behaviour {
    extensions: &["8BITMIME", "AUTH PLAIN LOGIN"],
    auth: "235 2.7.0 welcome",
    recipient: "250 2.1.5 ok",
    accepted: "250 2.0.0 taken for mira@example.test",
    hangs_after_mail: false,
};

/// Serves one connection; yields the lines it heard, the mail's own as they came over the wire.
pub(super) async fn mail_server(behaviour: Behaviour) -> (NonZeroU16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = NonZeroU16::new(listener.local_addr().unwrap().port()).unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let mut heard = Vec::new();
        let mut in_mail = false;
        writer.write_all(b"220 test ESMTP\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_line().await {
            let verb = line.split([' ', ':']).next().unwrap().to_owned();
            heard.push(line.clone());
            let reply = if in_mail {
                if line != "." {
                    continue;
                }
                in_mail = false;
                behaviour.accepted.to_owned()
            } else {
                match verb.as_str() {
                    "EHLO" => {
                        behaviour
                            .extensions
                            .iter()
                            .fold(String::new(), |said, name| said + "250-" + name + "\r\n")
                            + "250 HELP"
                    }
                    "AUTH" => behaviour.auth.to_owned(),
                    "MAIL" => "250 2.1.0 ok".to_owned(),
                    "RCPT" => behaviour.recipient.to_owned(),
                    "DATA" => {
                        in_mail = true;
                        "354 go on".to_owned()
                    }
                    "QUIT" if behaviour.hangs_after_mail => continue,
                    "QUIT" => "221 bye".to_owned(),
                    _ => "500 what?".to_owned(),
                }
            };
            if writer
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .is_err()
                || verb == "QUIT"
            {
                break;
            }
        }
        heard
    });
    (port, server)
}
