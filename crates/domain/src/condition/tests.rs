//! The condition grammar, read and evaluated.

use serde_json::{Value, json};

use super::{Condition, Scope};
use crate::time::{Duration, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn holds_in(condition: &Value, change: impl FnOnce(&mut Scope<'_>)) -> bool {
    let user = json!({
        "address": {"countryCode": "NO"}, "mfaEnabled": true, "population": {"id": "p1"},
    });
    let mut scope = Scope {
        now: NOW,
        password_at: None,
        mfa_at: None,
        remote_ip: Some([10, 20, 3, 4].into()),
        identifier: Some("Mira@Partner.example.test"),
        user: &user,
    };
    change(&mut scope);
    Condition::parse(condition).unwrap().holds(&scope)
}
fn holds(condition: &Value) -> bool {
    holds_in(condition, |_| {})
}

#[test]
fn seconds_since_is_true_without_a_time_and_after_it() {
    let condition =
        json!({"secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}", "greater": 300});
    assert!(holds(&condition));
    let ago = |seconds| Some(NOW - Duration::from_seconds(seconds));
    assert!(!holds_in(&condition, |scope| scope.mfa_at = ago(300)));
    assert!(holds_in(&condition, |scope| scope.mfa_at = ago(301)));
    assert!(holds_in(&condition, |scope| scope.password_at = ago(1)));
}

#[test]
fn equals_compares_text_and_flags() {
    for (path, literal, expected) in [
        ("address.countryCode", json!("NO"), true),
        ("address.countryCode", json!("no"), false),
        ("mfaEnabled", json!(true), true),
        ("mfaEnabled", json!("true"), true),
        ("population.id", json!("p1"), true),
        ("nickname", json!(""), false),
    ] {
        let condition = json!({"value": format!("${{user.{path}}}"), "equals": literal});
        assert_eq!(holds(&condition), expected, "{path} {literal}");
    }
}

#[test]
fn ranges_take_both_families_and_ignore_host_bits() {
    let within = |ranges: Value| {
        holds(&json!({"contains": "${flow.request.http.remoteIp}", "ipRange": ranges}))
    };
    assert!(within(json!(["2001:db8::/32", "10.20.0.0/16"])));
    assert!(within(json!(["10.20.99.7/16"])));
    assert!(within(json!(["10.20.3.4"])));
    assert!(within(json!(["0.0.0.0/0"])));
    assert!(!within(json!(["10.21.0.0/16", "::/0"])));
    assert!(!within(json!([])));
    let mapped = json!({"contains": "${flow.request.http.remoteIp}", "ipRange": ["10.20.0.0/16"]});
    assert!(holds_in(&mapped, |scope| scope.remote_ip =
        "::ffff:10.20.3.4".parse().ok()));
}

#[test]
fn leaves_without_a_feed_are_false() {
    let address = "${flow.request.http.remoteIp}";
    for leaf in [
        json!({"anonymousNetwork": [], "valid": address}),
        json!({"ipRisk": {"minScore": 80, "maxScore": 100}, "valid": address}),
        json!({"geoVelocity": address, "valid": {
            "previousSuccessfulAuthenticationIp": "${user.lastSignOn.remoteIp}",
            "previousSuccessfulAuthenticationTime": "${user.lastSignOn.at}"}}),
    ] {
        assert!(!holds(&leaf));
        assert!(holds(&json!({"not": leaf})));
    }
}

#[test]
fn words_combine_leaves() {
    let yes = json!({"value": "${identifier}", "contains": "@PARTNER"});
    let no = json!({"notExists": "${identifier}"});
    assert!(holds(&json!({"and": [yes, yes]})) && !holds(&json!({"and": [yes, no]})));
    assert!(holds(&json!({"or": [no, yes]})) && !holds(&json!({"or": [no, no]})));
    assert!(holds(&json!({"not": no})) && holds(&json!({"not": [no]})));
}

#[test]
fn what_is_not_in_the_grammar_is_refused() {
    for condition in [
        json!(null),
        json!([]),
        json!({}),
        json!({"memberOf": "g1"}),
        json!({"value": "${user.name}", "equals": 3}),
        json!({"value": "user.name", "equals": "x"}),
        json!({"value": "${session.id}", "equals": "x"}),
        json!({"value": "${user.}", "equals": "x"}),
        json!({"value": "${user.nope}", "equals": "x"}),
        json!({"value": "${user.address}", "equals": "x"}),
        json!({"value": "${user.address.planet}", "equals": "x"}),
        json!({"value": "${user.memberOfGroupIDs}", "equals": "x"}),
        json!({"value": "${user.memberOfGroupNames}", "equals": "x"}),
        json!({"and": []}),
        json!({"or": []}),
        json!({"not": []}),
        json!({"not": {"or": []}}),
        json!({"secondsSince": "${identifier}", "greater": 3}),
        json!({"secondsSince": "${session.lastSignOn.withAuthenticator.pwd.at}", "greater": 0}),
        json!({"secondsSince": "${session.lastSignOn.withAuthenticator.pwd.at}", "greater": 1.5}),
        json!({"contains": "${flow.request.http.remoteIp}", "ipRange": ["10.0.0.0/33"]}),
        json!({"contains": "${flow.request.http.remoteIp}", "ipRange": ["10.0.0.0/+8"]}),
        json!({"not": [{"exists": "${identifier}"}, {"exists": "${identifier}"}]}),
        json!({"and": {"exists": "${identifier}"}}),
        json!({"or": vec![json!({"exists": "${identifier}"}); 101]}),
    ] {
        let violation = Condition::parse(&condition).unwrap_err();
        assert_eq!(violation.target, "condition", "{condition}");
    }
}

#[test]
fn a_complex_attribute_is_told_from_an_unknown_one() {
    let message = |path: &str| {
        let condition = json!({"value": format!("${{user.{path}}}"), "equals": "x"});
        Condition::parse(&condition).unwrap_err().message
    };
    assert!(
        message("name").contains("must be named"),
        "{}",
        message("name")
    );
    assert!(message("names").contains("not a known variable"));
}

#[test]
fn ten_levels_are_read_and_eleven_are_not() {
    let nest = |levels| {
        (1..levels).fold(
            json!({"exists": "${identifier}"}),
            |inner, _| json!({"not": inner}),
        )
    };
    assert!(Condition::parse(&nest(10)).is_ok());
    assert!(
        Condition::parse(&nest(11))
            .unwrap_err()
            .message
            .contains("too deeply")
    );
}

#[test]
fn a_condition_is_stored_as_it_was_written() {
    let source = json!({"or": [{"not": [{"exists": "${user.title}"}]}]});
    let condition: Condition = serde_json::from_value(source.clone()).unwrap();
    assert!(condition.asks_for_the_user());
    assert_eq!(serde_json::to_value(&condition).unwrap(), source);
}
