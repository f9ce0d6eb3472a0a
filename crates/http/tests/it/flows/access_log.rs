use std::{
    io,
    sync::{Arc, Mutex},
};

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Flow, Trial, send};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// The one line that holds `id`, without its time: that is of any digits.
    fn line_with(&self, id: &str) -> Value {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(id)).collect();
        let [line] = lines[..] else {
            panic!("not one line: {lines:?}")
        };
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("timestamp");
        line
    }
}

#[tokio::test]
async fn every_request_and_every_message_is_one_line_without_what_was_sent() {
    // For the whole process: the lines of the other tests are passed over.
    let written = Written::default();
    let writer = written.clone();
    tracing_subscriber::fmt()
        .json()
        .with_writer(move || writer.clone())
        .init();

    let mut trial = Trial::start().await;
    let hint = trial.hint();
    let begun = send(
        trial
            .server
            .authorize(&trial.parameters("pi.flow", Some(&hint))),
    )
    .await;
    let flow = Flow::of(&begun);
    let message = trial.server.message().await;
    let code = message.code.as_ref().unwrap().expose().clone();
    let checked = trial.server.check(&flow, &code).await;
    let resumed = send(trial.server.resume(&flow)).await;
    let granted = resumed.json(200)["authorizeResponse"]["code"].clone();
    let unknown = send(
        trial
            .server
            .request(Method::GET, "/no/such/path?secret=s3cret"),
    )
    .await;
    let other_host = trial.server.request(Method::GET, "/openapi.json");
    let misdirected = send(other_host.header(header::HOST, "evil.test")).await;

    let (_, token) = flow
        .cookie
        .split(';')
        .next()
        .unwrap()
        .split_once('=')
        .unwrap();
    let secrets = [
        &hint,
        &code,
        granted.as_str().unwrap(),
        token,
        "s3cret",
        "12345642",
    ];
    for (answer, method, path, status) in [
        (&begun, "GET", "/{environmentID}/as/authorize", 200),
        (&checked, "POST", "/{environmentID}/flows/{flowID}", 200),
        (&resumed, "GET", "/{environmentID}/as/resume", 200),
        (&unknown, "GET", "/no/such/path", 404),
        (&misdirected, "GET", "/openapi.json", 421),
    ] {
        let mut line = written.line_with(answer.header("correlation-id").unwrap());
        let fields = line["fields"].as_object_mut().unwrap();
        assert!(fields.remove("milliseconds").unwrap().is_f64());
        assert_eq!(fields["message"], "answered");
        assert_eq!(fields["method"], method);
        assert_eq!(fields["path"], path);
        assert_eq!(fields["status"], status);
        assert_eq!(fields["remote"], "127.0.0.1");
        for secret in secrets {
            assert!(!line.to_string().contains(secret), "{line}");
        }
    }

    trial.server.stop_workers().await;
    let line = written.line_with(&message.id);
    let expected = json!({ "message": "a message is sent", "message_id": message.id,
        "reference": format!("postbox-{}", message.id) });
    assert_eq!(line["fields"], expected);
    for secret in secrets {
        assert!(!line.to_string().contains(secret), "{line}");
    }
}
