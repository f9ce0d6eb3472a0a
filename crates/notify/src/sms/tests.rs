//! Against a gateway that runs in the test and says what it got.

use std::time;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
};

use super::*;
use crate::test_message;

fn settings(base_url: &str) -> SmsSettings {
    SmsSettings {
        base_url: base_url.to_owned(),
        account_sid: "AC0011".to_owned(),
        auth_token: Secret::new("gateway-token".to_owned()),
        from: "+15005550006".to_owned(),
        timeouts: Timeouts::default(),
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")
                        .map(str::to_owned)
                })
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await.unwrap() {
            0 => return text,
            read => request.extend_from_slice(&chunk[..read]),
        }
    }
}

fn answer(status: &str, header: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{header}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A gateway that gives one answer; the receiver yields the request it got.
async fn gateway(answer: String) -> (String, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let (got, request) = oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        got.send(read_request(&mut stream).await).unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    (base_url, request)
}

async fn answered(answer: String) -> Result<Delivery, NotifyError> {
    let (base_url, _request) = gateway(answer).await;
    let sent = SmsSender::new(settings(&base_url))
        .unwrap()
        .send(&test_message::by(Channel::Sms))
        .await;
    test_message::assert_discreet(&format!("{sent:?}"));
    sent
}

#[tokio::test]
async fn the_request_is_the_one_that_gateways_expect() {
    let (base_url, request) = gateway(answer("201 Created", "", r#"{"sid":"SM0a1"}"#)).await;
    let sender = SmsSender::new(settings(&format!("{base_url}/twilio/"))).unwrap();
    let delivery = sender.send(&test_message::by(Channel::Sms)).await.unwrap();

    assert_eq!(delivery.reference.as_deref(), Some("SM0a1"));
    let host = base_url.strip_prefix("http://").unwrap();
    let mut lines: Vec<String> = request.await.unwrap().lines().map(str::to_owned).collect();
    let start = lines.remove(0);
    lines.sort_unstable();
    assert_eq!(
        start,
        "POST /twilio/2010-04-01/Accounts/AC0011/Messages.json HTTP/1.1"
    );
    assert_eq!(
        lines,
        [
            "",
            "To=%2B4712345678&From=%2B15005550006&Body=Harbor+code%3A+482915+%26+more",
            "accept: */*",
            "authorization: Basic QUMwMDExOmdhdGV3YXktdG9rZW4=",
            "content-length: 72",
            "content-type: application/x-www-form-urlencoded",
            &format!("host: {host}"),
            "i-twilio-idempotency-token: 0198f0a0-0000-7000-8000-000000000001",
            concat!("user-agent: stepgate/", env!("CARGO_PKG_VERSION")),
        ]
    );
}

#[tokio::test]
async fn the_sender_that_the_template_asks_for_is_used() {
    let (base_url, request) = gateway(answer("201 Created", "", "")).await;
    let message = Message {
        sender: Some("HARBOR".to_owned()),
        ..test_message::by(Channel::Sms)
    };
    SmsSender::new(settings(&base_url))
        .unwrap()
        .send(&message)
        .await
        .unwrap();
    assert!(request.await.unwrap().contains("&From=HARBOR&"));
}

#[tokio::test]
async fn an_accepted_message_is_delivered_whatever_the_answer_holds() {
    for answer in [
        answer("200 OK", "", "ok"),
        // Announces more than it sends.
        "HTTP/1.1 201 Created\r\nContent-Length: 90\r\n\r\n{\"sid\":".to_owned(),
        answer("201 Created", "", r#"{"sid":"+4712345678"}"#),
        answer("201 Created", "", r#"{"sid":"SM4712345678"}"#),
        answer("201 Created", "", r#"{"sid":"a12345678z"}"#),
        answer("201 Created", "", r#"{"sid":"SM48x2915"}"#),
        answer("201 Created", "", r#"{"sid":"mira@example.test"}"#),
        answer(
            "201 Created",
            "",
            &format!(r#"{{"sid":"{}"}}"#, "x".repeat(65)),
        ),
        answer("201 Created", "", &"x".repeat(LONGEST_ANSWER + 1)),
    ] {
        assert_eq!(answered(answer).await.unwrap().reference, None);
    }
}

#[tokio::test]
async fn a_refused_message_is_not_tried_again() {
    let body = r#"{"code":21211,"message":"The 'To' number +4712345678 is not valid"}"#;
    assert_eq!(
        answered(answer("400 Bad Request", "", body))
            .await
            .unwrap_err(),
        NotifyError::Permanent {
            reason: "the SMS gateway answered 400 with error 21211".to_owned()
        }
    );
}

#[tokio::test]
async fn who_is_refused_altogether_tries_again_and_is_misconfigured() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let error = answered(answer(status, "", "")).await.unwrap_err();
        assert!(
            matches!(error, NotifyError::Misconfigured { .. }),
            "{error:?}"
        );
        assert!(error.is_transient());
    }
}

#[test]
fn the_sender_is_a_number_in_one_spelling_a_short_code_or_a_name() {
    for (given, expected) in [
        ("+1.5125550100", "+15125550100"),
        (" +1 (512) 555-0100", "+15125550100"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("12345", "12345"),
        ("HARBOR", "HARBOR"),
    ] {
        assert_eq!(sender(given), Ok(expected.to_owned()));
    }
    for refused in [
        "",
        " ",
        "15125550100",
        "1.512.555.0100",
        "+call",
        "+4407700900123",
    ] {
        let settings = SmsSettings {
            from: refused.to_owned(),
            ..settings("https://gateway.example.test")
        };
        let violations = SmsSender::new(settings).unwrap_err();
        assert_eq!(violations[0].target, "from", "{refused}");
    }
}

#[tokio::test]
async fn a_redirect_is_a_refusal() {
    let error = answered(answer(
        "307 Temporary Redirect",
        "Location: http://127.0.0.1:1/\r\n",
        "",
    ))
    .await;
    assert_eq!(
        error.unwrap_err(),
        NotifyError::Permanent {
            reason: "the SMS gateway answered 307".to_owned()
        }
    );
}

#[tokio::test]
async fn an_overloaded_gateway_is_tried_again_when_it_says() {
    let busy = answer("429 Too Many Requests", "Retry-After: 17\r\n", "");
    assert_eq!(
        answered(busy).await.unwrap_err(),
        NotifyError::Transient {
            reason: "the SMS gateway answered 429".to_owned(),
            retry_after: Some(Duration::from_seconds(17)),
        }
    );
    let broken = answer(
        "500 Internal Server Error",
        "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n",
        "",
    );
    assert_eq!(
        answered(broken).await.unwrap_err(),
        NotifyError::Transient {
            reason: "the SMS gateway answered 500".to_owned(),
            retry_after: None
        }
    );
}

#[tokio::test]
async fn a_gateway_that_hangs_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let timeouts = Timeouts {
        total: time::Duration::from_millis(100),
        ..Timeouts::default()
    };
    let sender = SmsSender::new(SmsSettings {
        timeouts,
        ..settings(&base_url)
    })
    .unwrap();
    // The kernel accepts the connection; nobody ever answers on it.
    let error = sender
        .send(&test_message::by(Channel::Sms))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        NotifyError::transient("the SMS gateway did not answer in time")
    );
}

#[tokio::test]
async fn a_gateway_that_is_away_is_tried_again() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base_url = format!("http://{}", socket.local_addr().unwrap());
    let error = SmsSender::new(settings(&base_url))
        .unwrap()
        .send(&test_message::by(Channel::Sms))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        NotifyError::transient("the SMS gateway refuses connections")
    );
}

#[tokio::test]
async fn a_gateway_that_hangs_up_is_tried_again() {
    let error = answered(String::new()).await.unwrap_err();
    assert!(error.is_transient());
}

#[test]
fn all_faults_of_the_settings_are_told_at_once() {
    let faulty = SmsSettings {
        base_url: "http://sms.example.test".to_owned(),
        account_sid: String::new(),
        auth_token: Secret::new(" ".to_owned()),
        from: String::new(),
        timeouts: Timeouts::default(),
    };
    let targets: Vec<String> = SmsSender::new(faulty)
        .unwrap_err()
        .into_iter()
        .map(|fault| fault.target)
        .collect();
    assert_eq!(targets, ["account_sid", "auth_token", "from", "base_url"]);
}

#[test]
fn a_token_leaves_this_machine_only_encrypted() {
    for refused in [
        "sms.example.test",
        "http://sms.example.test",
        "ftp://localhost",
        "https://a:b@sms.example.test",
        "https://sms.example.test/?a=b",
    ] {
        let violations = SmsSender::new(settings(refused)).unwrap_err();
        assert_eq!(violations[0].target, "base_url", "{refused}");
    }
    for allowed in [
        "https://sms.example.test",
        "http://localhost:8080",
        "http://[::1]:8080/x",
    ] {
        assert!(SmsSender::new(settings(allowed)).is_ok(), "{allowed}");
    }
}

#[test]
fn debug_output_is_discreet() {
    let sender = SmsSender::new(settings("http://localhost")).unwrap();
    test_message::assert_discreet(&format!("{sender:?} {:?}", settings("http://localhost")));
}

#[test]
fn an_account_cannot_leave_its_place_in_the_path() {
    for account_sid in ["..", "../x", "a?b", "a:b"] {
        let settings = SmsSettings {
            account_sid: account_sid.to_owned(),
            ..settings("http://localhost")
        };
        assert_eq!(
            SmsSender::new(settings).unwrap_err()[0].target,
            "account_sid",
            "{account_sid}"
        );
    }
}
