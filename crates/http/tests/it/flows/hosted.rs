//! The hosted page, driven as a browser without JavaScript drives it.

use reqwest::{Method, header};
use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Answer, Browser, Form, REDIRECT_URI, Trial, device_policy, parameters, send};

const OVER: &str = "The request has expired or is invalid.";

/// A browser at the first page of a sign-on.
async fn arrived(trial: &Trial, hinted: bool) -> (Browser<'_>, Answer) {
    let mut browser = Browser::new(&trial.server);
    let hint = hinted.then(|| trial.hint());
    let request = trial
        .server
        .authorize(&trial.parameters("query", hint.as_deref()));
    let answer = browser.navigate(request).await;
    let page = answer.location(302).to_owned();
    let page = browser.open(&page).await;
    (browser, page)
}

fn code_form(page: &Answer, code: &str) -> Form {
    Form::of(page, "otp.check", &[("otp", code)])
}

/// Where the page leads to by itself, or by its button.
fn link(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("class=\"button\" href=\"").unwrap();
    rest.split_once('"').unwrap().0.replace("&#38;", "&")
}

#[tokio::test]
async fn a_code_leads_to_the_application() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    page.page(200, "Text message to ********42 (Work phone)");
    page.page(200, "Shop &#38; Co");
    assert!(!page.text.contains("<script"), "{}", page.text);
    assert!(!page.text.contains("12345642") && !page.text.contains("Start over"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));

    let code = trial.server.code().await;
    let form = code_form(&page, &code);
    let posted = browser.post_only(&form).await;
    assert_eq!(posted.location(303), form.post_to);
    let done = browser.open(&form.post_to).await;
    done.page(200, "<meta http-equiv=\"refresh\"");
    let answer = browser.open(&link(&done)).await;
    let location = answer.location(302);
    assert!(location.starts_with(REDIRECT_URI), "{location}");
    let told = parameters(location);
    assert!(
        told.contains_key("code") && told["state"] == "x 1",
        "{told:?}"
    );

    // Back and again: it is over.
    browser.open(&form.post_to).await.page(400, OVER);
    browser.post_only(&form).await.page(400, OVER);
}

#[tokio::test]
async fn a_wrong_code_is_told_with_the_attempts_that_are_left() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    let page = browser.post(&code_form(&page, "wrong")).await;
    page.page(400, "The code is not right.");
    page.page(400, "2 attempts left.");
    let page = browser.post(&code_form(&page, "wrong")).await;
    page.page(400, "1 attempt left.");
    let page = browser.post(&code_form(&page, "")).await;
    page.page(400, "Enter the code.");
    let done = browser.post(&code_form(&page, &code)).await;
    done.page(200, "Signed on");
}

#[tokio::test]
async fn after_too_many_wrong_codes_a_new_one_can_be_had() {
    let trial = Trial::start().await;
    let (mut browser, mut page) = arrived(&trial, true).await;
    trial.server.code().await;
    for _ in 0..3 {
        page = browser.post(&code_form(&page, "wrong")).await;
    }
    page.page(400, "Too many wrong codes. Have a new one sent.");
    trial.server.advance(Duration::from_seconds(10));
    let page = browser.post(&Form::of(&page, "device.select", &[])).await;
    page.page(200, "A new code is on its way.");
    let code = trial.server.code().await;
    browser
        .post(&code_form(&page, &code))
        .await
        .page(200, "Signed on");
}

#[tokio::test]
async fn who_asks_for_a_new_code_too_early_is_told_how_long_to_wait() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    trial.server.code().await;
    page.page(200, "A new code can be sent in 10 seconds.");
    trial.server.advance(Duration::from_seconds(4));
    let page = browser.post(&Form::of(&page, "device.select", &[])).await;
    page.page(
        429,
        "role=\"status\">This device was sent a code a short time ago.",
    );
    page.page(429, "A new one can be sent in 6 seconds.");
    assert!(!page.text.contains("role=\"alert\"") && !page.text.contains("Error:"));
    assert_eq!(page.header("retry-after"), Some("6"));
    assert!(trial.server.no_message().await);
    trial.server.advance(Duration::from_seconds(6));
    let page = browser.post(&Form::of(&page, "device.select", &[])).await;
    page.page(200, "A new code is on its way.");
    let code = trial.server.code().await;
    browser
        .post(&code_form(&page, &code))
        .await
        .page(200, "Signed on");
}

#[tokio::test]
async fn an_old_code_is_told_to_be_old() {
    let life = json!({ "lifeTime": { "duration": 1, "timeUnit": "MINUTES" } });
    let trial = Trial::with_devices(device_policy(&life)).await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    trial.server.advance(Duration::from_seconds(61));
    let page = browser.post(&code_form(&page, &code)).await;
    page.page(400, "The code has expired.");
}

#[tokio::test]
async fn an_expired_sign_on_says_so() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    trial.server.advance(Duration::from_minutes(15));
    let form = code_form(&page, &code);
    browser.open(&form.post_to).await.page(400, OVER);
    browser.post_only(&form).await.page(400, OVER);
}

#[tokio::test]
async fn of_several_devices_one_is_chosen_and_another_can_be_tried() {
    let trial = Trial::with_devices(json!({
        "name": "Ask", "sms": { "enabled": true }, "email": { "enabled": true },
        "voice": { "enabled": false }, "authentication": { "deviceSelection": "PROMPT_TO_SELECT" },
    }))
    .await;
    let mailbox = trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let (mut browser, page) = arrived(&trial, true).await;
    page.page(200, "E-mail to mi****@example.test");
    assert!(trial.server.no_message().await);
    let form = Form::of(&page, "device.select", &[]);
    assert_eq!(form.field("deviceId"), Some(trial.device.as_str()));
    let missing = form.clone().with(&[("deviceId", "")]);
    browser.post(&missing).await.page(400, "Choose a device.");
    let unknown = form.with(&[("deviceId", "00000000-0000-4000-8000-000000000000")]);
    browser
        .post(&unknown)
        .await
        .page(400, "This device cannot be used now.");

    let form = Form::of(&page, "device.select", &[("deviceId", &mailbox)]);
    let page = browser.post(&form).await;
    page.page(200, "Enter the code");
    trial.server.code().await;
    // Another device, from the page that asks for the code.
    let others = Form::all(&page);
    let mut other = others
        .iter()
        .filter(|form| form.field("deviceId") == Some(&trial.device));
    let page = browser.post(other.next_back().unwrap()).await;
    page.page(200, "Text message to ********42");
    let code = trial.server.code().await;
    browser
        .post(&code_form(&page, &code))
        .await
        .page(200, "Signed on");
}

#[tokio::test]
async fn a_cool_down_shows_the_devices_that_are_left() {
    let trial = Trial::with_devices(device_policy(&json!({
        "failure": { "count": 1, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } }
    })))
    .await;
    trial
        .pair(json!({ "type": "EMAIL", "email": "mira@example.test" }))
        .await;
    let (mut browser, page) = arrived(&trial, true).await;
    let page = browser.post(&code_form(&page, "wrong")).await;
    page.page(400, "This device can be used again in 120 seconds.");
    page.page(400, ", cannot be used now");
}

#[tokio::test]
async fn a_failed_sign_on_is_read_before_the_application_is_told() {
    let trial = Trial::with_devices(device_policy(&json!({
        "failure": { "count": 1, "coolDown": { "duration": 2, "timeUnit": "MINUTES" } }
    })))
    .await;
    let (mut browser, page) = arrived(&trial, true).await;
    let page = browser.post(&code_form(&page, "wrong")).await;
    page.page(200, "Not signed on");
    assert!(!page.text.contains("http-equiv"), "{}", page.text);
    let told = parameters(browser.open(&link(&page)).await.location(302));
    assert_eq!(told["error"], "access_denied");
}

#[tokio::test]
async fn without_a_hint_a_username_is_asked_for() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, false).await;
    let page = browser
        .post(&Form::of(&page, "user.lookup", &[("username", "")]))
        .await;
    page.page(400, "Enter your username.");
    let form = Form::of(&page, "user.lookup", &[("username", "mira.k")]);
    let page = browser.post(&form).await;
    page.page(200, "Not you? Start over");
    trial.server.code().await;
    let page = browser.post(&Form::of(&page, "session.reset", &[])).await;
    page.page(200, "name=\"username\"");
    let page = browser
        .post(&Form::of(&page, "user.lookup", &[("username", "<nobody>")]))
        .await;
    page.page(200, "Enter the code");
}

#[tokio::test]
async fn a_password_is_asked_for_where_the_policy_wants_one() {
    let trial = Trial::start().await;
    trial.set_password("Correct-horse-4096").await;
    let login = json!({ "type": "LOGIN", "recovery": { "enabled": false } });
    let client = trial
        .application(json!({ "name": "Login" }), &[login])
        .await;
    let mut parameters = trial.parameters("query", None);
    parameters[0] = ("client_id", &client);
    let mut browser = Browser::new(&trial.server);
    let begun = browser.navigate(trial.server.authorize(&parameters)).await;
    let page = browser.open(begun.location(302)).await;
    let typed = |password| [("username", "mira.k"), ("password", password)];
    let action = "usernamePassword.check";
    let page = browser
        .post(&Form::of(&page, action, &typed("wrong")))
        .await;
    page.page(400, "The username or the password is not right.");
    page.page(400, "value=\"mira.k\"");
    assert!(!page.text.contains("wrong"), "{}", page.text);
    let page = browser.post(&Form::of(&page, action, &typed(""))).await;
    page.page(400, "Enter your password.");
    let form = Form::of(&page, action, &typed("Correct-horse-4096"));
    browser.post(&form).await.page(200, "Signed on");
}

#[tokio::test]
async fn a_form_that_was_not_given_to_this_browser_does_nothing() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    let form = code_form(&page, &code);
    trial.server.advance(Duration::from_minutes(1));
    let (other, other_page) = arrived(&trial, true).await;
    let stolen = code_form(&other_page, &code)
        .field("csrfToken")
        .unwrap()
        .to_owned();

    for forged in [
        form.clone().with(&[("csrfToken", &stolen)]),
        form.clone().with(&[("csrfToken", "")]),
        form.clone().with(&[("csrfToken", "é")]),
    ] {
        browser.post_only(&forged).await.page(403, OVER);
    }
    for cookie in [other.cookie(), "ST=made-up".to_owned()] {
        let request = other.request(&form).header(header::COOKIE, cookie);
        send(request).await.page(400, OVER);
    }
    let without = send(other.request(&form)).await;
    without.page(400, "Allow cookies for this site.");
    browser.post(&form).await.page(200, "Signed on");
}

#[tokio::test]
async fn a_form_on_another_site_does_nothing() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    let form = code_form(&page, &code);
    for headers in [
        vec![("origin", "https://evil.test")],
        // Nor do the application's own pages.
        vec![("origin", "https://app.example.test")],
        vec![("origin", "null"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "null"), ("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "cross-site")],
    ] {
        let mut request = browser.request(&form);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        browser.navigate(request).await.page(403, OVER);
    }
    let own = browser
        .request(&form)
        .header(header::ORIGIN, &trial.server.base);
    assert_eq!(browser.navigate(own).await.status, 303);
}

#[tokio::test]
async fn what_is_sent_twice_shows_what_is_due_now() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let code = trial.server.code().await;
    let form = code_form(&page, &code);
    browser.post(&form).await.page(200, "Signed on");
    browser.post(&form).await.page(200, "Signed on");
    let unknown = form.with(&[("action", "assertion.check")]);
    browser.post(&unknown).await.page(400, OVER);
}

#[tokio::test]
async fn another_browser_and_one_without_cookies_see_no_step() {
    let trial = Trial::start().await;
    for (hinted, action) in [(true, "otp.check"), (false, "user.lookup")] {
        let (_, page) = arrived(&trial, hinted).await;
        let url = Form::of(&page, action, &[]).post_to;
        let page = Browser::new(&trial.server).open(&url).await;
        page.page(400, "Allow cookies for this site.");
        let (mut other, _) = arrived(&trial, false).await;
        other.open(&url).await.page(400, OVER);
    }
}

#[tokio::test]
async fn the_address_works_without_its_slash_and_not_without_a_flow() {
    let trial = Trial::start().await;
    let (mut browser, page) = arrived(&trial, true).await;
    let url = code_form(&page, "").post_to;
    let short = url.replace("/signon/?", "/signon?");
    browser.open(&short).await.page(200, "Enter the code");
    for path in ["signon/", "signon/?flowId=", "signon/?flowId=nonsense"] {
        let request = trial.server.at(Method::GET, path);
        browser.navigate(request).await.page(400, OVER);
    }
    let request = trial.server.at(Method::POST, "signon/").form(&[("x", "y")]);
    browser.navigate(request).await.page(400, OVER);
    let json = trial
        .server
        .at(Method::POST, "signon/")
        .header(header::CONTENT_TYPE, "application/json")
        .body("{}");
    send(json).await.refused_plainly(415, "INVALID_REQUEST");
}

#[tokio::test]
async fn the_style_is_served() {
    let trial = Trial::start().await;
    let style = send(trial.server.request(Method::GET, "/stepgate.css")).await;
    assert_eq!(style.status, 200);
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    assert_eq!(style.header("cache-control"), Some("public, max-age=3600"));
}
