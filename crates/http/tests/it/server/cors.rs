use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Answer, PAGE, Server, TestClient, send};

async fn ask(server: &Server, client: &TestClient, page: &str) -> Answer {
    let request = server
        .at(Method::POST, "as/token")
        .basic_auth(&client.id, Some(&client.secret))
        .header(header::ORIGIN, page)
        .form(&[("grant_type", "refresh_token")]);
    send(request).await
}

fn allowed(response: &Answer) -> Option<&str> {
    let headers = &response.headers;
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    response.header("access-control-allow-origin")
}

#[tokio::test]
async fn without_settings_any_page_may_read_the_answer() {
    let server = Server::start().await;
    let client = server.create_application("app", json!({})).await;
    assert_eq!(allowed(&ask(&server, &client, PAGE).await), Some("*"));
    let keys = server
        .at(Method::GET, "as/jwks")
        .header(header::ORIGIN, PAGE);
    assert_eq!(allowed(&send(keys).await), Some("*"));
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
    assert_eq!(told.headers[header::VARY], "Origin");
    let other = ask(&server, &some, "https://other.test").await;
    assert_eq!(allowed(&other), None);
    assert_eq!(other.headers[header::VARY], "Origin");
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
        .at(Method::OPTIONS, "as/token")
        .header(header::ORIGIN, PAGE)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(allowed(&preflight), Some("*"));
    let headers = preflight.headers;
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_METHODS],
        "OPTIONS, POST"
    );
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_HEADERS],
        "authorization"
    );
}
