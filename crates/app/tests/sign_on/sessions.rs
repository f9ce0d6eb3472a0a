use serde_json::json;
use stepgate_app::sign_on::{Begun, FlowFailure, Visitor};
use stepgate_domain::{
    oauth::{authorization_response::Answer, error::OAuthErrorCode},
    secret::Secret,
    time::Duration,
};

use crate::fixture::{REDIRECT_URI, Under, World, by_sms, oauth_error, with_cookie};

/// MFA only when the last one is more than an hour ago.
async fn with_sso() -> World {
    let world = World::new().await;
    let client = world.application(json!({})).await;
    let condition = json!({ "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}", "greater": 3600 });
    let action = by_sms(&json!({ "condition": condition }));
    world.policy(client.id, 1, "Hourly", vec![action]).await;
    world.of(client)
}

#[tokio::test]
async fn a_session_that_is_young_enough_signs_on_silently() {
    let world = with_sso().await;
    world.mira().await;
    let cookie = world.sign_on("mira.k").await;
    let browser = with_cookie(world.visitor(), &cookie);
    let flow = world.begin_with(&browser, &[("prompt", "none")]).await;
    assert_eq!(flow.status(), "COMPLETED");
    let response = flow.shown.authorize_response.as_ref().unwrap();
    assert!(response["code"].is_string());
    assert_eq!(flow.shown.flow.amr(), ["otp", "sms"], "as in the session");
    assert!(flow.shown.flow.authenticated_at().is_some());
    // The cookie stays: nothing was proved.
    assert_eq!(
        flow.visitor.session_tokens[0].expose(),
        cookie.token.expose()
    );

    let others = [
        ("response_mode", "query"),
        ("redirect_uri", REDIRECT_URI),
        ("prompt", "none"),
    ];
    let Begun::Answer {
        answer: Answer::Location(location),
        ..
    } = world.authorize(&browser, &others).await.unwrap()
    else {
        panic!("a redirect was expected");
    };
    assert!(location.contains("?code="));
}

#[tokio::test]
async fn a_session_that_is_too_old_is_asked_again_or_told_so_silently() {
    let world = with_sso().await;
    world.mira().await;
    let cookie = world.sign_on("mira.k").await;
    let browser = with_cookie(world.visitor(), &cookie);
    world.wait(Duration::from_hours(2));
    let error = oauth_error(world.authorize(&browser, &[("prompt", "none")]).await);
    assert_eq!(error.code, OAuthErrorCode::LoginRequired);
    assert!(world.sent().await.is_empty());
    let flow = world.begin_with(&browser, &[]).await;
    assert_eq!(flow.status(), "OTP_REQUIRED");
    let session = flow.shown.flow.session.id.clone();
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let (_, shown) = world.code(&flow).await;
    assert_eq!(shown.flow.session.id, session, "raised, not replaced");
    assert_ne!(
        shown.cookie.unwrap().token.expose(),
        cookie.token.expose(),
        "raised with a new cookie"
    );
}

#[tokio::test]
async fn without_a_session_silence_means_login_required() {
    let world = World::new().await;
    world.mira().await;
    let hint = world.hint("mira.k");
    let hinted = [("prompt", "none"), ("login_hint_token", hint.as_str())];
    for others in [&hinted[..1], &hinted[..]] {
        let error = oauth_error(world.authorize(&world.visitor(), others).await);
        assert_eq!(error.code, OAuthErrorCode::LoginRequired);
    }
    assert!(world.sent().await.is_empty());
}

#[tokio::test]
async fn the_cookie_from_before_the_sign_on_signs_nobody_on() {
    let world = with_sso().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    world.code(&flow).await;
    let error = oauth_error(world.authorize(&flow.visitor, &[("prompt", "none")]).await);
    assert_eq!(error.code, OAuthErrorCode::LoginRequired);
}

#[tokio::test]
async fn another_users_session_is_not_the_hinted_users() {
    let world = with_sso().await;
    world.mira().await;
    let noor = world.user("noor").await;
    world.phone(noor, "+47.40612399").await;
    let cookie = world.sign_on("mira.k").await;
    let browser = with_cookie(world.visitor(), &cookie);
    let hint = world.hint("noor");
    let flow = world
        .begin_with(&browser, &[("login_hint_token", &hint)])
        .await;
    assert_eq!(flow.status(), "OTP_REQUIRED");
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let (_, shown) = world.code(&flow).await;
    let own = with_cookie(world.visitor(), &shown.cookie.unwrap());
    let flow = world.begin_with(&own, &[("prompt", "none")]).await;
    assert_eq!(flow.shown.flow.user.as_ref().unwrap().username, "noor");
}

#[tokio::test]
async fn two_flows_of_one_browser_share_its_cookie_and_its_session() {
    let world = World::new().await;
    world.mira().await;
    let first = world.begin("mira.k").await;
    let first_code = world.sent_code().await;
    world.wait(Duration::from_seconds(61));
    let hint = world.hint("mira.k");
    let second = world
        .begin_with(&first.visitor, &[("login_hint_token", &hint)])
        .await;
    let second_code = world.sent_code().await;
    assert_eq!(
        first.visitor.session_tokens[0].expose(),
        second.visitor.session_tokens[0].expose()
    );
    world.check(&first, &first_code).await.unwrap();
    world.code(&first).await;
    // The second flow is still bound to the cookie that it was begun with.
    world.check(&second, &second_code).await.unwrap();
    world.code(&second).await;
}

#[tokio::test]
async fn a_flow_about_somebody_needs_the_cookie_it_was_begun_with() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let other = world.begin("mira.k").await;
    let made_up = Secret::new("x".repeat(46));
    for session_tokens in [Vec::new(), other.visitor.session_tokens, vec![made_up]] {
        let stranger = Under {
            visitor: Visitor {
                session_tokens,
                ..world.visitor()
            },
            ..flow.clone()
        };
        assert!(matches!(
            world.check(&stranger, &code).await,
            Err(FlowFailure::NoSession)
        ));
        assert!(matches!(
            world.look(&stranger).await,
            Err(FlowFailure::NoSession)
        ));
        assert!(matches!(
            world.resume(&stranger).await,
            Err(FlowFailure::NoSession)
        ));
    }
    // Beside others, the right one will do.
    let mut both = flow.clone();
    both.visitor
        .session_tokens
        .insert(0, Secret::new("x".repeat(46)));
    world.check(&both, &code).await.unwrap();
}

#[tokio::test]
async fn a_cookie_that_somebody_made_up_is_replaced() {
    let world = World::new().await;
    world.mira().await;
    let browser = Visitor {
        session_tokens: vec![Secret::new("a".repeat(46))],
        ..world.visitor()
    };
    let hint = world.hint("mira.k");
    let flow = world
        .begin_with(&browser, &[("login_hint_token", &hint)])
        .await;
    assert_ne!(flow.visitor.session_tokens[0].expose(), &"a".repeat(46));
}
