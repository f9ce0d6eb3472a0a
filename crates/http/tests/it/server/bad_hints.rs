//! Every way in which a `login_hint_token` can be wrong.

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::hints::{HS256, SIGNATURE};
use crate::support::{
    Flow, PHONE,
    held::{Trial, signed},
};

const NOT_A_JWT: &str = "login_hint_token is not a valid JWT";
const HEADER: &str = "Unsupported login_hint_token header";

#[tokio::test]
async fn every_bad_hint_has_its_words_and_nothing_comes_of_it() {
    let trial = Trial::start().await;
    let other = trial.server.create_application("other", json!({})).await;
    let now = trial.now();
    let claims = trial.claims().to_string();
    let elsewhere = format!(
        "{}/9e0a1111-2222-4333-8444-555566667777/as",
        trial.server.base
    );
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let right = trial.hint("mira.k");
    let (input, _) = right.rsplit_once('.').unwrap();
    let iss = "iss of login_hint_token must be the client_id";
    let aud = "aud of login_hint_token must be the issuer";
    let sub = "sub of login_hint_token must be a user id or a username";
    let unpadded = format!("{right}=");
    let twice_in = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let cases: Vec<(&str, String, &str)> = vec![
        ("no dots", "x".to_owned(), NOT_A_JWT),
        ("two parts", input.to_owned(), NOT_A_JWT),
        ("four parts", format!("{right}.x"), NOT_A_JWT),
        ("five parts of a JWE", format!("{right}.x.y"), NOT_A_JWT),
        ("padded", unpadded, NOT_A_JWT),
        ("spaces", format!(" {right}"), NOT_A_JWT),
        (
            "not JSON",
            format!("{}.{}.{}", encode("{"), encode(&claims), encode("x")),
            NOT_A_JWT,
        ),
        ("an array", trial.with_text("[]"), NOT_A_JWT),
        (
            "something after the claims",
            trial.with_text(&format!("{claims}{{}}")),
            NOT_A_JWT,
        ),
        (
            "over 8 kB",
            trial.with_claims(json!({ "pad": "x".repeat(9_000) })),
            NOT_A_JWT,
        ),
        (
            "alg twice",
            trial.with_header(r#"{"alg":"HS256","alg":"HS256"}"#),
            NOT_A_JWT,
        ),
        (
            "sub twice",
            trial.with_text(&twice_in(&claims, r#""sub":"mira.k""#)),
            NOT_A_JWT,
        ),
        (
            "sub twice, once escaped",
            trial.with_text(&twice_in(&claims, r#""s\u0075b":"otto""#)),
            NOT_A_JWT,
        ),
        (
            "twice within",
            trial.with_text(&twice_in(&claims, r#""x":[{"a":1,"a":1}]"#)),
            NOT_A_JWT,
        ),
        (
            "none",
            format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims)),
            HEADER,
        ),
        (
            "none, signed",
            trial.with_header(r#"{"alg":"none"}"#),
            HEADER,
        ),
        ("NoNe", trial.with_header(r#"{"alg":"NoNe"}"#), HEADER),
        ("RS256", trial.with_header(r#"{"alg":"RS256"}"#), HEADER),
        ("ES256", trial.with_header(r#"{"alg":"ES256"}"#), HEADER),
        ("hs256", trial.with_header(r#"{"alg":"hs256"}"#), HEADER),
        (
            "a list of algs",
            trial.with_header(r#"{"alg":["HS256"]}"#),
            HEADER,
        ),
        ("no alg", trial.with_header("{}"), HEADER),
        (
            "nested",
            trial.with_header(r#"{"alg":"HS256","cty":"JWT"}"#),
            HEADER,
        ),
        (
            "encrypted",
            trial.with_header(r#"{"alg":"HS256","enc":"A128GCM"}"#),
            HEADER,
        ),
        (
            "crit",
            trial.with_header(r#"{"alg":"HS256","crit":["exp"]}"#),
            HEADER,
        ),
        (
            "crit of nothing",
            trial.with_header(r#"{"alg":"HS256","crit":null}"#),
            HEADER,
        ),
        (
            "another typ",
            trial.with_header(r#"{"alg":"HS256","typ":"at+jwt"}"#),
            HEADER,
        ),
        ("no signature", format!("{input}."), SIGNATURE),
        (
            "half a signature",
            right[..right.len() - 3].to_owned(),
            SIGNATURE,
        ),
        (
            "another secret",
            signed(HS256, &claims, &other.secret),
            SIGNATURE,
        ),
        ("an empty secret", signed(HS256, &claims, ""), SIGNATURE),
        (
            "the id for a secret",
            signed(HS256, &claims, &trial.client.id),
            SIGNATURE,
        ),
        (
            "HS384 by an HS256",
            trial.with_header(r#"{"alg":"HS384"}"#),
            SIGNATURE,
        ),
        (
            "a key of its own",
            signed(
                r#"{"alg":"HS256","jwk":{"kty":"oct","k":"eA"}}"#,
                &claims,
                "x",
            ),
            SIGNATURE,
        ),
        ("no iss", trial.with_claims(json!({ "iss": null })), iss),
        (
            "another iss",
            trial.with_claims(json!({ "iss": other.id })),
            iss,
        ),
        ("no aud", trial.with_claims(json!({ "aud": null })), aud),
        (
            "another environment",
            trial.with_claims(json!({ "aud": elsewhere })),
            aud,
        ),
        (
            "a slash more",
            trial.with_claims(json!({ "aud": format!("{}/", trial.server.issuer()) })),
            aud,
        ),
        ("aud of none", trial.with_claims(json!({ "aud": [] })), aud),
        ("no sub", trial.with_claims(json!({ "sub": null })), sub),
        ("an empty sub", trial.with_claims(json!({ "sub": "" })), sub),
        (
            "a number as sub",
            trial.with_claims(json!({ "sub": 7 })),
            sub,
        ),
        (
            "expired",
            trial.with_claims(json!({ "iat": now - 400, "exp": now - 60 })),
            "login_hint_token has expired",
        ),
        (
            "expired long ago",
            trial.with_claims(json!({ "iat": null, "exp": i64::MIN })),
            "login_hint_token has expired",
        ),
        (
            "exp as text",
            trial.with_claims(json!({ "exp": "never" })),
            "exp of login_hint_token must be a number",
        ),
        (
            "not yet",
            trial.with_claims(json!({ "nbf": now + 61 })),
            "nbf of login_hint_token is in the future",
        ),
        (
            "of tomorrow",
            trial.with_claims(json!({ "iat": now + 61 })),
            "iat of login_hint_token is in the future",
        ),
        (
            "never valid",
            trial.with_claims(json!({ "nbf": i64::MAX })),
            "nbf of login_hint_token is in the future",
        ),
        ("empty", String::new(), "login_hint_token must not be empty"),
        (
            "nobody",
            trial.with_claims(json!({ "sub": "nobody" })),
            "User not found",
        ),
        (
            "nobody's id",
            trial.with_claims(json!({ "sub": "9e0a1111-2222-4333-8444-555566667777" })),
            "User not found",
        ),
        (
            "an address",
            trial.with_claims(json!({ "sub": "mira.k@example.test" })),
            "User not found",
        ),
        (
            "a phone",
            trial.with_claims(json!({ "sub": PHONE })),
            "User not found",
        ),
        (
            "a device's id",
            trial.with_claims(json!({ "sub": trial.device })),
            "User not found",
        ),
    ];
    for (name, hint, message) in cases {
        trial.refuses(name, &hint, message).await;
    }
    // And the one that they all were made of is right.
    let flow = Flow::of(&trial.asked("pi.flow", Some(&right)).await);
    assert_eq!(flow.status(), "OTP_REQUIRED");
    assert_eq!(trial.sent().await.len(), 1);
}
