//! What an environment refuses in the profile `STRICT`, and how old an application's hints may be.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    Answer, Flow, TestClient,
    held::{Trial, signed},
    id, send, text,
};

const HEADER: &str = r#"{"alg":"HS256"}"#;

async fn put(trial: &Trial, body: Value) -> Value {
    trial
        .server
        .manage(Method::PUT, "securityProfile", body)
        .await
}

async fn strict(trial: &Trial) {
    put(trial, json!({ "profile": "STRICT" })).await;
}

/// A call of the administrator's, whatever it answers.
async fn call(trial: &Trial, method: Method, path: &str, body: &Value) -> Answer {
    let path = format!("/v1/environments/{}/{path}", trial.server.environment);
    let token = trial.server.admin_token().await;
    let request = trial.server.request(method, &path).bearer_auth(token);
    send(request.json(body)).await
}

/// The trial's right claims with these changes; `null` leaves one out.
fn hint(trial: &Trial, changes: &Value) -> String {
    let mut claims = trial.claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let claims = claims.as_object().unwrap().iter();
    let claims: serde_json::Map<String, Value> = claims
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    signed(
        HEADER,
        &Value::Object(claims).to_string(),
        &trial.client.secret,
    )
}

async fn asked(trial: &Trial, hint: &str) -> Answer {
    trial.wait(11);
    trial.asked("pi.flow", Some(hint)).await
}

/// Detail and words of a hint that is refused.
#[track_caller]
fn refused(answer: &Answer) -> (String, String) {
    let (code, detail, target, message) = answer.refusal(400);
    assert_eq!(
        (code.as_str(), target.as_str()),
        ("INVALID_DATA", "login_hint_token")
    );
    (detail, message)
}

#[tokio::test]
async fn the_profile_is_read_replaced_and_reset() {
    let trial = Trial::start().await;
    let born = trial.get("securityProfile").await;
    assert_eq!(born["profile"], "COMPAT");
    assert_eq!(born["hintMaximumAges"], json!([]));
    assert!(born.get("id").is_none());
    strict(&trial).await;
    // Clients that know nothing of it replace the environment, and change nothing of it.
    let path = format!("/v1/environments/{}", trial.server.environment);
    let admin = trial.server.admin_token().await;
    let one = |method| trial.server.request(method, &path).bearer_auth(&admin);
    let environment = send(one(Method::GET)).await.json(200);
    send(one(Method::PUT).json(&environment)).await.json(200);
    assert_eq!(trial.get("securityProfile").await["profile"], "STRICT");

    let age = |application: &str| {
        json!({ "profile": "COMPAT", "hintMaximumAges": [{ "application": { "id": application },
            "maximumAge": { "duration": 2, "timeUnit": "MINUTES" } }] })
    };
    let set = put(&trial, age(&trial.client.id)).await;
    assert_eq!(
        put(&trial, set.clone()).await["hintMaximumAges"],
        set["hintMaximumAges"]
    );
    for (body, target) in [
        (json!({}), "profile"),
        (json!({ "profile": "LAX" }), "profile"),
        (
            age("00000000-0000-4000-8000-000000000001"),
            "hintMaximumAges[0].application.id",
        ),
    ] {
        let refused = call(&trial, Method::PUT, "securityProfile", &body).await;
        assert_eq!(refused.refusal(400).2, target, "{}", refused.text);
    }
    // What is said of an application's hints does not hold it in place.
    let path = format!("applications/{}", trial.client.id);
    trial
        .server
        .manage(Method::DELETE, &path, Value::Null)
        .await;
    put(&trial, trial.get("securityProfile").await).await;
    let path = "securityProfile";
    trial.server.manage(Method::DELETE, path, Value::Null).await;
    let reset = trial.get(path).await;
    assert_eq!(
        (&reset["profile"], &reset["hintMaximumAges"]),
        (&json!("COMPAT"), &json!([]))
    );
}

#[tokio::test]
async fn only_who_configures_the_environment_chooses_its_profile() {
    use stepgate_domain::access::{Role, ScopeType::Environment};
    let trial = Trial::start().await;
    let environment = trial.server.environment.to_string();
    let path = format!("/v1/environments/{environment}/securityProfile");
    for (role, may_read, may_write) in [
        (Role::EnvironmentAdmin, 200, 200),
        (Role::ConfigurationReadOnly, 200, 403),
        (Role::ClientApplicationDeveloper, 403, 403),
        (Role::IdentityDataAdmin, 403, 403),
    ] {
        let worker =
            json!({ "type": "WORKER", "grantTypes": ["CLIENT_CREDENTIALS"], "responseTypes": [] });
        let worker = trial.server.create_application(role.name(), worker).await;
        let body = json!({ "role": { "id": role.id().to_string() },
            "scope": { "id": environment, "type": Environment.as_str() } });
        let below = format!("applications/{}/roleAssignments", worker.id);
        trial.server.create(&below, body).await;
        let granted = trial
            .server
            .token(&worker, &[("grant_type", "client_credentials")])
            .await;
        let token = text(&granted.json(200), "access_token");
        let request = |method| trial.server.request(method, &path).bearer_auth(&token);
        assert_eq!(
            send(request(Method::GET)).await.status,
            may_read,
            "{role:?}"
        );
        let body = json!({ "profile": "COMPAT" });
        let put = send(request(Method::PUT).json(&body)).await;
        assert_eq!(put.status, may_write, "{role:?}");
        assert_eq!(
            send(request(Method::DELETE)).await.status == 204,
            may_write == 200
        );
    }
}

#[tokio::test]
async fn a_strict_hint_ends_soon() {
    let trial = Trial::start().await;
    let endless = json!({ "exp": null });
    asked(&trial, &hint(&trial, &endless)).await.json(200);
    strict(&trial).await;
    let (detail, message) = refused(&asked(&trial, &hint(&trial, &endless)).await);
    assert_eq!(
        (detail.as_str(), message.as_str()),
        ("REQUIRED_VALUE", "exp")
    );
    let now = trial.now();
    let late = hint(&trial, &json!({ "exp": now + 600 }));
    let (detail, message) = refused(&asked(&trial, &late).await);
    assert_eq!(detail, "INVALID_VALUE");
    assert!(message.contains("300 seconds"), "{message}");
    asked(&trial, &trial.hint("mira.k")).await.json(200);
}

#[tokio::test]
async fn a_strict_hint_is_accepted_once() {
    let trial = Trial::start().await;
    let hint_of = |changes: Value| hint(&trial, &changes);
    let twice = hint_of(json!({ "jti": "before" }));
    for _ in 0..2 {
        asked(&trial, &twice).await.json(200);
    }
    strict(&trial).await;
    let used = "login_hint_token has been accepted before";
    for changes in [json!({ "jti": "one" }), json!({ "nonce": "without jti" })] {
        let hint = hint_of(changes);
        let flow = Flow::of(&asked(&trial, &hint).await);
        assert_eq!(flow.status(), "OTP_REQUIRED");
        for _ in 0..2 {
            assert_eq!(refused(&asked(&trial, &hint).await).1, used);
        }
        // The flow that it has begun goes on.
        send(trial.server.read(&flow)).await.json(200);
    }
    // The name is the application's to give; another one is another hint.
    let renewed = hint_of(json!({ "jti": "one", "exp": trial.now() + 299 }));
    assert_eq!(refused(&asked(&trial, &renewed).await).1, used);
    let other = hint_of(json!({ "jti": "two" }));
    asked(&trial, &other).await.json(200);
    // Until it has ended by itself.
    for _ in 0..6 {
        trial.wait(59);
        let again = refused(&trial.asked("pi.flow", Some(&other)).await).1;
        assert!(again == used || again.ends_with("has expired"), "{again}");
    }

    trial
        .server
        .clock
        .advance(stepgate_domain::time::Duration::from_hours(1));
    trial.sent().await;
    let (raced, before) = (hint_of(json!({ "jti": "race" })), trial.flows().await);
    let mut parameters = trial.parameters("pi.flow");
    parameters.push(("login_hint_token", &raced));
    let at_once: JoinSet<Answer> = (0..8)
        .map(|_| send(trial.server.authorize(&parameters)))
        .collect();
    let (begun, late): (Vec<_>, Vec<_>) = at_once
        .join_all()
        .await
        .into_iter()
        .partition(|answer| answer.status == 200);
    assert_eq!((begun.len(), late.len()), (1, 7));
    assert!(late.iter().all(|answer| refused(answer).1 == used));
    assert_eq!(trial.flows().await, before + 1);
    assert_eq!(trial.sent().await.len(), 1);
}

#[tokio::test]
async fn a_hint_that_begins_nothing_is_not_used_up() {
    let trial = Trial::start().await;
    strict(&trial).await;
    let hint = hint(&trial, &json!({ "jti": "one" }));
    let mut parameters = trial.parameters("pi.flow");
    parameters.extend([("login_hint_token", hint.as_str()), ("prompt", "none")]);
    let silent = send(trial.server.authorize(&parameters)).await.json(400);
    assert_eq!(silent["error"], "login_required");
    asked(&trial, &hint).await.json(200);
}

#[tokio::test]
async fn the_once_costs_no_query_and_no_commit() {
    let trial = Trial::start().await;
    let mut costs = Vec::new();
    for profile in ["COMPAT", "STRICT"] {
        put(&trial, json!({ "profile": profile })).await;
        asked(
            &trial,
            &hint(&trial, &json!({ "jti": format!("warm {profile}") })),
        )
        .await
        .json(200);
        let hint = hint(&trial, &json!({ "jti": format!("counted {profile}") }));
        trial.wait(11);
        let before = trial.server.spent();
        trial.asked("pi.flow", Some(&hint)).await.json(200);
        let spent = trial.server.spent() - before;
        costs.push((spent.queries, spent.commits));
    }
    assert_eq!(costs, [(1, 1), (1, 1)]);
}

#[tokio::test]
async fn an_application_limits_the_age_of_its_hints_in_either_profile() {
    let trial = Trial::start().await;
    let other = trial.server.create_application("Other", json!({})).await;
    for profile in ["COMPAT", "STRICT"] {
        let ages = json!([{ "application": { "id": trial.client.id },
            "maximumAge": { "duration": 30, "timeUnit": "SECONDS" } }]);
        put(
            &trial,
            json!({ "profile": profile, "hintMaximumAges": ages }),
        )
        .await;
        asked(&trial, &trial.hint("mira.k")).await.json(200);
        // A minute is tolerance.
        let old = hint(
            &trial,
            &json!({ "iat": trial.now() - 90, "exp": trial.now() + 100 }),
        );
        let (detail, message) = refused(&asked(&trial, &old).await);
        assert_eq!(detail, "INVALID_VALUE");
        assert_eq!(
            message,
            "login_hint_token is older than the application allows"
        );
        let undated = hint(&trial, &json!({ "iat": null }));
        assert_eq!(refused(&asked(&trial, &undated).await).0, "REQUIRED_VALUE");

        let ages = json!([{ "application": { "id": other.id },
            "maximumAge": { "duration": 30, "timeUnit": "SECONDS" } }]);
        put(
            &trial,
            json!({ "profile": profile, "hintMaximumAges": ages }),
        )
        .await;
        asked(&trial, &old).await.json(200);
        asked(&trial, &undated).await.json(200);
    }
}

#[tokio::test]
async fn a_strict_code_lives_ten_minutes() {
    let trial = Trial::start().await;
    let codes = || async {
        let all = trial.get("deviceAuthenticationPolicies").await;
        let all = all["_embedded"]["deviceAuthenticationPolicies"].clone();
        let mut all = all.as_array().unwrap().clone().into_iter();
        all.find(|it| it["name"] == "Codes").unwrap()
    };
    let mut policy = codes().await;
    assert_eq!(policy["sms"]["otp"]["lifeTime"]["duration"], 30);
    let in_compat = Flow::of(&asked(&trial, &trial.hint("mira.k")).await);
    let code = trial.code().await;
    trial.wait(601);
    trial.server.check(&in_compat, &code).await.json(200);

    strict(&trial).await;
    // The policy that was there stays as it is; its codes live no longer than they may.
    let flow = Flow::of(&asked(&trial, &trial.hint("mira.k")).await);
    let code = trial.code().await;
    trial.wait(601);
    trial.server.check(&flow, &code).await.refusal(400);
    let flow = Flow::of(&asked(&trial, &trial.hint("mira.k")).await);
    let code = trial.code().await;
    trial.wait(590);
    trial.server.check(&flow, &code).await.json(200);

    let path = format!("deviceAuthenticationPolicies/{}", id(&policy));
    let kept = call(&trial, Method::PUT, &path, &policy).await.json(400);
    let targets: Vec<&str> = kept["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|detail| detail["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, ["sms.otp.lifeTime", "email.otp.lifeTime"]);
    let ten = json!({ "duration": 600, "timeUnit": "SECONDS" });
    policy["sms"]["otp"]["lifeTime"] = ten.clone();
    policy["email"]["otp"]["lifeTime"] = ten;
    trial
        .server
        .manage(Method::PUT, &path, policy.clone())
        .await;
    // What is switched off sends no codes.
    policy["email"] = json!({ "enabled": false });
    policy["name"] = "Another".into();
    policy.as_object_mut().unwrap().remove("default");
    let made = call(
        &trial,
        Method::POST,
        "deviceAuthenticationPolicies",
        &policy,
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
}

/// The same name given by two applications names two hints.
#[tokio::test]
async fn applications_do_not_use_up_each_others_hints() {
    let trial = Trial::start().await;
    strict(&trial).await;
    let other: TestClient = trial.server.create_application("Other", json!({})).await;
    trial.server.assign(&other.id, &trial.policy().await).await;
    asked(&trial, &hint(&trial, &json!({ "jti": "one" })))
        .await
        .json(200);
    let mut claims = trial.claims();
    claims["iss"] = other.id.clone().into();
    claims["jti"] = "one".into();
    let hint = signed(HEADER, &claims.to_string(), &other.secret);
    trial.wait(11);
    let mut parameters = trial.parameters("pi.flow");
    parameters[0].1 = &other.id;
    parameters.push(("login_hint_token", &hint));
    send(trial.server.authorize(&parameters)).await.json(200);
}
