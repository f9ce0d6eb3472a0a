use serde_json::json;

use super::*;
use crate::{
    resources::trial::{NOW, OTHER, build, fault, rebuild, stored, targets},
    violation::ViolationCode,
};

/// The one that the sign-on by a hint is shown with.
fn web() -> Value {
    json!({
        "name": "mfa-relying-app", "enabled": true, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
        "redirectUris": ["https://app.example.test/cb"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        "pkceEnforcement": "OPTIONAL", "supportUnsignedRequestObject": true
    })
}

fn worker() -> Value {
    json!({
        "name": "ci-worker", "enabled": true, "type": "WORKER", "protocol": "OPENID_CONNECT",
        "grantTypes": ["CLIENT_CREDENTIALS"], "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC",
        "assignActorRoles": false
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut body = web();
    body[member] = value;
    body
}

fn accepted(body: Value) -> Value {
    let built = build::<Application>(body).unwrap();
    Value::Object(Application::view(&stored(built.body), NOW))
}

#[test]
fn a_new_application_gets_a_secret_and_a_replaced_one_keeps_its_own() {
    let built = build::<Application>(web()).unwrap();
    let secret = built
        .secrets
        .iter()
        .find(|(name, _)| *name == secret::CURRENT);
    assert!(secret.is_some_and(|(_, secret)| {
        secret
            .as_ref()
            .is_some_and(|text| text.expose().len() >= 64)
    }));
    let before = stored(built.body);
    assert!(
        rebuild::<Application>(web(), &before)
            .unwrap()
            .secrets
            .is_empty()
    );
}

#[test]
fn what_was_sent_is_answered_and_defaults_are_filled_in() {
    let answer = accepted(web());
    for (member, value) in web().as_object().unwrap() {
        assert_eq!(&answer[member], value, "{member}");
    }
    for (member, value) in [
        ("hiddenFromAppPortal", json!(false)),
        ("parRequirement", json!("OPTIONAL")),
        ("parTimeout", json!(60)),
        ("allowWildcardInRedirectUris", json!(false)),
        ("opSessionCheckEnabled", json!(false)),
        ("idpSignoff", json!(false)),
        ("includeX5t", json!(false)),
        ("requestScopesForMultipleResourcesEnabled", json!(false)),
        ("additionalRefreshTokenReplayProtectionEnabled", json!(true)),
        ("deviceTimeout", json!(600)),
        ("devicePollingInterval", json!(5)),
        ("clientId", json!(stored(()).id.to_string())),
    ] {
        assert_eq!(answer[member], value, "{member}");
    }
    for unasked in [
        "refreshTokenDuration",
        "refreshTokenType",
        "accessControl",
        "mobile",
    ] {
        assert!(answer.get(unasked).is_none(), "{unasked}");
    }
}

#[test]
fn only_administrators_may_be_let_into_an_application_of_any_type() {
    let only = json!({ "role": { "type": "ADMIN_USERS_ONLY" } });
    for name in ["WEB_APP", "NATIVE_APP", "SINGLE_PAGE_APP", "SERVICE"] {
        let mut body = with("accessControl", only.clone());
        body["type"] = name.into();
        assert_eq!(accepted(body)["accessControl"], only, "{name}");
    }
}

#[test]
fn a_native_application_has_a_mobile_side_that_stays_as_it_is() {
    let answer = accepted(with("type", json!("NATIVE_APP")));
    let mobile = json!({
        "integrityDetection": { "mode": "DISABLED" }, "passcodeGracePeriod": 5,
        "passcodeRefreshDuration": { "duration": 30, "timeUnit": "SECONDS" },
    });
    assert_eq!(answer["mobile"], mobile);
    let mut body = with("type", json!("NATIVE_APP"));
    body["mobile"] = json!({ "bundleId": "test.example.app", "passcodeGracePeriod": 7 });
    assert_eq!(
        targets(build::<Application>(body)),
        ["mobile.bundleId", "mobile.passcodeGracePeriod"]
    );
}

#[test]
fn a_worker_is_for_administrators_only() {
    assert_eq!(
        accepted(worker())["accessControl"],
        json!({ "role": { "type": "ADMIN_USERS_ONLY" } })
    );
}

#[test]
fn refresh_tokens_have_durations_as_soon_as_they_are_granted() {
    let answer = accepted(with(
        "grantTypes",
        json!(["AUTHORIZATION_CODE", "REFRESH_TOKEN"]),
    ));
    assert_eq!(answer["refreshTokenDuration"], 2_592_000);
    assert_eq!(answer["refreshTokenRollingDuration"], 15_552_000);
}

#[test]
fn a_replacement_with_what_was_answered_changes_nothing() {
    for body in [
        web(),
        worker(),
        with("corsSettings", json!({ "behavior": "ALLOW_NO_ORIGINS" })),
        with("type", json!("NATIVE_APP")),
        with("refreshTokenType", json!("OPAQUE_TOKEN")),
    ] {
        let before = stored(build::<Application>(body).unwrap().body);
        let answer = Value::Object(Application::view(&before, NOW));
        assert_eq!(rebuild(answer, &before).unwrap().body, before.body);
    }
}

#[test]
fn the_type_and_the_client_id_cannot_be_changed() {
    let before = stored(build::<Application>(web()).unwrap().body);
    let other = targets(rebuild(with("clientId", json!(OTHER)), &before));
    assert_eq!(other, ["clientId"]);
    let fault = fault(rebuild(with("type", json!("NATIVE_APP")), &before));
    assert_eq!(
        (fault.target.as_str(), fault.code),
        ("type", ViolationCode::InvalidValue)
    );
}

#[test]
fn what_does_not_run_is_refused_by_name() {
    for (member, value, target) in [
        ("type", json!("CUSTOM_APP"), "type"),
        ("protocol", json!("SAML"), "protocol"),
        (
            "grantTypes",
            json!(["AUTHORIZATION_CODE", "IMPLICIT"]),
            "grantTypes[1]",
        ),
        (
            "grantTypes",
            json!(["AUTHORIZATION_CODE", "DEVICE_CODE"]),
            "grantTypes[1]",
        ),
        (
            "responseTypes",
            json!(["CODE", "ID_TOKEN"]),
            "responseTypes[1]",
        ),
        (
            "tokenEndpointAuthMethod",
            json!("PRIVATE_KEY_JWT"),
            "tokenEndpointAuthMethod",
        ),
        ("parRequirement", json!("REQUIRED"), "parRequirement"),
        (
            "requireSignedRequestObject",
            json!(true),
            "requireSignedRequestObject",
        ),
        ("idpSignoff", json!("false"), "idpSignoff"),
        ("assignActorRoles", json!(true), "assignActorRoles"),
        ("jwks", json!("{}"), "jwks"),
        ("mobile", json!({}), "mobile"),
        ("clientId", json!(OTHER), "clientId"),
        (
            "refreshTokenType",
            json!("JSON_WEB_TOKEN"),
            "refreshTokenType",
        ),
        ("clientSecret", json!("12345678"), "clientSecret"),
        (
            "accessControl",
            json!({ "group": { "type": "ANY_GROUP", "groups": [{ "id": OTHER }] } }),
            "accessControl.group",
        ),
        ("loginPageUrl", json!("javascript:alert(1)"), "loginPageUrl"),
        ("tags", json!(["PING_FED_CONNECTION_INTEGRATION"]), "tags"),
    ] {
        let fault = fault(build::<Application>(with(member, value.clone())));
        assert_eq!(
            (fault.target.as_str(), fault.code),
            (target, ViolationCode::InvalidValue),
            "{value}"
        );
    }
}

#[test]
fn redirect_uris_are_absolute_without_fragment_and_wildcards_are_asked_for() {
    let faults = |allow: bool, uris: Value| {
        let mut body = with("redirectUris", uris);
        body["allowWildcardInRedirectUris"] = allow.into();
        targets(build::<Application>(body))
    };
    let none: [&str; 0] = [];
    assert_eq!(
        faults(
            false,
            json!(["https://a.test/cb", "myapp:/cb", "http://127.0.0.1/cb"])
        ),
        none
    );
    assert_eq!(
        faults(
            false,
            json!([
                "/cb",
                "https://a.test/#x",
                "https://a.test/*",
                "javascript:alert(1)"
            ])
        ),
        [
            "redirectUris[0]",
            "redirectUris[1]",
            "redirectUris[2]",
            "redirectUris[3]"
        ]
    );
    assert_eq!(
        faults(true, json!(["https://a.test/th*/cb", "https://a.test?x=*"])),
        none
    );
    assert_eq!(
        faults(true, json!(["https://*.a.test/cb", "https://a.test/*/*"])),
        ["redirectUris[0]", "redirectUris[1]"]
    );
    let message = fault(build::<Application>(with(
        "redirectUris",
        json!(["https://a.test/*"]),
    )))
    .message;
    assert!(message.starts_with("Wildcards are not allowed in redirect URIs."));
}

#[test]
fn origins_are_scheme_host_and_port() {
    let faults = |settings| targets(build::<Application>(with("corsSettings", settings)));
    let specific =
        |origins: Value| json!({ "behavior": "ALLOW_SPECIFIC_ORIGINS", "origins": origins });
    assert!(
        faults(specific(json!([
            "https://a.test",
            "http://localhost:8080",
            "https://*.a.test"
        ])))
        .is_empty()
    );
    assert_eq!(faults(specific(json!([]))), ["corsSettings.origins"]);
    for origin in [
        "https://a.test/",
        "a.test",
        "*",
        "https://u@a.test",
        "https://a.*",
        "null",
    ] {
        assert_eq!(
            faults(specific(json!([origin]))),
            ["corsSettings.origins[0]"],
            "{origin}"
        );
    }
    let none = json!({ "behavior": "ALLOW_NO_ORIGINS", "origins": ["https://a.test"] });
    assert_eq!(faults(none), ["corsSettings.origins"]);
}

#[test]
fn a_client_without_a_secret_cannot_act_for_itself_and_must_prove_itself() {
    let mut body = worker();
    body["tokenEndpointAuthMethod"] = "NONE".into();
    assert_eq!(
        targets(build::<Application>(body)),
        ["tokenEndpointAuthMethod"]
    );
    let open = build::<Application>(with("tokenEndpointAuthMethod", json!("NONE")))
        .unwrap()
        .body;
    assert_eq!(open.oidc.pkce(), PkceEnforcement::S256Required);
}

#[test]
fn the_code_grant_needs_its_response_type_and_durations_fit_each_other() {
    assert_eq!(
        targets(build::<Application>(with("responseTypes", Value::Null))),
        ["responseTypes"]
    );
    let mut body = with("refreshTokenDuration", json!(700));
    body["refreshTokenRollingDuration"] = 600.into();
    assert_eq!(
        targets(build::<Application>(body)),
        ["refreshTokenDuration"]
    );
    assert_eq!(
        fault(build::<Application>(with(
            "refreshTokenDuration",
            json!(59)
        )))
        .code,
        ViolationCode::OutOfRange
    );
}
