use reqwest::header;
use serde_json::json;

use crate::support::{Flow, Trial, send};

#[tokio::test]
async fn without_settings_the_pages_that_the_application_names_are_its_own() {
    let application = json!({ "loginPageUrl": "https://login.example.test/page?x=1",
        "initiateLoginUri": "https://start.example.test/login" });
    let trial = Trial::with(application, json!({ "sms": { "enabled": true } })).await;
    let from = |page: &'static str| {
        let hint = trial.hint();
        let request = trial
            .server
            .authorize(&trial.parameters("pi.flow", Some(&hint)));
        send(request.header(header::ORIGIN, page))
    };
    for page in ["https://login.example.test", "https://start.example.test"] {
        let begun = from(page).await;
        let flow = Flow::of(&begun);
        let read = send(trial.server.read(&flow).header(header::ORIGIN, page)).await;
        for answer in [begun, read] {
            answer.json(200);
            assert_eq!(answer.header("access-control-allow-origin"), Some(page));
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, Some("true"));
        }
    }
    let other = from("https://other.example.test").await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn with_settings_they_count_no_more_than_others() {
    let application = json!({ "initiateLoginUri": "https://start.example.test/login",
        "corsSettings": { "behavior": "ALLOW_NO_ORIGINS" } });
    let trial = Trial::with(application, json!({ "sms": { "enabled": true } })).await;
    let flow = trial.begin().await;
    let request = trial.server.read(&flow);
    let answer = send(request.header(header::ORIGIN, "https://start.example.test")).await;
    assert_eq!(answer.status, 403);
}
