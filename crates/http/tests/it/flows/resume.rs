use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Answer, Flow, REDIRECT_URI, Trial, parameters, send};

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const OVER: &str = "The request has expired or is invalid.";

/// A flow in this mode, whose code was entered. The flow's id is in the redirect's query.
async fn completed(trial: &Trial, mode: &str) -> Flow {
    let flow = redirected(&trial.asked(mode).await);
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    flow
}

fn redirected(answer: &Answer) -> Flow {
    Flow {
        id: parameters(answer.location(302))["flowId"].clone(),
        cookie: answer.cookies(),
        body: Value::Null,
    }
}

#[tokio::test]
async fn a_finished_flow_of_pi_flow_gives_its_code_once() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let resumed = send(trial.server.resume(&flow)).await;
    let body = resumed.json(200);
    assert_eq!(body["status"], "COMPLETED");
    assert_eq!(body["authorizeResponse"]["state"], "x 1");
    assert!(
        !body["authorizeResponse"]["code"]
            .as_str()
            .unwrap()
            .is_empty()
    );
    assert_eq!(resumed.set_cookies().len(), 2, "the session was raised");
    assert!(
        resumed
            .header("cache-control")
            .unwrap()
            .contains("no-store")
    );

    for again in [trial.server.resume(&flow), trial.server.read(&flow)] {
        send(again).await.refused_plainly(404, "NOT_FOUND");
    }
    let page = send(trial.server.resume(&flow).header(header::ACCEPT, HTML)).await;
    page.page(400, OVER);
}

#[tokio::test]
async fn a_flow_may_be_resumed_by_post_as_well() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let request = trial
        .server
        .at(Method::POST, "as/resume")
        .header(header::COOKIE, &flow.cookie)
        .form(&[("flowId", &flow.id)]);
    assert!(send(request).await.json(200)["authorizeResponse"]["code"].is_string());
}

#[tokio::test]
async fn in_redirect_modes_the_browser_carries_the_code_to_the_client() {
    let trial = Trial::start().await;
    let flow = completed(&trial, "query").await;
    let answer = send(trial.server.resume(&flow).header(header::ACCEPT, HTML)).await;
    let location = answer.location(302);
    assert!(
        location.starts_with(&format!("{REDIRECT_URI}?code=")),
        "{location}"
    );
    let told = parameters(location);
    assert_eq!(told["state"], "x 1");
    let issuer = format!("{}/{}/as", trial.server.base, trial.server.environment);
    assert_eq!(told["iss"], issuer);
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(answer.set_cookies().len(), 2);
}

#[tokio::test]
async fn in_form_post_a_page_posts_the_code() {
    let trial = Trial::start().await;
    let flow = completed(&trial, "form_post").await;
    let answer = send(trial.server.resume(&flow)).await;
    answer.page(200, "name=\"code\"");
    answer.page(200, &format!("action=\"{REDIRECT_URI}\""));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(!policy.contains("form-action"), "{policy}");
}

#[tokio::test]
async fn an_unfinished_flow_goes_on_where_it_is() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let body = send(trial.server.resume(&flow)).await.json(200);
    assert_eq!(body["status"], "OTP_REQUIRED");
    assert_eq!(body.get("authorizeResponse"), None);

    trial.server.code().await;
    trial
        .server
        .advance(stepgate_domain::time::Duration::from_minutes(1));
    let flow = redirected(&trial.asked("query").await);
    let answer = send(trial.server.resume(&flow)).await;
    let page = format!(
        "{}/{}/signon/?flowId={}",
        trial.server.base, trial.server.environment, flow.id
    );
    assert_eq!(answer.location(302), page);
}

#[tokio::test]
async fn a_failed_flow_is_told_to_the_client() {
    let trial = Trial::start().await;
    let path = format!("users/{}/mfaEnabled", trial.user);
    let off = json!({ "mfaEnabled": false });
    trial.server.manage(Method::PUT, &path, off).await;

    let answer = trial.asked("pi.flow").await;
    let body = answer.json(200);
    assert_eq!(body["error"]["code"], "MFA_DISABLED", "{body:#}");
    let body = send(trial.server.resume(&Flow::of(&answer)))
        .await
        .json(200);
    assert_eq!(
        body["authorizeResponse"]["error"], "access_denied",
        "{body:#}"
    );
    assert_eq!(body["authorizeResponse"]["state"], "x 1");

    // Through the browser there is nothing to wait for.
    let told = parameters(trial.asked("query").await.location(302));
    assert_eq!(told["error"], "access_denied");
    assert_eq!(told["state"], "x 1");
    assert!(
        told["error_description"].contains("MFA is disabled"),
        "{told:?}"
    );
}

#[tokio::test]
async fn another_browser_learns_nothing() {
    let trial = Trial::start().await;
    let flow = completed(&trial, "query").await;
    let path = format!("as/resume?flowId={}", flow.id);
    for cookie in ["x=y", "ST=made-up"] {
        let request = || {
            let request = trial.server.at(Method::GET, &path);
            request.header(header::COOKIE, cookie)
        };
        let answer = send(request()).await;
        answer.refused_for(401, "ACCESS_FAILED", "INVALID_TOKEN", "");
        let page = send(request().header(header::ACCEPT, HTML)).await;
        page.page(400, OVER);
        assert!(page.set_cookies().is_empty());
    }
    // And spoils nothing.
    assert!(
        send(trial.server.resume(&flow))
            .await
            .location(302)
            .contains("code=")
    );
}

#[tokio::test]
async fn without_a_flow_there_is_nothing_to_resume() {
    let trial = Trial::start().await;
    for path in [
        "as/resume",
        "as/resume?flowId=",
        "as/resume?flowId=nonsense",
        "as/resume?flowId=00000000-0000-4000-8000-000000000000",
        "as/resume?flowId=00000000-0000-4000-8000-000000000000&flowId=x",
    ] {
        let answer = send(trial.server.at(Method::GET, path)).await;
        answer.refused_plainly(404, "NOT_FOUND");
        let page = trial
            .server
            .at(Method::GET, path)
            .header(header::ACCEPT, HTML);
        send(page).await.page(400, OVER);
    }
}
