//! The sixteen steps, and the answers that a reader can hold against the contract.

use serde_json::{Value, json};
use stepgate_client::{
    Application, Exchange, Request, Step, User, Workflow, at_hash, redeem, requests, verify,
};

use crate::support::{Admin, Normaliser, Server};

#[tokio::test]
async fn sixteen_steps_lead_from_an_empty_environment_to_verified_tokens() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let client = &admin.client;
    let environment = admin.environment("Main job").await;

    let mut seen = Vec::new();
    let mut workflow = Workflow::new(client, |step, exchange| {
        seen.push((step.number, exchange.answer.status));
    });
    let tenant = workflow
        .set_up(&environment, Application::default(), User::numbered(1))
        .await
        .unwrap();
    let signed_on = workflow
        .sign_on(&tenant, &[("nonce", "n-1"), ("state", "s-1")])
        .await
        .unwrap();
    assert_eq!(seen, Step::ALL.map(|step| (step.number, step.status)));

    let tokens = redeem(client, &tenant, &signed_on.authorization_code)
        .await
        .unwrap();
    let jwks = client
        .call(requests::jwks(&environment.id), 200)
        .await
        .unwrap()
        .body;
    let issuer = tenant.issuer(client);
    let access = verify(&tokens.access_token, &jwks, &issuer, None).unwrap();
    let id = verify(&tokens.id_token, &jwks, &issuer, Some(&tenant.client_id)).unwrap();
    for claims in [&access, &id] {
        assert_eq!(claims["sub"], json!(tenant.user_id));
        assert_eq!(claims["acr"], json!(tenant.policy_name));
    }
    assert_eq!(id["nonce"], "n-1");
    assert_eq!(id["at_hash"], json!(at_hash(&tokens.access_token)));
    let mut methods: Vec<&str> = id["amr"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    methods.sort_unstable();
    assert_eq!(methods, ["otp", "sms"]);
    assert_eq!(
        tokens.refresh_token, None,
        "the application was not given the refresh grant"
    );
}

#[tokio::test]
async fn the_sixteen_answers_are_as_documented() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let environment = admin.environment("Snapshots").await;

    let mut exchanges = Vec::new();
    let mut workflow = Workflow::new(&admin.client, |step, exchange| {
        exchanges.push((step, exchange.clone()));
    });
    let tenant = workflow
        .set_up(&environment, Application::default(), User::numbered(1))
        .await
        .unwrap();
    workflow
        .sign_on(&tenant, &[("state", "s-1"), ("nonce", "n-1")])
        .await
        .unwrap();

    let mut normaliser = Normaliser::new(admin.client.base());
    for (step, exchange) in &exchanges {
        let shown = shown(&mut normaliser, exchange);
        let name = format!("step {:02} {}", step.number, step.title)
            .replace([',', '\''], "")
            .replace([' ', '-'], "_");
        insta::assert_json_snapshot!(name, shown);
    }
}

/// Request line, status, the headers that matter, and the body.
fn shown(normaliser: &mut Normaliser, exchange: &Exchange) -> Value {
    let Exchange { request, answer } = exchange;
    let mut headers = serde_json::Map::new();
    for name in [
        "content-type",
        "cache-control",
        "location",
        "referrer-policy",
    ] {
        if let Some(value) = answer.header(name) {
            headers.insert(name.to_owned(), normaliser.text(value).into());
        }
    }
    json!({
        "request": normaliser.text(&format!("{} {}", request.method, request.path)),
        "status": answer.status,
        "headers": headers,
        "body": normaliser.value(&answer.body),
    })
}

#[tokio::test]
async fn a_server_that_restarts_still_knows_everything() {
    let server = Server::start().await;
    let admin = Admin::of(&server).await;
    let tenant = admin.tenant("Restart").await;
    let signed_on = Workflow::new(&admin.client, |_, _| {})
        .sign_on(&tenant, &[])
        .await
        .unwrap();

    let server = server.restart().await;
    let client = server.client();
    let tokens = redeem(&client, &tenant, &signed_on.authorization_code)
        .await
        .unwrap();
    assert!(!tokens.access_token.is_empty());
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_ends_with_success_while_clients_stay_connected() {
    let mut server = Server::start().await;
    let client = server.client();
    client.call(Request::get("/healthz"), 200).await.unwrap();
    assert_eq!(server.stop().await, Some(0));
    assert!(client.send(&Request::get("/healthz")).await.is_err());
}

#[tokio::test]
async fn the_first_log_line_says_the_mode() {
    let server = Server::start().await;
    let log = server.log();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["mode"], "development");
}

#[tokio::test]
async fn ready_says_which_store_and_how_durable_it_is() {
    let server = Server::start().await;
    let body = server
        .client()
        .call(Request::get("/readyz"), 200)
        .await
        .unwrap()
        .body;
    assert_eq!(body["status"], "ready");
    assert_eq!(
        body["store"],
        json!({ "engine": "sqlite", "synchronous": "full" })
    );
}

#[tokio::test]
async fn a_second_process_is_told_that_the_data_directory_is_in_use() {
    let server = Server::start().await;
    let output = crate::support::command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.data())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        complaint.contains("in use") || complaint.contains("locked"),
        "{complaint}"
    );
}
