use reqwest::{Method, Response, StatusCode, header};
use serde_json::json;

use crate::support::{Server, TestClient};

const PAGE: &str = "https://app.example.test";

async fn ask(server: &Server, client: &TestClient, page: &str) -> Response {
    let request = server
        .at(Method::POST, "token")
        .basic_auth(&client.id, Some(&client.secret))
        .header(header::ORIGIN, page)
        .form(&[("grant_type", "refresh_token")]);
    request.send().await.unwrap()
}

fn allowed(response: &Response) -> Option<&str> {
    let headers = response.headers();
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let value = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN)?;
    value.to_str().ok()
}

#[tokio::test]
async fn without_settings_any_page_may_read_the_answer() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    assert_eq!(allowed(&ask(&server, &client, PAGE).await), Some("*"));
    let keys = server.at(Method::GET, "jwks").header(header::ORIGIN, PAGE);
    assert_eq!(allowed(&keys.send().await.unwrap()), Some("*"));
}

#[tokio::test]
async fn the_applications_settings_decide_on_the_real_request() {
    let server = Server::start().await;
    let settings =
        json!({ "corsSettings": { "behavior": "ALLOW_SPECIFIC_ORIGINS", "origins": [PAGE] } });
    let some = server.create_application("some", settings).await;
    let settings = json!({ "corsSettings": { "behavior": "ALLOW_NO_ORIGINS" } });
    let none = server.create_application("none", settings).await;
    let told = ask(&server, &some, PAGE).await;
    assert_eq!(allowed(&told), Some(PAGE));
    assert_eq!(told.headers()[header::VARY], "Origin");
    let other = ask(&server, &some, "https://other.test").await;
    assert_eq!(allowed(&other), None);
    assert_eq!(other.headers()[header::VARY], "Origin");
    assert_eq!(allowed(&ask(&server, &none, PAGE).await), None);
    // Errors of the client's authentication too.
    let wrong = TestClient {
        secret: "wrong".to_owned(),
        ..none
    };
    assert_eq!(allowed(&ask(&server, &wrong, PAGE).await), None);
}

#[tokio::test]
async fn a_preflight_names_no_application_and_is_let_pass() {
    let server = Server::start().await;
    let preflight = server
        .at(Method::OPTIONS, "token")
        .header(header::ORIGIN, PAGE)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed(&preflight), Some("*"));
    let headers = preflight.headers();
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_METHODS],
        "OPTIONS, POST"
    );
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_HEADERS],
        "authorization"
    );
}
