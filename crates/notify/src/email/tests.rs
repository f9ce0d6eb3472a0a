//! Against a mail server that runs in the test and keeps what it hears.

use std::time;

use proptest::prelude::*;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpSocket},
};

use super::{
    mail_server::{Behaviour, WELL_BEHAVED, mail_server},
    *,
};
use crate::test_message;

fn settings(port: NonZeroU16) -> EmailSettings {
    EmailSettings {
        host: "127.0.0.1".to_owned(),
        port,
        username: Some("gate".to_owned()),
        password: Some(Secret::new("mail-password".to_owned())),
        from: "Gate <gate@stepgate.test>".to_owned(),
        tls: SmtpTls::None,
        timeouts: Timeouts::default(),
    }
}

fn a_port() -> NonZeroU16 {
    NonZeroU16::new(2525).unwrap()
}

/// Sends to a server of this behaviour: the outcome, and what the server heard.
async fn sent(
    message: &Message,
    behaviour: Behaviour,
) -> (Result<Delivery, NotifyError>, Vec<String>) {
    let (port, server) = mail_server(behaviour).await;
    let outcome = EmailSender::new(settings(port))
        .unwrap()
        .send(message)
        .await;
    test_message::assert_discreet(&format!("{outcome:?}"));
    (outcome, server.await.unwrap())
}

fn with_text(text: &str) -> Message {
    Message {
        text: Secret::new(text.to_owned()),
        ..test_message::by(Channel::Email)
    }
}

#[tokio::test]
async fn a_mail_is_spoken_as_the_standard_says() {
    let (outcome, heard) = sent(&test_message::by(Channel::Email), WELL_BEHAVED).await;
    assert!(outcome.is_ok());

    let body = heard.iter().position(String::is_empty).unwrap();
    let date = heard
        .iter()
        .position(|line| line.starts_with("Date: "))
        .unwrap();
    let without_date: Vec<&str> = heard
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != date)
        .map(|(_, line)| line.as_str())
        .collect();
    assert!(date < body);
    assert_eq!(
        without_date,
        [
            "EHLO [127.0.0.1]",
            "AUTH PLAIN AGdhdGUAbWFpbC1wYXNzd29yZA==",
            "MAIL FROM:<gate@stepgate.test>",
            "RCPT TO:<mira@example.test>",
            "DATA",
            "Message-ID: <0198f0a0-0000-7000-8000-000000000001@stepgate.test>",
            "From: Gate <gate@stepgate.test>",
            "To: mira@example.test",
            "Subject: Your code",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
            "",
            "Harbor code: 482915 & more",
            ".",
            "QUIT",
        ]
    );
}

#[tokio::test]
async fn lines_that_begin_with_a_dot_do_not_end_the_mail() {
    let (outcome, heard) = sent(&with_text("first\r\n.\r\n..two\r\nlast"), WELL_BEHAVED).await;
    assert!(outcome.is_ok());
    let body = heard.iter().position(String::is_empty).unwrap();
    assert_eq!(
        heard[body + 1..],
        ["first", "..", "...two", "last", ".", "QUIT"]
    );
}

#[tokio::test]
async fn words_beyond_ascii_are_encoded() {
    let message = Message {
        subject: Some("Kjære Åse, kode".to_owned()),
        ..with_text("Koden er på vei")
    };
    let (outcome, heard) = sent(&message, WELL_BEHAVED).await;
    assert!(outcome.is_ok());
    assert!(heard.iter().all(|line| line.is_ascii()));
    let subject = heard
        .iter()
        .find(|line| line.starts_with("Subject: "))
        .unwrap();
    assert!(subject.contains("=?utf-8?"), "{subject}");
    assert!(heard.contains(&"Content-Transfer-Encoding: quoted-printable".to_owned()));
    assert!(heard.contains(&"Koden er p=C3=A5 vei".to_owned()));
}

#[tokio::test]
async fn a_body_with_tags_is_sent_as_html() {
    let (_, heard) = sent(
        &with_text("Hello,<br>your code is <b>482915</b>"),
        WELL_BEHAVED,
    )
    .await;
    assert!(heard.contains(&"Content-Type: text/html; charset=utf-8".to_owned()));
}

#[tokio::test]
async fn the_template_chooses_the_name_of_the_sender_but_not_the_address() {
    let message = Message {
        sender: Some("Harbor <evil@example.test>".to_owned()),
        ..test_message::by(Channel::Email)
    };
    let (_, heard) = sent(&message, WELL_BEHAVED).await;
    assert!(heard.contains(&"MAIL FROM:<gate@stepgate.test>".to_owned()));
    // An encoded word (RFC 2047) holding the whole name, so that no reader takes it for an address.
    let from = "From: =?utf-8?b?SGFyYm9yIDxldmlsQGV4YW1wbGUudGVzdD4=?= <gate@stepgate.test>";
    assert!(heard.contains(&from.to_owned()));
}

#[tokio::test]
async fn no_text_becomes_a_header_or_a_command() {
    let injected = "x\r\nBcc: eve@example.test\r\n\r\nhi";
    let message = Message {
        subject: Some(injected.to_owned()),
        sender: Some(injected.to_owned()),
        ..test_message::by(Channel::Email)
    };
    let (_, heard) = sent(&message, WELL_BEHAVED).await;
    assert!(
        heard.iter().all(|line| !line.starts_with("Bcc")),
        "{heard:?}"
    );
    assert_eq!(
        heard.iter().filter(|line| line.starts_with("RCPT")).count(),
        1
    );

    let sender = EmailSender::new(settings(a_port())).unwrap();
    for to in [
        "a@b.test>\r\nRCPT TO:<eve@example.test",
        "\"a\r\nDATA\"@b.test",
        "a@b.test\r\n",
        "no address",
        "",
    ] {
        let message = Message {
            to: Secret::new(to.to_owned()),
            ..test_message::by(Channel::Email)
        };
        assert!(
            !sender.send(&message).await.unwrap_err().is_transient(),
            "{to:?}"
        );
    }
    let message = Message {
        id: "x>\r\nBcc: eve@example.test".to_owned(),
        ..test_message::by(Channel::Email)
    };
    assert!(!sender.send(&message).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_reply_of_4yz_is_tried_again_and_one_of_5yz_is_not() {
    let greylisted = Behaviour {
        recipient: "451 4.7.1 mira@example.test later",
        ..WELL_BEHAVED
    };
    assert_eq!(
        sent(&test_message::by(Channel::Email), greylisted)
            .await
            .0
            .unwrap_err(),
        NotifyError::transient("the mail server answered 451")
    );
    let unknown = Behaviour {
        recipient: "550 5.1.1 mira@example.test unknown",
        ..WELL_BEHAVED
    };
    assert_eq!(
        sent(&test_message::by(Channel::Email), unknown)
            .await
            .0
            .unwrap_err(),
        NotifyError::permanent("the mail server answered 550")
    );
    let full = Behaviour {
        accepted: "452 4.3.1 full",
        ..WELL_BEHAVED
    };
    assert!(
        sent(&test_message::by(Channel::Email), full)
            .await
            .0
            .unwrap_err()
            .is_transient()
    );
    let denied = Behaviour {
        auth: "535 5.7.8 no",
        ..WELL_BEHAVED
    };
    let error = sent(&test_message::by(Channel::Email), denied).await.0;
    assert_eq!(
        error.unwrap_err(),
        NotifyError::misconfigured("the mail server answered 535")
    );
}

async fn sent_to(to: &str, extensions: &'static [&'static str]) -> (bool, Vec<String>) {
    let message = Message {
        to: Secret::new(to.to_owned()),
        ..test_message::by(Channel::Email)
    };
    let behaviour = Behaviour {
        extensions,
        ..WELL_BEHAVED
    };
    let (outcome, heard) = sent(&message, behaviour).await;
    (outcome.is_ok(), heard)
}

#[tokio::test]
async fn addresses_of_all_languages_are_carried() {
    const PLAIN: &[&str] = &["8BITMIME", "AUTH PLAIN LOGIN"];
    const WITH_UTF8: &[&str] = &["8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"];
    for (to, extensions, expected) in [
        (
            "mira@bücher.example",
            PLAIN,
            "RCPT TO:<mira@xn--bcher-kva.example>",
        ),
        (
            "mira@例え.テスト",
            PLAIN,
            "RCPT TO:<mira@xn--r8jz45g.xn--zckzah>",
        ),
        (
            "\"mira k\"@example.test",
            PLAIN,
            "RCPT TO:<\"mira k\"@example.test>",
        ),
        (
            "müller@bücher.example",
            WITH_UTF8,
            "RCPT TO:<müller@xn--bcher-kva.example>",
        ),
    ] {
        let (is_sent, heard) = sent_to(to, extensions).await;
        assert!(is_sent, "{to}: {heard:?}");
        assert!(heard.iter().any(|line| line == expected), "{to}: {heard:?}");
    }
    let (is_sent, heard) = sent_to("müller@example.test", PLAIN).await;
    assert!(!is_sent && !heard.iter().any(|line| line.starts_with("RCPT")));
}

#[tokio::test]
async fn a_server_that_takes_the_mail_and_then_hangs_has_it() {
    let (port, _server) = mail_server(Behaviour {
        hangs_after_mail: true,
        ..WELL_BEHAVED
    })
    .await;
    let timeouts = Timeouts {
        connect: time::Duration::from_millis(100),
        ..Timeouts::default()
    };
    let sender = EmailSender::new(EmailSettings {
        timeouts,
        ..settings(port)
    })
    .unwrap();
    assert!(sender.send(&test_message::by(Channel::Email)).await.is_ok());
}

#[tokio::test]
async fn a_server_that_hangs_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = NonZeroU16::new(listener.local_addr().unwrap().port()).unwrap();
    let timeouts = Timeouts {
        total: time::Duration::from_millis(100),
        ..Timeouts::default()
    };
    let sender = EmailSender::new(EmailSettings {
        timeouts,
        ..settings(port)
    })
    .unwrap();
    assert_eq!(
        sender
            .send(&test_message::by(Channel::Email))
            .await
            .unwrap_err(),
        NotifyError::transient("the mail server did not answer in time")
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = NonZeroU16::new(socket.local_addr().unwrap().port()).unwrap();
    let sender = EmailSender::new(settings(port)).unwrap();
    assert_eq!(
        sender
            .send(&test_message::by(Channel::Email))
            .await
            .unwrap_err(),
        NotifyError::transient("the mail server refuses connections")
    );
}

#[tokio::test]
async fn a_server_without_starttls_hears_neither_password_nor_mail() {
    let (port, server) = mail_server(WELL_BEHAVED).await;
    let sender = EmailSender::new(EmailSettings {
        tls: SmtpTls::StartTls,
        ..settings(port)
    })
    .unwrap();
    let error = sender
        .send(&test_message::by(Channel::Email))
        .await
        .unwrap_err();
    assert!(!error.is_transient());
    assert_eq!(server.await.unwrap(), ["EHLO [127.0.0.1]"]);
}

#[tokio::test]
async fn a_server_that_cannot_encrypt_hears_neither_password_nor_mail() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = NonZeroU16::new(listener.local_addr().unwrap().port()).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 test ESMTP\r\n").await.unwrap();
        let mut heard = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut heard).await;
        heard
    });
    let sender = EmailSender::new(EmailSettings {
        tls: SmtpTls::Implicit,
        ..settings(port)
    })
    .unwrap();
    assert!(
        sender
            .send(&test_message::by(Channel::Email))
            .await
            .unwrap_err()
            .is_transient()
    );
    let heard = String::from_utf8_lossy(&server.await.unwrap()).into_owned();
    assert!(!heard.contains("AUTH") && !heard.contains("Harbor"));
}

#[test]
fn all_faults_of_the_settings_are_told_at_once() {
    let faulty = EmailSettings {
        host: "mail.example.test".to_owned(),
        password: None,
        from: "nobody".to_owned(),
        ..settings(a_port())
    };
    let violations = EmailSender::new(faulty).unwrap_err();
    let targets: Vec<&str> = violations
        .iter()
        .map(|violation| violation.target.as_str())
        .collect();
    assert_eq!(targets, ["tls", "password", "from"]);
}

#[test]
fn without_encryption_only_this_machine_is_a_mail_server() {
    let at = |host: &str, tls| {
        EmailSender::new(EmailSettings {
            host: host.to_owned(),
            tls,
            ..settings(a_port())
        })
    };
    assert!(at("mail.example.test", SmtpTls::None).is_err());
    assert!(at("localhost", SmtpTls::None).is_ok());
    assert!(at("mail.example.test", SmtpTls::Implicit).is_ok());
    assert!(at("mail.example.test", SmtpTls::StartTls).is_ok());
}

#[test]
fn debug_output_is_discreet() {
    let sender = EmailSender::new(settings(a_port())).unwrap();
    test_message::assert_discreet(&format!("{sender:?} {:?}", settings(a_port())));
}

#[test]
fn only_tags_make_a_body_html() {
    for html in [
        "<p>hi</p>",
        "hi<br/>there",
        "<!DOCTYPE html>",
        "a <a href=\"x\">b</a>",
        "x</div>",
    ] {
        assert!(is_html(html), "{html}");
    }
    for plain in [
        "hi",
        "1 < 2 > 0",
        "see <https://example.test/>",
        "<mira@example.test>",
        "<",
        "a<b",
        "<3",
    ] {
        assert!(!is_html(plain), "{plain}");
    }
}

proptest! {
    /// What may be paired can be sent to.
    #[test]
    fn every_address_that_is_taken_is_carried(
        local in "[a-zü+]{1,8}(\\.[a-z0-9_]{1,4})?|\"[a-zü @.\\\\]{1,6}\"|\\PC{1,4}",
        domain in "[a-zü]{1,8}([.-][a-z0-9-]{1,6}){0,2}|[a-z]{1,3}\\PC{1,2}",
    ) {
        let to = format!("{local}@{domain}");
        if Email::parse(&to).is_ok() {
            let message = Message { to: Secret::new(to), ..test_message::by(Channel::Email) };
            let mail = EmailSender::new(settings(a_port())).unwrap().compose(&message);
            prop_assert!(mail.is_ok(), "{:?}", mail.err());
        }
    }

    #[test]
    fn no_subject_or_sender_adds_a_header(subject in "\\PC*|[\r\n\t :A-Za-z<>@]{0,80}", sender in "\\PC*|[\r\n\t :A-Za-z<>@]{0,80}") {
        let message = Message { subject: Some(subject), sender: Some(sender), ..test_message::by(Channel::Email) };
        let mail = EmailSender::new(settings(a_port())).unwrap().compose(&message).unwrap();
        let formatted = String::from_utf8(mail.formatted()).unwrap();
        let (head, body) = formatted.split_once("\r\n\r\n").unwrap();
        prop_assert_eq!(body, "Harbor code: 482915 & more");
        let names: Vec<&str> = head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split(':').next().unwrap())
            .collect();
        prop_assert_eq!(
            names,
            ["Message-ID", "From", "To", "Subject", "Content-Type", "Content-Transfer-Encoding", "Date"]
        );
    }
}
