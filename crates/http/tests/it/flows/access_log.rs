use std::{
    io,
    sync::{Arc, Mutex, OnceLock},
};

use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::access::Role;

use crate::support::{
    Answer, Browser, Flow, Form, NOBODY, PAGE, TestClient, Trial, device_policy, send,
};

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

/// What the whole process logs. The lines of the other tests are passed over.
fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| {
        let written = Written::default();
        let writer = written.clone();
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing_subscriber::filter::LevelFilter::INFO)
            .with_writer(move || writer.clone())
            .init();
        written
    })
}

impl Written {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// The one line that holds `id`, without its time: that is of any digits.
    fn line_with(&self, id: &str) -> Value {
        let lines = self.lines();
        let lines: Vec<&String> = lines.iter().filter(|line| line.contains(id)).collect();
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
    let written = written();
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
        let milliseconds = fields.remove("milliseconds").unwrap().to_string();
        let (_, decimals) = milliseconds.split_once('.').unwrap();
        assert!(decimals.len() <= 3, "{milliseconds}");
        assert_eq!(fields["message"], "answered");
        assert_eq!(fields["method"], method);
        assert_eq!(fields["path"], path);
        assert_eq!(fields["status"], status);
        let remote = fields.get("remote");
        assert_eq!(remote, Some(&json!("127.0.0.1")), "{fields:?}");
        let is_of_the_trial = path.contains("{environmentID}");
        let environment = is_of_the_trial.then(|| trial.server.environment.to_string());
        assert_eq!(
            fields.get("environment"),
            environment.map(Value::from).as_ref()
        );
        let client = is_of_the_trial.then(|| trial.client.clone());
        assert_eq!(
            fields.get("client"),
            client.map(Value::from).as_ref(),
            "{path}"
        );
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

/// The line of an answer has this error, reason and detail.
#[track_caller]
fn says(answer: &Answer, error: &str, reason: &str, detail: Option<&str>) {
    let line = written().line_with(answer.header("correlation-id").unwrap());
    let fields = &line["fields"];
    assert_eq!(fields["status"], answer.status, "{line}");
    assert_eq!(fields["error"], error, "{line}");
    assert_eq!(fields["reason"], reason, "{line}");
    assert_eq!(
        fields.get("detail").and_then(Value::as_str),
        detail,
        "{line}"
    );
}

#[tokio::test]
async fn the_management_api_s_reasons_are_under_the_correlation_id() {
    written();
    let trial = Trial::start().await;
    let server = &trial.server;
    let environment = server.environment.to_string();
    let reader = server
        .worker_with(
            Role::ConfigurationReadOnly.id(),
            "ENVIRONMENT",
            &environment,
        )
        .await;
    let application = format!("applications/{}", trial.client);
    let headers = [("if-match", "\"77\"")];

    let invalid = server.post("users", json!({ "username": 1 })).await;
    says(
        &invalid,
        "INVALID_DATA",
        "INVALID_VALUE",
        Some("username: INVALID_VALUE"),
    );
    let missing = server.get(&format!("applications/{NOBODY}")).await;
    says(&missing, "NOT_FOUND", "not_found", Some("application"));
    let denied = server.by(&reader, "DELETE", &application, None).await;
    let permission = Some(
        "applications:create:application applications:update:application applications:delete:application",
    );
    says(&denied, "ACCESS_FAILED", "permission_missing", permission);
    let own = server.create("populations", json!({ "name": "Own" })).await;
    let own = own["id"].as_str().unwrap();
    let lesser = server
        .worker_with(Role::IdentityDataAdmin.id(), "POPULATION", own)
        .await;
    let body = json!({ "username": "elsewhere", "email": "e@example.test" });
    let beyond = server.by(&lesser, "POST", "users", Some(body)).await;
    says(&beyond, "ACCESS_FAILED", "out_of_reach", None);
    let line = written().line_with(denied.header("correlation-id").unwrap());
    assert_eq!(line["fields"]["environment"], environment.as_str());
    assert_ne!(
        line["fields"]["client"],
        trial.client.as_str(),
        "the caller's own"
    );
    let stale = server
        .send("PUT", &application, &headers, Some(json!({})))
        .await;
    assert!(stale.status == 412 || stale.status == 400, "{}", stale.text);
    let malformed = server
        .request(Method::POST, "/v1/environments")
        .bearer_auth(server.token_text());
    let malformed = malformed.header(header::CONTENT_TYPE, "application/json");
    says(
        &send(malformed.body("{")).await,
        "INVALID_REQUEST",
        "body_malformed",
        None,
    );
    let nobody = server.nobody().get("/v1/environments").await;
    says(&nobody, "INVALID_TOKEN", "token_missing", None);
    let forged = server.by("a.b.c", "GET", "/v1/environments", None).await;
    says(&forged, "INVALID_TOKEN", "token_malformed", None);
}

#[tokio::test]
async fn the_oauth_endpoints_reasons_are_under_the_correlation_id() {
    written();
    let trial = Trial::start().await;
    let server = &trial.server;
    let client = |id: &str, secret: &str| TestClient {
        id: id.to_owned(),
        secret: secret.to_owned(),
    };
    let form = [("grant_type", "client_credentials")];
    let liar = server.token(&client(&trial.client, "wrong"), &form).await;
    says(&liar, "invalid_client", "client_secret_wrong", None);
    let unknown = server.token(&client(NOBODY, "wrong"), &form).await;
    says(&unknown, "invalid_client", "client_unknown", None);
    assert_eq!(
        liar.oauth_error(401),
        unknown.oauth_error(401),
        "told alike"
    );
    let code = send(trial.redeem("no-such-code")).await;
    says(&code, "invalid_grant", "code_unknown", None);
    let bearer = server.userinfo("a.b.c").await;
    says(&bearer, "INVALID_TOKEN", "token_malformed", None);

    // Where the answer goes makes no difference, be it a bare 302.
    let expired = trial.hint_with(&json!({ "exp": 1, "iat": 1 }));
    for mode in ["query", "fragment", "form_post", "pi.flow"] {
        let asked = server.authorize(&trial.parameters(mode, Some(&expired)));
        let target = Some("login_hint_token");
        says(
            &send(asked).await,
            "invalid_request",
            "hint_expired",
            target,
        );
    }
    let mut parameters = trial.parameters("query", None);
    parameters.push(("prompt", "none"));
    let silent = send(server.authorize(&parameters)).await;
    assert_eq!(silent.status, 302);
    says(
        &silent,
        "login_required",
        "login_required",
        Some("User authentication is required"),
    );
    let nowhere = [("client_id", trial.client.as_str()), ("redirect_uri", PAGE)];
    for accept in ["text/html", "application/json"] {
        let asked = server.authorize(&nowhere).header(header::ACCEPT, accept);
        let told = Some("Redirect URI mismatch");
        says(
            &send(asked).await,
            "invalid_request",
            "invalid_request",
            told,
        );
    }
}

#[tokio::test]
async fn the_flows_and_pages_reasons_are_under_the_correlation_id() {
    written();
    let trial = Trial::with_devices(device_policy(&json!({
        "failure": { "count": 1, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } }
    })))
    .await;
    let server = &trial.server;
    let flow = trial.begin().await;
    server.code().await;
    let foreign = send(server.act_without_cookie(&flow, "otp.check", "{}")).await;
    says(&foreign, "ACCESS_FAILED", "flow_of_other_browser", None);
    let page = server
        .read(&flow)
        .header(header::ORIGIN, "https://other.example.test");
    says(
        &send(page).await,
        "ACCESS_FAILED",
        "origin_not_allowed",
        None,
    );
    let early = send(server.act(&flow, "usernamePassword.check", "{}")).await;
    says(
        &early,
        "REQUEST_FAILED",
        "action_not_offered",
        Some("OTP_REQUIRED"),
    );
    let gone = Flow {
        id: NOBODY.to_owned(),
        ..flow.clone()
    };
    says(
        &send(server.read(&gone)).await,
        "NOT_FOUND",
        "flow_not_found",
        None,
    );
    server.check(&flow, "wrong").await;
    let failed = send(server.resume(&flow)).await;
    says(&failed, "access_denied", "LIMIT_EXCEEDED", None);

    // The hosted page says less than the log.
    server.advance(stepgate_domain::time::Duration::from_hours(1));
    let mut browser = Browser::new(server);
    let hint = trial.hint();
    let request = server.authorize(&trial.parameters("query", Some(&hint)));
    let begun = browser.navigate(request).await;
    let page = browser.open(begun.location(302)).await;
    server.code().await;
    let form = Form::of(&page, "otp.check", &[("otp", "wrong")]);
    let forged = form.clone().with(&[("csrfToken", "made-up")]);
    says(
        &browser.post_only(&forged).await,
        "PAGE",
        "form_of_other_flow",
        None,
    );
    let elsewhere = browser
        .request(&form)
        .header(header::ORIGIN, "https://evil.test");
    says(
        &browser.navigate(elsewhere).await,
        "PAGE",
        "form_of_other_site",
        None,
    );
    let empty = Form::of(&page, "otp.check", &[("otp", "")]);
    says(
        &browser.post_only(&empty).await,
        "PAGE",
        "form_incomplete",
        None,
    );
    let mut stranger = Browser::new(server);
    let seen = stranger.open(&form.post_to).await;
    says(&seen, "PAGE", "cookie_missing", None);
    let nowhere = stranger
        .open(&format!("{}/{NOBODY}/signon/", server.base))
        .await;
    says(&nowhere, "PAGE", "flow_not_named", None);
}

#[tokio::test]
async fn no_refusal_takes_what_was_sent_into_the_log() {
    /// Text, digits, an address: whatever is secret is one of these, and stands everywhere.
    const MARKS: [&str; 4] = [
        "marked7secret8of9nobody",
        "+4798765432123",
        "marked.person@example.test",
        "9182736455",
    ];
    let log = written();
    let trial = Trial::start().await;
    let server = &trial.server;
    let flow = trial.begin().await;
    server.code().await;
    let environment = server.environment;
    let mut answers = Vec::new();
    for mark in MARKS {
        let spoiled = trial.hint_with(&json!({ "sub": mark, "jti": mark }));
        let object = json!({ mark: mark, "name": { mark: 7 }, "username": [mark], "email": mark,
            "population": { "id": mark }, "password": { "value": mark }, "mobilePhone": { mark: mark } });
        let liar = TestClient {
            id: trial.client.clone(),
            secret: mark.to_owned(),
        };
        for grant in [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            mark,
        ] {
            let form = [
                ("grant_type", grant),
                ("code", mark),
                ("refresh_token", mark),
                ("code_verifier", mark),
                ("scope", mark),
                (mark, mark),
                (mark, mark),
            ];
            answers.push(server.token(&liar, &form).await);
            let right = server.at(Method::POST, "as/token");
            let right = right.basic_auth(&trial.client, Some(trial.secret()));
            answers.push(send(right.form(&form[..5])).await);
            answers.push(send(server.at(Method::POST, "as/introspect").form(&form)).await);
        }
        for mode in ["query", "pi.flow", mark] {
            for hint in [mark, &spoiled] {
                for name in [
                    "scope",
                    "prompt",
                    "acr_values",
                    "max_age",
                    "state",
                    "resource",
                    mark,
                ] {
                    let mut parameters = trial.parameters(mode, Some(hint));
                    parameters.extend([(name, mark), ("nonce", mark), ("request", mark)]);
                    let asked = server.authorize(&parameters);
                    answers.push(send(asked.header(header::ACCEPT, "text/html")).await);
                    parameters.truncate(parameters.len() - 1);
                    answers.push(send(server.authorize(&parameters)).await);
                }
            }
        }
        answers.push(server.userinfo(mark).await);
        for (method, path) in [
            ("POST", "users"),
            ("POST", "applications"),
            ("POST", &format!("users/{}/devices", trial.user)),
            ("PATCH", &format!("users/{}", trial.user)),
            ("PUT", &format!("users/{}/password", trial.user)),
            ("GET", &format!("users?filter={mark}%20eq%20%22{mark}%22")),
            (
                "GET",
                &format!("users?order={mark}&limit={mark}&cursor={mark}"),
            ),
            ("GET", &format!("users/{mark}")),
        ] {
            answers.push(server.call(method, path, Some(object.clone())).await);
            answers.push(server.by(mark, method, path, Some(object.clone())).await);
        }
        let password = json!({ "username": mark, "password": mark });
        answers.push(server.check(&flow, mark).await);
        answers.push(send(server.act(&flow, "usernamePassword.check", &password)).await);
        answers.push(server.select(&flow, mark).await);
        let cookie = format!("ST={mark}");
        let form = [
            ("flowId", flow.id.as_str()),
            ("csrfToken", mark),
            ("otp", mark),
            ("action", mark),
        ];
        let page = server
            .request(Method::POST, &format!("/{environment}/signon/"))
            .form(&form);
        answers.push(send(page.header(header::COOKIE, &cookie)).await);
        answers.push(send(server.at(Method::GET, &format!("as/resume?flowId={mark}"))).await);
    }
    let lines = log.lines();
    let mut refused = 0;
    for answer in &answers {
        assert!(answer.status < 500, "{}", answer.text);
        refused += usize::from(answer.status >= 300);
        let id = answer.header("correlation-id").unwrap();
        let own: Vec<&String> = lines.iter().filter(|line| line.contains(id)).collect();
        assert_eq!(own.len(), 1, "{own:?}");
        // An unknown path is not of these requests: what stands in a line is ours.
        for mark in MARKS {
            assert!(!own[0].contains(mark), "{}", own[0]);
        }
        if answer.status >= 400 {
            assert!(own[0].contains("\"reason\""), "{}", own[0]);
        }
    }
    assert!(refused > 300, "{refused}");
}
