use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::client::samples::web_app;

const SECRET: &str = "stepgate.contract-test_secret~0123456789abcdefghijklmnopqrstuvwx";
const ISSUER: &str = "https://auth.example.test/9e0a1111-2222-4333-8444-555566667777/as";
const CLIENT: &str = "0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01";
const ISSUED: i64 = 1_790_000_000;
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn hmac(signing_input: &str) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(signing_input.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn signed(header: &str, payload: &str) -> String {
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let signing_input = format!("{}.{}", encode(header), encode(payload));
    let signature = BASE64URL_NOPAD.encode(&hmac(&signing_input));
    format!("{signing_input}.{signature}")
}

fn rules(profile: Profile) -> HintRules<'static> {
    HintRules {
        client: web_app().id,
        issuers: &[ISSUER],
        now: Timestamp::from_seconds(ISSUED + 10),
        profile,
        maximum_age: None,
    }
}

fn judge_by(token: &str, rules: &HintRules<'_>) -> Result<Hint, HintError> {
    let token = HintToken::parse(token)?;
    let verified = hmac(token.signing_input()) == token.signature();
    token.accept(verified, rules)
}

fn judge(token: &str) -> Result<Hint, HintError> {
    judge_by(token, &rules(Profile::Compat))
}

fn claims(changes: &Value) -> String {
    let mut claims = json!({ "iss": CLIENT, "sub": "mira.k", "aud": ISSUER, "iat": ISSUED, "exp": ISSUED + 300 });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

fn with(changes: &Value) -> Result<Hint, HintError> {
    judge(&signed(HEADER, &claims(changes)))
}

#[test]
fn the_published_vector_is_accepted() {
    let payload = format!(
        r#"{{"iss":"{CLIENT}","sub":"mira.k","aud":"{ISSUER}","iat":1790000000,"exp":1790000300}}"#
    );
    let token = signed(HEADER, &payload);
    assert!(
        token.ends_with(".3lE6EWwObcrxwYY3zVnHiLGjHnDP_vFWsHMeQorZ7OA"),
        "{token}"
    );
    let hint = judge(&token).unwrap();
    assert_eq!(hint.subject, "mira.k");
    assert_eq!(
        hint.expires_at,
        Some(Timestamp::from_seconds(1_790_000_300))
    );
}

#[test]
fn only_three_parts_of_strict_base64url_are_a_token() {
    let token = signed(HEADER, &claims(&json!({})));
    let mut not_tokens = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b".to_owned(),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}="),
        format!(" {token}"),
        token.replacen('.', "..", 1),
        token.replacen('.', ".\n", 1),
    ];
    not_tokens.push(signed(HEADER, "not json"));
    not_tokens.push(signed(HEADER, "[]"));
    // A token within a token.
    not_tokens.push(signed(HEADER, &token));
    for text in not_tokens {
        assert_eq!(judge(&text), Err(HintError::Malformed), "{text}");
    }
}

#[test]
fn a_token_of_more_than_eight_kilobytes_is_refused() {
    let token = signed(HEADER, &claims(&json!({ "note": "x".repeat(8_000) })));
    assert_eq!(judge(&token), Err(HintError::TooLarge));
}

#[test]
fn duplicate_members_are_refused_even_when_signed() {
    let doubled = claims(&json!({})).replacen('{', r#"{"sub":"someone.else","#, 1);
    assert_eq!(judge(&signed(HEADER, &doubled)), Err(HintError::Malformed));
    let nested = claims(&json!({ "n": 1 })).replace(r#""n":1"#, r#""n":[{"a":1,"a":1}]"#);
    assert_eq!(judge(&signed(HEADER, &nested)), Err(HintError::Malformed));
    let header = r#"{"alg":"none","alg":"HS256"}"#;
    assert_eq!(
        judge(&signed(header, &claims(&json!({})))),
        Err(HintError::Malformed)
    );
}

#[test]
fn other_algorithms_and_extensions_are_refused() {
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"PS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"typ":"JWT"}"#,
        r#"{"alg":"HS256","cty":"JWT"}"#,
        r#"{"alg":"HS256","enc":"A128GCM"}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":null}"#,
    ] {
        assert_eq!(
            judge(&signed(header, &claims(&json!({})))),
            Err(HintError::UnsupportedHeader),
            "{header}"
        );
    }
    let unsigned = signed(r#"{"alg":"none"}"#, &claims(&json!({})));
    let (signing_input, _) = unsigned.rsplit_once('.').unwrap();
    assert_eq!(
        judge(&format!("{signing_input}.")),
        Err(HintError::UnsupportedHeader)
    );
}

#[test]
fn keys_named_in_the_header_are_not_looked_at() {
    let header =
        r#"{"alg":"HS256","typ":"jwt","kid":"x","jku":"https://evil.test","jwk":{},"x5u":"y"}"#;
    assert!(judge(&signed(header, &claims(&json!({})))).is_ok());
}

#[test]
fn the_algorithm_is_told_to_who_verifies() {
    for (name, algorithm) in [
        ("HS256", Algorithm::Hs256),
        ("HS384", Algorithm::Hs384),
        ("HS512", Algorithm::Hs512),
    ] {
        let token = signed(&json!({ "alg": name }).to_string(), &claims(&json!({})));
        assert_eq!(HintToken::parse(&token).unwrap().algorithm(), algorithm);
    }
}

#[test]
fn an_empty_or_foreign_signature_is_wrong() {
    let token = signed(HEADER, &claims(&json!({})));
    let (signing_input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(
        judge(&format!("{signing_input}.")),
        Err(HintError::WrongSignature)
    );
    let other = signed(HEADER, &claims(&json!({ "sub": "other" })));
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_eq!(
        judge(&format!("{signing_input}.{signature}")),
        Err(HintError::WrongSignature)
    );
}

#[test]
fn secrets_that_are_too_short_vouch_for_nobody() {
    let (short, long) = (Secret::new("x".repeat(31)), Secret::new("x".repeat(32)));
    assert_eq!(verification_secrets(&[]).unwrap_err(), HintError::NoSecret);
    assert_eq!(
        verification_secrets(std::slice::from_ref(&short)).unwrap_err(),
        HintError::WeakSecret
    );
    assert_eq!(verification_secrets(&[short, long]).unwrap().len(), 1);
}

#[test]
fn issuer_audience_and_subject_are_required() {
    for wrong in [json!(null), json!("other"), json!(7), json!([CLIENT])] {
        assert_eq!(
            with(&json!({ "iss": wrong })),
            Err(HintError::Issuer),
            "{wrong}"
        );
    }
    let elsewhere = ISSUER.replace("9e0a", "9e0b");
    for wrong in [
        json!(null),
        json!(elsewhere),
        json!([]),
        json!([elsewhere]),
        json!([ISSUER, 1]),
        json!({}),
    ] {
        assert_eq!(
            with(&json!({ "aud": wrong })),
            Err(HintError::Audience),
            "{wrong}"
        );
    }
    for wrong in [json!(null), json!(""), json!(1), json!(["mira.k"])] {
        assert_eq!(
            with(&json!({ "sub": wrong })),
            Err(HintError::Subject),
            "{wrong}"
        );
    }
    assert!(with(&json!({ "aud": ["other", ISSUER] })).is_ok());
}

#[test]
fn a_custom_domain_is_an_audience_too() {
    let rules = HintRules {
        issuers: &[ISSUER, "https://login.shop.test/as"],
        ..rules(Profile::Compat)
    };
    let token = signed(
        HEADER,
        &claims(&json!({ "aud": "https://login.shop.test/as" })),
    );
    assert!(judge_by(&token, &rules).is_ok());
}

#[test]
fn expiry_is_enforced_with_a_minute_of_skew() {
    let now = ISSUED + 10;
    assert!(with(&json!({ "exp": now - 59 })).is_ok());
    assert_eq!(with(&json!({ "exp": now - 60 })), Err(HintError::Expired));
    assert_eq!(with(&json!({ "exp": -1e300 })), Err(HintError::Expired));
    assert!(with(&json!({ "exp": u64::MAX })).is_ok());
    assert!(with(&json!({ "nbf": now + 60, "iat": now + 60 })).is_ok());
    assert_eq!(
        with(&json!({ "nbf": now + 61 })),
        Err(HintError::InFuture("nbf"))
    );
    assert_eq!(
        with(&json!({ "iat": now + 61 })),
        Err(HintError::InFuture("iat"))
    );
    assert_eq!(
        with(&json!({ "iat": 1e300 })),
        Err(HintError::InFuture("iat"))
    );
}

#[test]
fn dates_must_be_numbers() {
    for name in ["exp", "nbf", "iat"] {
        assert_eq!(
            with(&json!({ name: "1790000300" })),
            Err(HintError::NotNumeric(name))
        );
        assert_eq!(
            with(&json!({ name: [1] })),
            Err(HintError::NotNumeric(name))
        );
    }
    assert!(with(&json!({ "exp": 1_790_000_300.5 })).is_ok());
}

#[test]
fn compat_accepts_a_hint_of_three_claims_and_strict_does_not() {
    let bare = signed(HEADER, &claims(&json!({ "exp": null, "iat": null })));
    assert_eq!(judge(&bare).unwrap().expires_at, None);
    assert_eq!(
        judge_by(&bare, &rules(Profile::Strict)),
        Err(HintError::Missing("exp"))
    );
}

#[test]
fn strict_caps_the_life_at_five_minutes() {
    let strict = |changes| judge_by(&signed(HEADER, &claims(&changes)), &rules(Profile::Strict));
    assert!(strict(json!({})).is_ok());
    assert_eq!(
        strict(json!({ "exp": ISSUED + 301 })),
        Err(HintError::LivesTooLong)
    );
    assert!(strict(json!({ "iat": null, "exp": ISSUED + 310 })).is_ok());
    assert_eq!(
        strict(json!({ "iat": null, "exp": ISSUED + 311 })),
        Err(HintError::LivesTooLong)
    );
}

#[test]
fn an_application_may_limit_the_age() {
    let limited = HintRules {
        maximum_age: Some(Duration::from_seconds(5)),
        ..rules(Profile::Compat)
    };
    let aged = |iat: Value| judge_by(&signed(HEADER, &claims(&json!({ "iat": iat }))), &limited);
    assert!(aged(json!(ISSUED)).is_ok());
    assert_eq!(aged(json!(ISSUED - 55)), Err(HintError::TooOld));
    assert_eq!(aged(json!(null)), Err(HintError::Missing("iat")));
}

#[test]
fn every_failure_has_the_documented_answer() {
    let answer = |error: HintError| {
        let error = OAuthError::from(error);
        assert_eq!(error.code.as_str(), "invalid_request");
        assert_eq!(error.target.as_deref(), Some("login_hint_token"));
        (error.detail.as_str(), error.description)
    };
    let invalid = |text: &str| ("INVALID_VALUE", text.to_owned());
    assert_eq!(
        answer(HintError::Malformed),
        invalid("login_hint_token is not a valid JWT")
    );
    assert_eq!(
        answer(HintError::TooLarge),
        invalid("login_hint_token is not a valid JWT")
    );
    assert_eq!(
        answer(HintError::UnsupportedHeader),
        invalid("Unsupported login_hint_token header")
    );
    assert_eq!(
        answer(HintError::WrongSignature),
        invalid("login_hint_token signature is invalid")
    );
    assert_eq!(
        answer(HintError::NoSecret),
        invalid("login_hint_token signature is invalid")
    );
    assert_eq!(
        answer(HintError::Expired),
        invalid("login_hint_token has expired")
    );
    assert_eq!(answer(HintError::UserNotFound), invalid("User not found"));
    assert_eq!(
        answer(HintError::Missing("exp")),
        ("REQUIRED_VALUE", "exp".to_owned())
    );
}

proptest! {
    #[test]
    fn any_text_can_be_judged(text in "\\PC{0,200}", parts in "[A-Za-z0-9_-]{0,60}[.][A-Za-z0-9_-]{0,60}[.][A-Za-z0-9_-]{0,60}") {
        prop_assert!(judge(&text).is_err());
        prop_assert!(judge(&parts).is_err());
    }

    #[test]
    fn a_changed_character_before_the_signature_is_never_accepted(at in 0_usize..10_000, to in "[A-Za-z0-9_-]") {
        let token = signed(HEADER, &claims(&json!({})));
        let at = at % token.rfind('.').unwrap();
        prop_assume!(token[at..=at] != *to && &token[at..=at] != ".");
        let mut changed = token.clone();
        changed.replace_range(at..=at, &to);
        if let Ok(parsed) = HintToken::parse(&changed) {
            prop_assert_ne!(parsed.signing_input(), token.rsplit_once('.').unwrap().0);
        }
        prop_assert!(judge(&changed).is_err());
    }

    #[test]
    fn nothing_is_accepted_without_a_verified_signature(sub in "\\PC{1,20}") {
        let token = HintToken::parse(&signed(HEADER, &claims(&json!({ "sub": sub })))).unwrap();
        prop_assert_eq!(token.accept(false, &rules(Profile::Compat)), Err(HintError::WrongSignature));
    }
}
