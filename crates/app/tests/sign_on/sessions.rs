use serde_json::json;
use stepgate_app::sign_on::{Begun, Deed, FlowFailure, Visitor};
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
    let (_, first) = world.code(&first).await;
    // The second flow is still bound to the cookie that it was begun with; the one that has replaced
    // it will do as well.
    world.check(&second, &second_code).await.unwrap();
    let later = Under {
        visitor: with_cookie(world.visitor(), &first.cookie.unwrap()),
        ..second
    };
    let (_, second) = world.code(&later).await;
    assert_eq!(first.flow.session.id, second.flow.session.id);
}

#[tokio::test]
async fn a_flow_needs_the_cookie_it_was_begun_with_whether_anybody_is_known_or_not() {
    let world = World::new().await;
    world.mira().await;
    let hint = world.hint("mira.k");
    for (parameters, username) in [
        (vec![], "mira.k"),
        (vec![("login_hint_token", hint.as_str())], ""),
    ] {
        let flow = world.begin_with(&world.visitor(), &parameters).await;
        let other = world.begin_with(&world.visitor(), &[]).await;
        let made_up = Secret::new("x".repeat(56));
        for session_tokens in [Vec::new(), other.visitor.session_tokens, vec![made_up]] {
            let stranger = Under {
                visitor: Visitor {
                    session_tokens,
                    ..world.visitor()
                },
                ..flow.clone()
            };
            let username = username.to_owned();
            let refused = [
                world.look(&stranger).await.err(),
                world.act(&stranger, Deed::SessionReset).await.err(),
                world
                    .act(&stranger, Deed::UserLookup { username })
                    .await
                    .err(),
                world.check(&stranger, "123456").await.err(),
                world.resume(&stranger).await.err(),
            ];
            for failure in refused {
                assert!(
                    matches!(failure, Some(FlowFailure::NoSession)),
                    "{failure:?}"
                );
            }
        }
        // Beside others, the right one will do.
        let mut both = flow.clone();
        let made_up = Secret::new("x".repeat(56));
        both.visitor.session_tokens.insert(0, made_up);
        world.look(&both).await.unwrap();
    }
}

#[tokio::test]
async fn a_cookie_reaches_what_was_begun_with_those_it_replaced_and_never_the_other_way_round() {
    let world = World::new().await;
    world.mira().await;
    let first = world.begin_with(&world.visitor(), &[]).await;
    let mut under_way = vec![first];
    for _ in 0..4 {
        world.wait(Duration::from_minutes(10));
        for flow in &under_way {
            world.look(flow).await.unwrap();
        }
        let browser = under_way.last().unwrap().visitor.clone();
        let hint = world.hint("mira.k");
        let flow = world
            .begin_with(&browser, &[("login_hint_token", &hint)])
            .await;
        let code = world.sent_code().await;
        world.check(&flow, &code).await.unwrap();
        let cookie = world.code(&flow).await.1.cookie.unwrap();
        let later = with_cookie(world.visitor(), &cookie);
        for flow in &under_way {
            let by_later = Under {
                visitor: later.clone(),
                ..flow.clone()
            };
            world.look(&by_later).await.unwrap();
        }
        let begun = world.begin_with(&later, &[("prompt", "login")]).await;
        for earlier in &under_way {
            let by_earlier = Under {
                visitor: earlier.visitor.clone(),
                ..begun.clone()
            };
            let refused = world.look(&by_earlier).await;
            assert!(matches!(refused, Err(FlowFailure::NoSession)));
        }
        under_way.push(begun);
    }
}

#[tokio::test]
async fn a_cookie_does_not_grow_with_every_sign_on() {
    let world = World::new().await;
    world.mira().await;
    let mut browser = world.visitor();
    let mut lengths = Vec::new();
    for _ in 0..12 {
        world.wait(Duration::from_minutes(7));
        let hint = world.hint("mira.k");
        let hinted = [("login_hint_token", hint.as_str())];
        let flow = world.begin_with(&browser, &hinted).await;
        let code = world.sent_code().await;
        world.check(&flow, &code).await.unwrap();
        let cookie = world.code(&flow).await.1.cookie.unwrap();
        lengths.push(cookie.token.expose().len());
        browser = with_cookie(browser, &cookie);
    }
    assert!(lengths.iter().all(|&length| length < 256), "{lengths:?}");
    world.wait(Duration::from_hours(2));
    let cookie = with_cookie(world.visitor(), &{
        let hint = world.hint("mira.k");
        let flow = world
            .begin_with(&browser, &[("login_hint_token", &hint)])
            .await;
        let code = world.sent_code().await;
        world.check(&flow, &code).await.unwrap();
        world.code(&flow).await.1.cookie.unwrap()
    });
    // Whatever was begun with the others is over.
    let length = cookie.session_tokens[0].expose().len();
    assert_eq!(length, lengths[0], "{lengths:?}");
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
