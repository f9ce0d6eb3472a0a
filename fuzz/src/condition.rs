use serde_json::{Value, json};
use stepgate_domain::condition::{Condition, MAXIMUM_DEPTH, MAXIMUM_MEMBERS, Scope};

use crate::samples::NOW;

/// A condition that is accepted keeps its text, stays within its limits, and is either true or false
/// of everybody; `not`, `and` and `or` around it mean what they say.
pub fn condition(data: &[u8]) {
    let Ok(source) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let Ok(condition) = Condition::parse(&source) else {
        return;
    };
    assert_eq!(condition.source(), &source);
    let stored = serde_json::to_string(&condition).expect("is JSON");
    let again: Condition = serde_json::from_str(&stored).expect("is read again");
    assert_eq!(again, condition);
    assert!(levels(&source) <= MAXIMUM_DEPTH);
    assert!(is_within_limits(&source));

    let wrapped = |source: Value| Condition::parse(&source).ok();
    let not = wrapped(json!({ "not": source }));
    let and = wrapped(json!({ "and": [source, source] }));
    let or = wrapped(json!({ "or": [source] }));
    assert_eq!(not.is_some(), levels(&source) < MAXIMUM_DEPTH);
    assert_eq!(
        (and.is_some(), or.is_some()),
        (not.is_some(), not.is_some())
    );
    for user in [Value::Null, user()] {
        for scope in scopes(&user) {
            let holds = condition.holds(&scope);
            assert!(not.iter().all(|not| not.holds(&scope) != holds));
            assert!(
                and.iter()
                    .chain(&or)
                    .all(|same| same.holds(&scope) == holds)
            );
        }
    }
    for same in not.iter().chain(&and).chain(&or) {
        assert_eq!(same.asks_for_the_user(), condition.asks_for_the_user());
        assert_eq!(
            same.asks_for_the_address(),
            condition.asks_for_the_address()
        );
    }
    assert_eq!(condition.asks_for_the_user(), names_the_user(&source));
    if !condition.asks_for_the_user() {
        let [user, nobody] = [user(), Value::Null];
        let pairs = scopes(&user).into_iter().zip(scopes(&nobody));
        for (known, unknown) in pairs {
            assert_eq!(condition.holds(&known), condition.holds(&unknown));
        }
    }
}

/// Where a variable decides. A leaf about the speed of travel is false, whatever it names.
fn names_the_user(source: &Value) -> bool {
    let is_user = |name: &str| {
        let variable = source.get(name).and_then(Value::as_str);
        variable.is_some_and(|variable| variable.starts_with("${user."))
    };
    let address = if source.get("ipRange").is_some() {
        "contains"
    } else {
        "value"
    };
    let parts = ["and", "or", "not"].map(|name| match source.get(name) {
        Some(Value::Array(parts)) => parts.iter().any(names_the_user),
        Some(part) => names_the_user(part),
        None => false,
    });
    let variables = [
        "secondsSince",
        address,
        "valid",
        "geoVelocity",
        "exists",
        "notExists",
    ];
    parts.contains(&true) || variables.into_iter().any(is_user)
}

/// Of `and`, `or` and `not`, with the leaf.
fn levels(source: &Value) -> usize {
    let below = ["and", "or", "not"].map(|name| match source.get(name) {
        Some(Value::Array(parts)) => parts.iter().map(levels).max().unwrap_or_default(),
        Some(part) => levels(part),
        None => 0,
    });
    1 + below.into_iter().max().unwrap_or_default()
}

fn is_within_limits(source: &Value) -> bool {
    match source {
        Value::Array(items) => items.len() <= MAXIMUM_MEMBERS && items.iter().all(is_within_limits),
        Value::Object(members) => members.values().all(is_within_limits),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn scopes(user: &Value) -> [Scope<'_>; 2] {
    let nothing = Scope {
        now: NOW,
        password_at: None,
        mfa_at: None,
        remote_ip: None,
        identifier: None,
        user,
    };
    let all = Scope {
        password_at: Some(NOW),
        mfa_at: "2026-01-31T11:00:00Z".parse().ok(),
        remote_ip: "192.0.2.7".parse().ok(),
        identifier: Some("mira.k"),
        ..nothing
    };
    [nothing, all]
}

fn user() -> Value {
    json!({
        "username": "mira.k",
        "enabled": true,
        "email": "mira.k@example.test",
        "lastSignOn": { "at": "2026-01-30T12:00:00.000Z", "remoteIp": "2001:db8::7" },
        "population": { "id": "00000000-0000-4000-8000-000000000001" },
        "name": { "given": "Mira", "family": "K" },
    })
}
