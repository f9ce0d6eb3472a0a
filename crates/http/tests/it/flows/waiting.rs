//! What a sign-on says that is sent no code, because another one has just been.

use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Answer, Browser, Form, Trial, send};

const WHY: &str = "This device was sent a code a short time ago.";
const LINK: &str = "Enter the code of your earlier sign-on to Shop";

#[tokio::test]
async fn a_second_sign_on_says_why_no_code_was_sent_and_until_when() {
    let trial = Trial::start().await;
    let first = trial.begin().await;
    assert_eq!(first.body.get("notSent"), None);
    trial.server.code().await;
    let again_at = trial.server.now() + Duration::from_seconds(10);
    trial.server.advance(Duration::from_seconds(4));
    let second = trial.begin().await;
    assert_eq!(second.status(), "DEVICE_SELECTION_REQUIRED");
    let told = json!({
        "code": "LIMIT_EXCEEDED", "message": "Another message can be sent later",
        "device": { "id": trial.device }, "deliveryMethod": "SMS",
        "coolDownExpiresAt": again_at.as_millis(), "retryAfter": 6,
    });
    assert_eq!(second.body["notSent"], told);
    assert_eq!(second.body.get("error"), None);
    // The other flow is told to nobody: its id opens nothing, and need not be known.
    assert!(!second.body.to_string().contains(&first.id));
    let refused = trial.server.select(&second, &trial.device).await;
    let detail = refused.refused_for(429, "REQUEST_LIMITED", "LIMIT_EXCEEDED", "device.id");
    for member in ["deliveryMethod", "coolDownExpiresAt", "retryAfter"] {
        assert_eq!(detail["innerError"][member], told[member], "{member}");
    }
    assert_eq!(detail["message"], told["message"]);
    trial.server.advance(Duration::from_seconds(6));
    let over = send(trial.server.read(&second)).await.json(200);
    assert_eq!(over["status"], "DEVICE_SELECTION_REQUIRED");
    assert_eq!(over.get("notSent"), None);
    let sent = trial.server.select(&second, &trial.device).await.json(200);
    assert_eq!(sent["status"], "OTP_REQUIRED");
    assert_eq!(sent.get("notSent"), None);
}

/// A further sign-on in this browser, at its first page.
async fn begin(trial: &Trial, browser: &mut Browser<'_>) -> Answer {
    let hint = trial.hint();
    let parameters = trial.parameters("query", Some(&hint));
    let begun = browser.navigate(trial.server.authorize(&parameters)).await;
    let page = begun.location(302).to_owned();
    browser.open(&page).await
}

/// Where the link to the earlier sign-on leads.
#[track_caller]
fn earlier(page: &Answer) -> String {
    page.page(page.status, LINK);
    let (before, _) = page.text.split_once(LINK).unwrap();
    let (_, href) = before.rsplit_once("<a href=\"").unwrap();
    href.trim_end_matches("\">").replace("&#38;", "&")
}

#[tokio::test]
async fn the_page_leads_to_the_sign_on_of_the_same_browser_that_has_the_code() {
    let trial = Trial::start().await;
    let mut browser = Browser::new(&trial.server);
    let first = begin(&trial, &mut browser).await;
    let code = trial.server.code().await;
    trial.server.advance(Duration::from_seconds(4));
    let second = begin(&trial, &mut browser).await;
    second.page(200, WHY);
    second.page(200, "A new one can be sent in 6 seconds.");
    let own = Form::of(&second, "device.select", &[]).post_to;
    let link = earlier(&second);
    assert_eq!(link, Form::of(&first, "otp.check", &[]).post_to);
    let page = browser.open(&link).await;
    let form = Form::of(&page, "otp.check", &[("otp", &code)]);
    browser.post(&form).await.page(200, "Signed on");
    // The code was used; there is nothing more to enter there.
    let page = browser.open(&own).await;
    page.page(200, WHY);
    assert!(!page.text.contains(LINK), "{}", page.text);
}

#[tokio::test]
async fn no_other_browser_is_led_to_it() {
    let trial = Trial::start().await;
    begin(&trial, &mut Browser::new(&trial.server)).await;
    trial.server.code().await;
    let page = begin(&trial, &mut Browser::new(&trial.server)).await;
    page.page(200, WHY);
    assert!(!page.text.contains(LINK), "{}", page.text);
}

#[tokio::test]
async fn who_presses_the_button_too_early_is_told_how_long_to_wait_and_then_gets_a_code() {
    let trial = Trial::start().await;
    let mut browser = Browser::new(&trial.server);
    begin(&trial, &mut browser).await;
    trial.server.code().await;
    let page = begin(&trial, &mut browser).await;
    trial.server.advance(Duration::from_seconds(7));
    let page = browser.post(&Form::of(&page, "device.select", &[])).await;
    page.page(429, "A new one can be sent in 3 seconds.");
    earlier(&page);
    assert!(!page.text.contains("Error:") && !page.text.contains("role=\"alert\""));
    trial.server.advance(Duration::from_seconds(3));
    let page = browser.post(&Form::of(&page, "device.select", &[])).await;
    page.page(200, "Enter the code");
    let code = trial.server.code().await;
    let form = Form::of(&page, "otp.check", &[("otp", &code)]);
    browser.post(&form).await.page(200, "Signed on");
}
