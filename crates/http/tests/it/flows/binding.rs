//! Whose flow it is: the browser's that asked for it, from its first moment.

use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{Answer, Browser, Flow, Form, Trial, parameters, send};

const PASSWORD: &str = "Fjord-Lantern-71-Quartz";

fn login() -> Value {
    json!({ "type": "LOGIN", "recovery": { "enabled": false } })
}
fn mfa() -> Value {
    json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "sms": { "enabled": true } })
}

async fn begin<'t>(trial: &'t Trial, client: &str, mode: &str) -> (Browser<'t>, Answer) {
    let mut parameters = trial.parameters(mode, None);
    parameters[0] = ("client_id", client);
    let mut browser = Browser::new(&trial.server);
    let begun = browser.navigate(trial.server.authorize(&parameters)).await;
    (browser, begun)
}

/// All that whoever has the link can try, with these cookies.
async fn tried(trial: &Trial, flow: &str, form: &Form, cookie: &str) -> Vec<Answer> {
    let flow = Flow {
        id: flow.to_owned(),
        cookie: cookie.to_owned(),
        body: Value::Null,
    };
    let name = json!({ "username": "mira.k" });
    let both = json!({ "username": "mira.k", "password": PASSWORD });
    let page = trial
        .server
        .at(Method::GET, &format!("signon/?flowId={}", flow.id));
    let posted = trial.server.at(Method::POST, "signon/").form(&form.fields);
    let requests = [
        page.header(header::COOKIE, cookie),
        posted.header(header::COOKIE, cookie),
        trial.server.read(&flow),
        trial.server.act(&flow, "user.lookup", &name),
        trial.server.act(&flow, "usernamePassword.check", &both),
        trial.server.act(&flow, "session.reset", "{}"),
        trial.server.act(&flow, "password.forgot", "{}"),
        trial.server.resume(&flow),
    ];
    let mut answers = Vec::new();
    for request in requests {
        answers.push(send(request).await);
    }
    answers
}

#[tokio::test]
async fn whoever_opens_the_link_of_anothers_flow_does_nothing_for_the_other() {
    let trial = Trial::start().await;
    trial.set_password(PASSWORD).await;
    let pages = [
        json!({}),
        json!({ "loginPageUrl": "https://login.example.test/page" }),
    ];
    for page in pages {
        for actions in [
            vec![login()],
            vec![login(), mfa()],
            vec![mfa()],
            vec![mfa(), login()],
        ] {
            let client = trial.application(page.clone(), &actions).await;
            let (mut attacker, begun) = begin(&trial, &client, "query").await;
            let location = begun.location(302).to_owned();
            let is_own_page = page.get("loginPageUrl").is_some();
            assert_eq!(
                location.starts_with("https://login.example.test/page?"),
                is_own_page
            );
            let flow = parameters(&location)["flowId"].clone();
            let server = &trial.server;
            let link = format!(
                "{}/{}/signon/?flowId={flow}",
                server.base, server.environment
            );
            let shown = attacker.open(&link).await;
            let typed = [("username", "mira.k"), ("password", PASSWORD)];
            let form = Form::all(&shown).remove(0).with(&typed);

            let (victim, _) = begin(&trial, &client, "query").await;
            for cookie in ["", "ST=made-up", &victim.cookie()] {
                for answer in tried(&trial, &flow, &form, cookie).await {
                    if answer.body.is_null() {
                        assert_eq!(answer.status, 400, "{}", answer.text);
                        assert!(!answer.text.contains("<form"), "{}", answer.text);
                    } else {
                        answer.refused_for(401, "ACCESS_FAILED", "INVALID_TOKEN", "");
                    }
                }
            }
            // The flow of the one who began it stands where it stood: nobody is known, nothing proved.
            let now = attacker.open(&link).await;
            now.page(200, "name=\"username\" type=\"text\" value=\"\"");
            let resume = format!(
                "{}/{}/as/resume?flowId={flow}",
                server.base, server.environment
            );
            assert_eq!(attacker.open(&resume).await.location(302), location);
        }
    }
    assert!(trial.server.no_message().await, "nobody was sent a code");
}

#[tokio::test]
async fn a_client_that_keeps_the_cookie_runs_its_flow_from_the_first_moment_on() {
    let trial = Trial::start().await;
    let flow = trial.begin_unhinted().await;
    send(trial.server.read(&flow)).await.json(200);
    let name = json!({ "username": "mira.k" });
    let next = send(trial.server.act(&flow, "user.lookup", &name)).await;
    assert_eq!(next.json(200)["status"], "OTP_REQUIRED");
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let done = send(trial.server.resume(&flow)).await;
    assert!(done.json(200)["authorizeResponse"]["code"].is_string());
}

/// A tab of the browser, with a flow for this user, who has been sent the code.
async fn tab(trial: &Trial, browser: &mut Browser<'_>, user: &str) -> (String, String) {
    trial.server.advance(Duration::from_seconds(11));
    let hint = trial.hint_with(&json!({ "sub": user }));
    let parameters = trial.parameters("pi.flow", Some(&hint));
    let begun = browser.navigate(trial.server.authorize(&parameters)).await;
    let flow = begun.json(200);
    assert_eq!(flow["_embedded"]["user"]["username"], user);
    (begun.id(), trial.server.code().await)
}

async fn check(trial: &Trial, browser: &mut Browser<'_>, (flow, code): &(String, String)) {
    let flow = Flow {
        id: flow.clone(),
        cookie: browser.cookie(),
        body: Value::Null,
    };
    let body = json!({ "otp": code });
    let request = trial.server.act(&flow, "otp.check", &body);
    let done = send(request).await.json(200);
    assert_eq!(done["status"], "COMPLETED");
}

/// The username whose flow it was, once its tab has got its authorization code.
async fn resume(trial: &Trial, browser: &mut Browser<'_>, (flow, _): &(String, String)) -> String {
    let path = format!("as/resume?flowId={flow}");
    let resumed = browser.navigate(trial.server.at(Method::GET, &path)).await;
    let body = resumed.json(200);
    let code = body["authorizeResponse"]["code"].as_str().unwrap();
    send(trial.redeem(code)).await.json(200);
    body["_embedded"]["user"]["username"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn noor(trial: &Trial) {
    let user = json!({ "username": "noor", "email": "noor@example.test" });
    let user = trial.server.manage(Method::POST, "users", user).await;
    let path = format!("users/{}", user["id"].as_str().unwrap());
    let on = json!({ "mfaEnabled": true });
    trial
        .server
        .manage(Method::PUT, &format!("{path}/mfaEnabled"), on)
        .await;
    let phone = json!({ "type": "SMS", "phone": "+4740612399" });
    trial
        .server
        .manage(Method::POST, &format!("{path}/devices"), phone)
        .await;
}

#[tokio::test]
async fn tabs_of_one_browser_all_finish_whoever_signs_on_in_them() {
    let trial = Trial::start().await;
    noor(&trial).await;
    for users in [["mira.k", "mira.k", "mira.k"], ["mira.k", "noor", "mira.k"]] {
        let mut browser = Browser::new(&trial.server);
        let [first, second, third] = users;
        let one = tab(&trial, &mut browser, first).await;
        let two = tab(&trial, &mut browser, second).await;
        check(&trial, &mut browser, &one).await;
        assert_eq!(resume(&trial, &mut browser, &one).await, first);
        // Begun after the cookie has changed.
        let three = tab(&trial, &mut browser, third).await;
        check(&trial, &mut browser, &two).await;
        assert_eq!(resume(&trial, &mut browser, &two).await, second);
        check(&trial, &mut browser, &three).await;
        assert_eq!(resume(&trial, &mut browser, &three).await, third);
    }
}

#[tokio::test]
async fn tabs_that_are_opened_at_once_in_a_fresh_browser_all_finish() {
    let trial = Trial::start().await;
    trial.set_password(PASSWORD).await;
    let client = trial.application(json!({}), &[login()]).await;
    let mut parameters = trial.parameters("query", None);
    parameters[0] = ("client_id", &client);
    // None of these requests knows of the other's cookie.
    let mut browser = Browser::new(&trial.server);
    let (one, two) = tokio::join!(
        send(trial.server.authorize(&parameters)),
        send(trial.server.authorize(&parameters)),
    );
    for begun in [&one, &two] {
        browser.keep(begun);
    }
    for begun in [one, two] {
        let page = browser.open(begun.location(302)).await;
        let typed = [("username", "mira.k"), ("password", PASSWORD)];
        let form = Form::of(&page, "usernamePassword.check", &typed);
        browser.post(&form).await.page(200, "Signed on");
        let flow = parameters_of(&begun);
        let path = format!("as/resume?flowId={flow}");
        let resumed = browser.navigate(trial.server.at(Method::GET, &path)).await;
        assert!(resumed.redirected().1.contains_key("code"));
    }
}

fn parameters_of(begun: &Answer) -> String {
    parameters(begun.location(302))["flowId"].clone()
}
