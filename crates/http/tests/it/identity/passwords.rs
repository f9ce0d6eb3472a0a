//! Passwords.

use futures_util::future::join_all;
use serde_json::{Value, json};
use stepgate_domain::time::Duration;

use crate::support::{Answer, Server};

const GOOD: &str = "Tr0ub4dor&Horse";

async fn set(server: &Server, user: &str, value: &str) -> Answer {
    let body = json!({ "value": value });
    server
        .vendor(
            "PUT",
            &format!("{user}/password"),
            "password.set+json",
            Some(body),
        )
        .await
}

async fn check(server: &Server, user: &str, value: &str) -> Answer {
    let body = json!({ "password": value });
    server
        .vendor(
            "POST",
            &format!("{user}/password"),
            "password.check+json",
            Some(body),
        )
        .await
}

async fn verb(server: &Server, user: &str, name: &str) -> Answer {
    server
        .vendor("POST", &format!("{user}/password"), name, None)
        .await
}

async fn status(server: &Server, user: &str) -> String {
    let state = server.get(&format!("{user}/password")).await.json(200);
    state["status"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_in_every_spelling() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let path = format!("{user}/password");
    let mut number = 0;
    for (method, media_type, member) in [
        (
            "PUT",
            "application/vnd.pingidentity.password.set+json",
            "value",
        ),
        ("PUT", "application/vnd.pingidentity.password.set", "value"),
        (
            "PUT",
            "application/vnd.pingidentity.password.setValue+json",
            "value",
        ),
        (
            "PUT",
            "application/vnd.pingidentity.password.reset+json",
            "newPassword",
        ),
        (
            "POST",
            "application/vnd.pingidentity.password.set+json",
            "value",
        ),
        ("POST", "application/json", "value"),
    ] {
        number += 1;
        let value = format!("{GOOD}{number}");
        let body = json!({ member: value });
        let headers = [("content-type", media_type)];
        let state = server
            .send(method, &path, &headers, Some(body))
            .await
            .json(200);
        assert_eq!(state["status"], "OK", "{method} {media_type}");
        assert!(!state.to_string().contains(GOOD));
        check(&server, &user, &value).await.json(200);
    }
    server
        .put(&path, json!({ "value": GOOD }))
        .await
        .refused(415, "INVALID_REQUEST");
    server
        .vendor("POST", &path, "password.recover+json", Some(json!({})))
        .await
        .refused(415, "INVALID_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_says_what_holds_and_nothing_secret() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let path = format!("{user}/password");
    let none = server.get(&path).await.json(200);
    assert_eq!(none["status"], "NO_PASSWORD");
    assert!(none.get("lastChangedAt").is_none());
    set(&server, &user, GOOD).await.json(200);
    let state = server
        .get(&format!("{path}?expand=passwordPolicy"))
        .await
        .json(200);
    assert_eq!(state["status"], "OK");
    assert_eq!(state["lastChangedAt"], "2026-01-31T12:00:00.000Z");
    assert_eq!(
        format!("/users/{}", state["user"]["id"].as_str().unwrap()),
        user
    );
    assert_eq!(state["environment"]["id"], server.environment.to_string());
    assert_eq!(
        state["_embedded"]["passwordPolicy"]["id"],
        state["passwordPolicy"]["id"]
    );
    assert_eq!(state["_embedded"]["passwordPolicy"]["default"], true);
    assert!(state["_links"]["passwordPolicy"]["href"].is_string());
    assert!(!state.to_string().contains("argon2"));
    server.advance(Duration::from_days(183));
    assert_eq!(status(&server, &user).await, "PASSWORD_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_policy_demands_is_told_at_once() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    let weak = set(&server, &user, "nia").await;
    weak.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "value");
    let detail = &weak.body["details"][0];
    assert_eq!(
        detail["message"],
        "User password did not satisfy password policy requirements"
    );
    let inner = &detail["innerError"];
    let lacks = inner["unsatisfiedRequirements"].as_array().unwrap();
    let lacks: Vec<&str> = lacks.iter().map(|lack| lack.as_str().unwrap()).collect();
    assert_eq!(
        lacks
            .iter()
            .filter(|lack| **lack == "minCharacters")
            .count(),
        3
    );
    for lack in [
        "length",
        "minUniqueCharacters",
        "excludesProfileData",
        "minCharacters",
    ] {
        assert!(lacks.contains(&lack) && inner[lack].is_string(), "{lack}");
    }
    let body = json!({ "newPassword": "nia" });
    server
        .vendor(
            "PUT",
            &format!("{user}/password"),
            "password.reset+json",
            Some(body),
        )
        .await
        .refused_for(400, "INVALID_DATA", "INVALID_VALUE", "newPassword");
    let body = json!({ "value": "nia", "bypassPolicy": true, "forceChange": true });
    let bypassed = server
        .vendor(
            "PUT",
            &format!("{user}/password"),
            "password.set+json",
            Some(body),
        )
        .await;
    assert_eq!(bypassed.json(200)["status"], "MUST_CHANGE_PASSWORD");
    let empty = json!({});
    server
        .vendor(
            "PUT",
            &format!("{user}/password"),
            "password.set+json",
            Some(empty),
        )
        .await
        .refused_for(400, "INVALID_DATA", "REQUIRED_VALUE", "value");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_and_the_remembered_passwords_are_not_used_again() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    set(&server, &user, GOOD).await.json(200);
    let second = format!("{GOOD}2");
    let history = |answer: &Answer| {
        answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "value");
        assert_eq!(
            answer.body["details"][0]["innerError"]["unsatisfiedRequirements"],
            json!(["history"])
        );
    };
    history(&set(&server, &user, GOOD).await);
    set(&server, &user, &second).await.json(200);
    history(&set(&server, &user, GOOD).await);
    // Unsetting does not let an old one back in.
    let path = format!("{user}/password");
    let unset = server
        .vendor("PUT", &path, "password.setValue+json", Some(json!({})))
        .await;
    assert_eq!(unset.json(200)["status"], "NO_PASSWORD");
    history(&set(&server, &user, &second).await);
    let body = json!({ "value": GOOD, "bypassPolicy": true });
    server
        .vendor("PUT", &path, "password.set+json", Some(body))
        .await
        .json(200);
    // The current one is refused whatever the policy says.
    let body = json!({ "value": GOOD, "bypassPolicy": true });
    history(
        &server
            .vendor("PUT", &path, "password.set+json", Some(body))
            .await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_made_elsewhere_are_taken_when_they_can_be_compared() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    // The reference implementation's hash of "password" with the salt "somesalt".
    let encoded = "{ARGON2}$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
                   CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    set(&server, &user, encoded).await.json(200);
    check(&server, &user, "password").await.json(200);
    check(&server, &user, "passwore")
        .await
        .refused(400, "INVALID_DATA");
    for refused in [
        "{ARGON2}$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "{ARGON2}nonsense",
        "{BCRYPT}$2a$10$x",
    ] {
        set(&server, &user, refused).await.refused_for(
            400,
            "INVALID_DATA",
            "INVALID_VALUE",
            "value",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_lock_and_the_same_one_counts_once() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    check(&server, &user, "x")
        .await
        .refused_for(400, "REQUEST_FAILED", "NO_PASSWORD", "password");
    set(&server, &user, GOOD).await.json(200);
    let remaining = |answer: &Answer| {
        answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "password");
        let detail = &answer.body["details"][0];
        assert_eq!(
            detail["message"],
            "The provided password did not match provisioned password"
        );
        detail["innerError"]["failuresRemaining"].as_u64().unwrap()
    };
    assert_eq!(remaining(&check(&server, &user, "a").await), 4);
    assert_eq!(remaining(&check(&server, &user, "a").await), 4);
    assert_eq!(remaining(&check(&server, &user, "b").await), 3);
    let state = server.get(&format!("{user}/password")).await.json(200);
    assert_eq!(state["warnings"]["failedAttempts"]["failuresRemaining"], 3);
    // A right one starts the count anew.
    check(&server, &user, GOOD).await.json(200);
    for (value, left) in [("a", 4), ("b", 3), ("c", 2), ("d", 1), ("e", 0)] {
        assert_eq!(remaining(&check(&server, &user, value).await), left);
    }
    let locked = check(&server, &user, GOOD).await;
    locked.refused_for(400, "REQUEST_FAILED", "PASSWORD_LOCKED_OUT", "password");
    assert_eq!(
        locked.body["details"][0]["innerError"]["secondsUntilUnlock"],
        900
    );
    let state = server.get(&format!("{user}/password")).await.json(200);
    assert_eq!(state["status"], "PASSWORD_LOCKED_OUT");
    assert_eq!(state["secondsUntilUnlock"], 900);
    let account = &server.get(&user).await.json(200)["account"];
    assert_eq!(account["status"], "LOCKED");
    assert!(account.get("lockedAt").is_none());
    server.advance(Duration::from_seconds(900));
    check(&server, &user, GOOD).await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_guesses_are_judged_no_more_often_than_the_policy_allows() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    set(&server, &user, GOOD).await.json(200);
    let guesses = (0..16).map(|number| {
        let (server, user) = (&server, &user);
        async move { check(server, user, &format!("guess {number}")).await }
    });
    let answers = join_all(guesses).await;
    let judged = answers
        .iter()
        .filter(|answer| answer.body["details"][0]["code"] == "INVALID_VALUE")
        .count();
    let locked = answers
        .iter()
        .filter(|answer| answer.body["details"][0]["code"] == "PASSWORD_LOCKED_OUT")
        .count();
    assert_eq!((judged, locked), (5, 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocking_and_forcing_a_change_end_the_lock_of_wrong_passwords_only() {
    let server = Server::delivering().await;
    let user = server.user("nia").await;
    verb(&server, &user, "password.forceChange")
        .await
        .refused_for(400, "REQUEST_FAILED", "NO_PASSWORD", "password");
    set(&server, &user, GOOD).await.json(200);
    let lock = async || {
        for value in ["a", "b", "c", "d", "e"] {
            check(&server, &user, value)
                .await
                .refused(400, "INVALID_DATA");
        }
        assert_eq!(status(&server, &user).await, "PASSWORD_LOCKED_OUT");
    };
    lock().await;
    let state = verb(&server, &user, "password.unlock+json").await.json(200);
    assert_eq!(state["status"], "OK");
    lock().await;
    let state = verb(&server, &user, "password.forceChange+json")
        .await
        .json(200);
    assert_eq!(state["status"], "MUST_CHANGE_PASSWORD");
    check(&server, &user, GOOD).await.json(200);

    server
        .vendor("POST", &user, "account.lock+json", None)
        .await
        .json(200);
    verb(&server, &user, "password.unlock+json").await.json(200);
    let account = server.get(&user).await.json(200)["account"].clone();
    assert_eq!(account["status"], "LOCKED");
    lock().await;
    server
        .vendor("POST", &user, "account.unlock+json", None)
        .await
        .json(200);
    assert_eq!(status(&server, &user).await, "MUST_CHANGE_PASSWORD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_population_has_its_own_password_policy() {
    let server = Server::delivering().await;
    let policy = json!({ "name": "Lax", "excludesCommonlyUsed": false,
        "excludesProfileData": false, "notSimilarToCurrent": false });
    let policy = server.post("/passwordPolicies", policy).await.json(201);
    let policy = policy["id"].clone();
    let population = json!({ "name": "Lax", "passwordPolicy": { "id": policy } });
    let population = server.post("/populations", population).await.json(201);
    let user = json!({ "username": "nia", "population": { "id": population["id"] } });
    let user = server.post("/users", user).await.json(201);
    let user = format!("/users/{}", user["id"].as_str().unwrap());
    let state = set(&server, &user, "short").await.json(200);
    assert_eq!(state["passwordPolicy"]["id"], policy);
    // It knows no lock.
    let wrong = check(&server, &user, "x").await;
    assert_eq!(wrong.body["details"][0].get("innerError"), None::<&Value>);
    let unused = format!("/passwordPolicies/{}", policy.as_str().unwrap());
    let kept = server.delete(&unused).await;
    assert_eq!(
        kept.refused(400, "INVALID_DATA")[0].0,
        "CONSTRAINT_VIOLATION"
    );
}
