//! What a whole run writes to its logs.

use stepgate_client::{Application, Request, Workflow, redeem, requests};

use crate::support::{Admin, Server};

/// Whether `secret` stands in the text by itself, not inside a longer word or number.
fn holds(text: &str, secret: &str) -> bool {
    text.match_indices(secret).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + secret.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn no_log_line_holds_a_secret_a_code_a_token_or_a_phone_number() {
    // As talkative as an operator can make it.
    let server = Server::start_logging("trace").await;
    let admin = Admin::of(&server).await;
    let client = &admin.client;
    let application = Application {
        grant_types: vec!["AUTHORIZATION_CODE", "REFRESH_TOKEN"],
        ..Application::default()
    };
    let tenant = admin.tenant_with("Logs", application).await;
    let signed_on = Workflow::new(client, |_, _| {})
        .sign_on(&tenant, &[])
        .await
        .unwrap();
    let tokens = redeem(client, &tenant, &signed_on.authorization_code)
        .await
        .unwrap();

    // Faults are logged more eagerly than success.
    let env = &tenant.environment.id;
    let wrong_secret = "a-wrong-secret-that-somebody-mistyped";
    client
        .call(
            requests::client_credentials(env, &tenant.client_id, wrong_secret),
            401,
        )
        .await
        .unwrap();
    let reused = redeem(client, &tenant, &signed_on.authorization_code).await;
    assert!(reused.is_err(), "a code is redeemed once");
    let by_query = format!(
        "/{env}/as/authorize?client_id=nobody&login_hint_token={}",
        signed_on.hint
    );
    client.send(&Request::get(by_query)).await.unwrap();

    let log = server.log();
    assert!(
        log.lines().count() > 10,
        "the run must be logged to prove anything:\n{log}"
    );
    assert!(log.contains("/as/token"), "requests are logged by path");

    let session = signed_on
        .cookie
        .split([';', '='])
        .map(str::trim)
        .find(|part| part.len() > 16)
        .unwrap();
    let refresh_token = tokens.refresh_token.as_deref().unwrap_or("absent");
    for (name, secret) in [
        ("worker secret", admin.credentials.client_secret.as_str()),
        ("worker token", &admin.token),
        ("client secret", &tenant.client_secret),
        ("mistyped secret", wrong_secret),
        ("password", &tenant.user.password),
        ("hint", &signed_on.hint),
        ("one-time code", &signed_on.one_time_code),
        ("session cookie", session),
        ("authorization code", &signed_on.authorization_code),
        ("access token", &tokens.access_token),
        ("id token", &tokens.id_token),
        ("refresh token", refresh_token),
        ("phone as given", &tenant.user.phone),
    ] {
        assert!(secret.len() >= 6, "{name} is worth looking for");
        assert!(!holds(&log, secret), "the log holds the {name}");
    }
    let phone = digits(&tenant.user.phone);
    for line in log.lines() {
        let words = line.split(|c: char| c.is_whitespace() || c == '"' || c == ',');
        assert!(
            !words.map(digits).any(|word| word == phone),
            "a whole phone number: {line}"
        );
    }
}
