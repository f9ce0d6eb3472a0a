use aws_lc_rs::hmac;
use serde_json::{Value, json};
use stepgate_app::management::{Place, Target};
use stepgate_app::{
    client_secrets,
    sign_on::{AuthorizeFailure, Begun},
};
use stepgate_domain::{
    oauth::{
        error::{DetailCode, OAuthErrorCode},
        recipient::AuthorizeError,
    },
    resource::Resource,
    resources::{
        application::{
            Application,
            secret::{PreviousDraft, RotationDraft},
        },
        user::{Lifecycle, LifecycleStatus, User},
    },
    time::Duration,
};

use crate::fixture::{NOW, REDIRECT_URI, World, failure_code, oauth_error, sign, signed_with};

fn seconds(offset: i64) -> i64 {
    NOW.as_millis() / 1000 + offset
}

/// Name, token, and the words of the answer.
fn bad_hints(
    world: &World,
    other_secret: &str,
    other_client: &str,
) -> Vec<(&'static str, String, &'static str)> {
    let header = json!({ "alg": "HS256" });
    let claims = json!({ "iss": world.client.to_string(), "aud": world.issuer(), "sub": "mira.k", "exp": seconds(300) });
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        sign(&header, &changed, &world.secret)
    };
    let without = |name: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        sign(&header, &changed, &world.secret)
    };
    let under = |header: Value| sign(&header, &claims, &world.secret);
    let invalid = "login_hint_token is not a valid JWT";
    let unsupported = "Unsupported login_hint_token header";
    let signature = "login_hint_token signature is invalid";
    let issuer = "iss of login_hint_token must be the client_id";
    let audience = "aud of login_hint_token must be the issuer";
    let subject = "sub of login_hint_token must be a user id or a username";
    let good = sign(&header, &claims, &world.secret);
    let twice = format!("{{\"sub\":\"mira.k\",{}", &claims.to_string()[1..]);
    vec![
        ("no JWS", "hint".to_owned(), invalid),
        ("two parts", "a.b".to_owned(), invalid),
        ("four parts", format!("{good}.x"), invalid),
        (
            "no signature",
            format!("{}.", good.rsplit_once('.').unwrap().0),
            signature,
        ),
        (
            "duplicate keys",
            signed_with(hmac::HMAC_SHA256, &header, &twice, &world.secret),
            invalid,
        ),
        (
            "too large",
            with("padding", json!("x".repeat(9000))),
            invalid,
        ),
        ("alg none", under(json!({ "alg": "none" })), unsupported),
        ("alg RS256", under(json!({ "alg": "RS256" })), unsupported),
        (
            "nested",
            under(json!({ "alg": "HS256", "cty": "JWT" })),
            unsupported,
        ),
        (
            "encrypted",
            under(json!({ "alg": "HS256", "enc": "A256GCM" })),
            unsupported,
        ),
        (
            "crit",
            under(json!({ "alg": "HS256", "crit": ["exp"] })),
            unsupported,
        ),
        (
            "alg of another length",
            under(json!({ "alg": "HS512" })),
            signature,
        ),
        (
            "another application's secret",
            sign(&header, &claims, other_secret),
            signature,
        ),
        (
            "another application's hint",
            sign(
                &header,
                &json!({ "iss": other_client, "aud": world.issuer(), "sub": "mira.k" }),
                &world.secret,
            ),
            issuer,
        ),
        ("no iss", without("iss"), issuer),
        ("no aud", without("aud"), audience),
        (
            "aud of another environment",
            with(
                "aud",
                json!("https://id.example.test/0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01/as"),
            ),
            audience,
        ),
        ("no sub", without("sub"), subject),
        ("empty sub", with("sub", json!("")), subject),
        (
            "expired",
            with("exp", json!(seconds(-61))),
            "login_hint_token has expired",
        ),
        (
            "not yet valid",
            with("nbf", json!(seconds(120))),
            "nbf of login_hint_token is in the future",
        ),
        (
            "issued in the future",
            with("iat", json!(seconds(120))),
            "iat of login_hint_token is in the future",
        ),
        (
            "unknown user",
            with("sub", json!("nobody")),
            "User not found",
        ),
        (
            "an address",
            with("sub", json!("mira@example.test")),
            "User not found",
        ),
        ("empty", String::new(), "login_hint_token must not be empty"),
    ]
}

#[tokio::test]
async fn every_bad_hint_has_its_answer_in_both_modes_and_nothing_is_sent() {
    let world = World::new().await;
    world.mira().await;
    let other = world.application(json!({})).await;
    let before = world.engine.statistics().commits;
    for (name, hint, words) in bad_hints(&world, &other.secret, &other.id.to_string()) {
        let inline = world
            .authorize(&world.visitor(), &[("login_hint_token", &hint)])
            .await;
        let error = oauth_error(inline);
        assert_eq!(error.description, words, "{name}");
        assert_eq!(error.code, OAuthErrorCode::InvalidRequest, "{name}");
        assert_eq!(error.target.as_deref(), Some("login_hint_token"), "{name}");
        assert_eq!(error.detail, DetailCode::InvalidValue, "{name}");
        let others = [
            ("response_mode", "query"),
            ("redirect_uri", REDIRECT_URI),
            ("login_hint_token", &hint),
        ];
        match world.authorize(&world.visitor(), &others).await {
            Err(AuthorizeFailure::Refused {
                error: AuthorizeError::Redirect { error, .. },
                ..
            }) => {
                assert_eq!(error.description, words, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(
        world.engine.statistics().commits,
        before,
        "nothing is written"
    );
    assert!(world.sent().await.is_empty());
}

#[tokio::test]
async fn all_three_algorithms_and_a_hint_without_exp_are_accepted() {
    let world = World::new().await;
    world.mira().await;
    let claims =
        json!({ "iss": world.client.to_string(), "aud": [world.issuer()], "sub": "MIRA.K" });
    for (name, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        let header = json!({ "alg": name, "typ": "JWT", "kid": "ignored" });
        let hint = signed_with(algorithm, &header, &claims.to_string(), &world.secret);
        let flow = world
            .begin_with(&world.visitor(), &[("login_hint_token", &hint)])
            .await;
        assert_eq!(flow.status(), "OTP_REQUIRED", "{name}");
        world.wait(Duration::from_seconds(61));
    }
}

#[tokio::test]
async fn a_rotated_secret_verifies_until_it_expires() {
    let world = World::new().await;
    world.mira().await;
    rotate(&world, Duration::from_minutes(2)).await;
    assert_eq!(world.begin("mira.k").await.status(), "OTP_REQUIRED");
    world.wait(Duration::from_minutes(2));
    let hint = world.hint("mira.k");
    let error = oauth_error(
        world
            .authorize(&world.visitor(), &[("login_hint_token", &hint)])
            .await,
    );
    assert_eq!(error.description, "login_hint_token signature is invalid");
}

/// The world's hints are signed with what is the previous secret from now on.
async fn rotate(world: &World, grace: Duration) {
    let caller = world.caller();
    let place = Place::environment(world.environment.uuid());
    let target = Target::new(&world.app, &caller, place, world.client);
    let draft = RotationDraft {
        previous: Some(PreviousDraft {
            expires_at: NOW + grace,
        }),
    };
    client_secrets::rotate::<Application>(&target, draft)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_hint_under_the_previous_secret_notes_when_that_was_used() {
    let world = World::new().await;
    world.mira().await;
    rotate(&world, Duration::from_hours(1)).await;
    let last_used = async || {
        let environment = world.environment.uuid();
        let secrets =
            client_secrets::open(&world.app, Application::KIND, environment, world.client).await;
        secrets.unwrap().unwrap().previous.unwrap().last_used
    };
    let noted_at = async |time| {
        let noted = async {
            while last_used().await != Some(time) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), noted)
            .await
            .unwrap();
    };
    let unknown = world.hint("nobody");
    let refused = [("login_hint_token", unknown.as_str())];
    oauth_error(world.authorize(&world.visitor(), &refused).await);
    // Had that been noted, the next use would not be.
    let first = NOW + Duration::from_seconds(1);
    world.wait(Duration::from_seconds(1));
    world.begin("mira.k").await;
    noted_at(first).await;
    world.wait(Duration::from_minutes(1));
    world.begin("mira.k").await;
    noted_at(first + Duration::from_minutes(1)).await;
}

type Change = fn(User) -> User;

#[tokio::test]
async fn a_user_who_may_not_sign_on_gets_a_failed_flow_and_no_message() {
    let world = World::new().await;
    let user = world.mira().await;
    let cases: [(&str, Change); 3] = [
        ("disabled", |user| user.enable(false)),
        ("locked", |user| user.enable(true).lock_account(None, NOW)),
        ("unverified", |user| User {
            lifecycle: Lifecycle {
                status: LifecycleStatus::VerificationRequired,
            },
            ..user.unlock_account()
        }),
    ];
    for (name, change) in cases {
        world.change_user(user, change).await;
        let flow = world.begin("mira.k").await;
        assert_eq!(failure_code(&flow.shown), "ACCOUNT_NOT_USABLE", "{name}");
        let hint = world.hint("mira.k");
        let others = [
            ("response_mode", "query"),
            ("redirect_uri", REDIRECT_URI),
            ("login_hint_token", &hint),
        ];
        match world.authorize(&world.visitor(), &others).await.unwrap() {
            Begun::Answer {
                answer: stepgate_domain::oauth::authorization_response::Answer::Location(location),
                ..
            } => {
                assert!(location.contains("error=access_denied"), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(world.sent().await.is_empty());
}

#[tokio::test]
async fn a_worker_may_not_hint_and_a_disabled_application_is_unknown() {
    let world = World::new().await;
    world.mira().await;
    let worker = world
        .application(json!({ "type": "WORKER", "grantTypes": ["CLIENT_CREDENTIALS"], "responseTypes": [], "redirectUris": [] }))
        .await;
    let claims = json!({ "iss": worker.id.to_string(), "aud": world.issuer(), "sub": "mira.k" });
    let hint = sign(&json!({ "alg": "HS256" }), &claims, &worker.secret);
    let id = worker.id.to_string();
    let error = oauth_error(
        world
            .authorize(
                &world.visitor(),
                &[("client_id", &id), ("login_hint_token", &hint)],
            )
            .await,
    );
    assert_eq!(error.code, OAuthErrorCode::UnauthorizedClient);
    let disabled = world
        .application(json!({ "enabled": false }))
        .await
        .id
        .to_string();
    let error = oauth_error(
        world
            .authorize(&world.visitor(), &[("client_id", &disabled)])
            .await,
    );
    assert_eq!(error.target.as_deref(), Some("client_id"));
    assert!(world.sent().await.is_empty());
}
