//! What a browser's session is worth: to its user, to others, and in tokens.

use data_encoding::BASE64URL_NOPAD;
use reqwest::{Method, header};
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{Answer, Flow, Trial, send};

const SECONDS_OF_A_YEAR: i64 = 31_536_000;

/// A code is asked for when the last one was more than a year ago.
async fn trial() -> Trial {
    let condition = json!({ "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}",
        "greater": SECONDS_OF_A_YEAR });
    let action = json!({ "sms": { "enabled": true }, "condition": condition });
    Trial::with(json!({}), action).await
}

/// Signs the user on by a hint: the browser's cookie afterwards.
async fn sign_on(trial: &Trial) -> String {
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    send(trial.server.resume(&flow)).await.cookies()
}

/// Asks with this cookie and with these parameters more.
async fn ask(trial: &Trial, cookie: &str, more: &[(&str, &str)]) -> Answer {
    let mut parameters = trial.parameters("pi.flow", None);
    parameters.extend_from_slice(more);
    let request = trial.server.authorize(&parameters);
    send(request.header(header::COOKIE, cookie)).await
}

async fn is_signed_on(trial: &Trial, cookie: &str) -> bool {
    let answer = ask(trial, cookie, &[("prompt", "none")]).await;
    if answer.status == 200 {
        return answer.json(200)["status"] == "COMPLETED";
    }
    assert_eq!(answer.json(400)["error"], "login_required");
    false
}

/// The claims of the ID token that this answer's code buys.
async fn id_token(trial: &Trial, answer: &Value) -> Value {
    let code = answer["authorizeResponse"]["code"].as_str().unwrap();
    let tokens = send(trial.redeem(code)).await.json(200);
    let token = tokens["id_token"].as_str().unwrap().to_owned();
    let claims = token.split('.').nth(1).unwrap();
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[tokio::test]
async fn a_session_ends_a_month_after_its_last_use() {
    let trial = trial().await;
    let cookie = sign_on(&trial).await;
    for _ in 0..3 {
        trial.server.advance(Duration::from_days(29));
        assert!(is_signed_on(&trial, &cookie).await);
    }
    trial.server.advance(Duration::from_days(31));
    assert!(!is_signed_on(&trial, &cookie).await);
}

#[tokio::test]
async fn a_changed_secret_signs_everybody_off() {
    let trial = trial().await;
    let (server, user) = (&trial.server, format!("users/{}", trial.user));
    let mfa = async |is_on: bool| {
        let body = json!({ "mfaEnabled": is_on });
        server
            .manage(Method::PUT, &format!("{user}/mfaEnabled"), body)
            .await;
    };
    let verb = async |verb: &str| {
        let media_type = format!("application/vnd.pingidentity.device.{verb}+json");
        let path = format!("{user}/devices/{}", trial.device);
        server
            .manage_as(Method::POST, &path, &media_type, json!({}))
            .await;
    };
    for change in ["password", "mfa", "block", "remove"] {
        server.advance(Duration::from_seconds(10));
        let cookie = sign_on(&trial).await;
        assert!(is_signed_on(&trial, &cookie).await, "before {change}");
        match change {
            "password" => {
                let media_type = "application/vnd.pingidentity.password.set+json";
                let body = json!({ "value": "Correct-horse-7-battery" });
                let path = format!("{user}/password");
                server.manage_as(Method::PUT, &path, media_type, body).await;
            }
            "mfa" => {
                mfa(false).await;
                mfa(true).await;
            }
            "block" => {
                verb("block").await;
                verb("unblock").await;
            }
            _ => {
                let path = format!("{user}/devices/{}", trial.device);
                server.manage(Method::DELETE, &path, Value::Null).await;
            }
        }
        assert!(!is_signed_on(&trial, &cookie).await, "after {change}");
    }
}

#[tokio::test]
async fn of_eleven_sessions_the_one_that_was_idle_for_the_longest_time_ends() {
    let trial = trial().await;
    let mut cookies = Vec::new();
    for _ in 0..10 {
        cookies.push(sign_on(&trial).await);
        trial.server.advance(Duration::from_minutes(10));
    }
    assert!(is_signed_on(&trial, &cookies[0]).await, "ten may stay");
    trial.server.advance(Duration::from_minutes(10));
    cookies.push(sign_on(&trial).await);
    let mut alive = Vec::new();
    for cookie in &cookies {
        alive.push(is_signed_on(&trial, cookie).await);
    }
    // The first one was used meanwhile.
    let mut expected = [true; 11];
    expected[1] = false;
    assert_eq!(alive, expected);
}

#[tokio::test]
async fn somebody_else_signs_on_where_the_sessions_user_cannot() {
    let trial = Trial::start().await;
    let cookie = sign_on(&trial).await;
    trial.server.advance(Duration::from_minutes(1));
    let known = ask(&trial, &cookie, &[]).await.json(200);
    assert_eq!(known["_embedded"]["user"]["username"], "mira.k");
    trial.server.code().await;

    let path = format!("users/{}/mfaEnabled", trial.user);
    let off = json!({ "mfaEnabled": false });
    trial.server.manage(Method::PUT, &path, off).await;
    let anybody = ask(&trial, &cookie, &[]).await.json(200);
    assert_eq!(anybody["status"], "SIGN_ON_REQUIRED");
    assert_eq!(anybody["_embedded"].get("user"), None);
    assert!(!is_signed_on(&trial, &cookie).await);

    let on = json!({ "mfaEnabled": true });
    trial.server.manage(Method::PUT, &path, on).await;
    let path = format!("users/{}/devices/{}", trial.user, trial.device);
    trial
        .server
        .manage(Method::DELETE, &path, Value::Null)
        .await;
    let answer = ask(&trial, &cookie, &[]).await;
    assert_eq!(answer.json(200)["status"], "SIGN_ON_REQUIRED");

    // Only a signed hint still insists on its user.
    let hint = trial.hint();
    let hinted = ask(&trial, &cookie, &[("login_hint_token", &hint)]).await;
    assert_eq!(hinted.json(200)["error"]["code"], "NO_USABLE_DEVICES");
}

#[tokio::test]
async fn with_prompt_login_anybody_signs_on_and_the_same_user_keeps_the_session() {
    let trial = trial().await;
    let cookie = sign_on(&trial).await;
    let before = ask(&trial, &cookie, &[]).await.json(200);
    let claims = id_token(&trial, &before).await;
    trial.server.advance(Duration::from_minutes(1));

    let answer = ask(&trial, &cookie, &[("prompt", "login")]).await;
    let due = answer.json(200);
    assert_eq!(due["status"], "SIGN_ON_REQUIRED");
    assert_eq!(due["_embedded"].get("user"), None);
    assert!(trial.server.no_message().await);
    let flow = Flow {
        cookie: cookie.clone(),
        ..Flow::of(&answer)
    };
    let body = json!({ "username": "mira.k" }).to_string();
    let due = send(trial.server.act(&flow, "user.lookup", &body))
        .await
        .json(200);
    assert_eq!(due["status"], "OTP_REQUIRED");
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let resumed = send(trial.server.resume(&flow)).await.json(200);
    let again = id_token(&trial, &resumed).await;
    assert_eq!(again["sid"], claims["sid"]);
    let later = claims["auth_time"].as_i64().unwrap() + 60;
    assert_eq!(again["auth_time"], later);
}

#[tokio::test]
async fn with_prompt_login_another_user_gets_a_session_of_their_own() {
    let trial = trial().await;
    let cookie = sign_on(&trial).await;
    let first = ask(&trial, &cookie, &[]).await.json(200);
    let other = json!({ "username": "noor", "email": "noor@example.test", "mfaEnabled": true });
    let other = trial.server.manage(Method::POST, "users", other).await;
    let other = other["id"].as_str().unwrap();
    let on = json!({ "mfaEnabled": true });
    let path = format!("users/{other}/mfaEnabled");
    trial.server.manage(Method::PUT, &path, on).await;
    let phone = json!({ "type": "SMS", "phone": "+4712345699" });
    let path = format!("users/{other}/devices");
    trial.server.manage(Method::POST, &path, phone).await;

    let answer = ask(&trial, &cookie, &[("prompt", "login")]).await;
    let flow = Flow {
        cookie: cookie.clone(),
        ..Flow::of(&answer)
    };
    let body = json!({ "username": "noor" }).to_string();
    send(trial.server.act(&flow, "user.lookup", &body))
        .await
        .json(200);
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let resumed = send(trial.server.resume(&flow)).await;
    let body = resumed.json(200);
    assert_ne!(body["session"]["id"], first["session"]["id"]);
    assert_eq!(id_token(&trial, &body).await["sub"], other);
    let now = ask(&trial, &resumed.cookies(), &[]).await.json(200);
    assert_eq!(now["_embedded"]["user"]["username"], "noor");
}

#[tokio::test]
async fn single_sign_on_tells_what_the_session_proved_and_when() {
    let trial = trial().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let resumed = send(trial.server.resume(&flow)).await;
    let first = id_token(&trial, &resumed.json(200)).await;
    assert_eq!(first["amr"], json!(["otp", "sms"]));
    trial.server.advance(Duration::from_hours(1));
    let silent = ask(&trial, &resumed.cookies(), &[("prompt", "none")]).await;
    let second = id_token(&trial, &silent.json(200)).await;
    for claim in ["amr", "acr", "auth_time", "sid"] {
        assert_eq!(second[claim], first[claim], "{claim}");
    }
}

#[tokio::test]
async fn a_password_after_a_code_makes_two_factors_in_the_session() {
    let trial = trial().await;
    trial.set_password("Fjord-Lantern-71-Quartz").await;
    let other = [json!({ "type": "LOGIN" })];
    let other = trial.application(json!({}), &other).await;
    let cookie = sign_on(&trial).await;
    let mut parameters = trial.parameters("pi.flow", None);
    parameters[0].1 = &other;
    let request = trial.server.authorize(&parameters);
    let answer = send(request.header(header::COOKIE, &cookie)).await;
    assert_eq!(answer.json(200)["status"], "PASSWORD_REQUIRED");
    let flow = Flow {
        cookie,
        ..Flow::of(&answer)
    };
    let body = json!({ "password": "Fjord-Lantern-71-Quartz" }).to_string();
    let done = send(trial.server.act(&flow, "usernamePassword.check", &body)).await;
    let proved = json!(["pwd", "otp", "sms", "mfa"]);
    assert_eq!(done.json(200)["authenticators"], proved);
    let cookie = send(trial.server.resume(&flow)).await.cookies();
    // And so it is in the tokens of the application that asked for the code alone.
    let silent = ask(&trial, &cookie, &[("prompt", "none")]).await;
    let claims = id_token(&trial, &silent.json(200)).await;
    assert_eq!(claims["amr"], proved);
}
