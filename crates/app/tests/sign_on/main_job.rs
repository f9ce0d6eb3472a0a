use stepgate_app::sign_on::{self, Begun, FlowFailure, Resumed};
use stepgate_domain::{flow::FlowError, oauth::authorization_response::Answer, time::Duration};

use crate::fixture::{REDIRECT_URI, Under, World, error_of, other_than};

#[tokio::test]
async fn a_hinted_user_gets_a_code_by_sms_and_the_client_gets_one_for_it() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    assert_eq!(flow.status(), "OTP_REQUIRED");
    let sent = world.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to.expose(), "+4740612342");
    let code = sent[0].code.as_ref().unwrap().expose();
    assert!(sent[0].text.expose().contains(code.as_str()));

    let shown = world.check(&flow, code).await.unwrap();
    assert_eq!(shown.flow.status.name(), "COMPLETED");
    assert!(
        shown.authorize_response.is_none(),
        "the code comes from resume"
    );

    let (code, shown) = world.code(&flow).await;
    assert!(code.len() >= 22);
    assert_eq!(shown.flow.session.id, flow.shown.flow.session.id);
    assert!(
        shown.cookie.is_some(),
        "an authenticated session has a new cookie"
    );
    let last = world.stored_user(user).await.last_sign_on.unwrap();
    assert_eq!(last.remote_ip.as_deref(), Some("203.0.113.7"));
}

#[tokio::test]
async fn a_hint_may_name_the_user_by_id() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin(&user.to_string()).await;
    assert_eq!(flow.shown.flow.user.as_ref().unwrap().username, "mira.k");
}

#[tokio::test]
async fn a_username_that_looks_like_an_id_is_found_too() {
    let world = World::new().await;
    let name = "0b9c7f52-2c55-4a1d-9a0f-3e6f0d9b1a77";
    let user = world.user(name).await;
    world.phone(user, "+47.40612342").await;
    assert_eq!(world.begin(name).await.status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn through_the_browser_the_code_travels_in_the_redirect() {
    let world = World::new().await;
    world.mira().await;
    let visitor = world.visitor();
    let hint = world.hint("mira.k");
    let others = [
        ("response_mode", "query"),
        ("redirect_uri", REDIRECT_URI),
        ("state", "xyz"),
        ("login_hint_token", hint.as_str()),
    ];
    let Begun::Page { shown, .. } = world.authorize(&visitor, &others).await.unwrap() else {
        panic!("a page was expected");
    };
    let flow = Under::of(shown, &visitor);
    let Resumed::Page { .. } = world.resume(&flow).await.unwrap() else {
        panic!("it is not finished");
    };
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let Resumed::Answer { answer, cookie, .. } = world.resume(&flow).await.unwrap() else {
        panic!("an answer was expected");
    };
    let Answer::Location(location) = answer else {
        panic!("a redirect was expected");
    };
    assert!(location.starts_with(&format!("{REDIRECT_URI}?code=")));
    assert!(location.contains("&state=xyz&iss="));
    assert!(cookie.is_some());
}

#[tokio::test]
async fn spaces_in_a_code_do_not_matter() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let shown = world.check(&flow, &spaced).await.unwrap();
    assert_eq!(shown.flow.status.name(), "COMPLETED");
}

#[tokio::test]
async fn an_old_code_is_expired_and_a_new_one_is_sent_on_demand() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    let old = world.sent_code().await;
    world.wait(Duration::from_minutes(10));
    let device = world.device_of(user).await;
    world.select(&flow, device).await.unwrap();
    let new = world.sent_code().await;
    if old != new {
        let error = error_of(world.check(&flow, &old).await.unwrap_err());
        assert_eq!(
            error,
            FlowError::InvalidOtp {
                attempts_remaining: 2
            }
        );
    }
    world.check(&flow, &new).await.unwrap();
}

#[tokio::test]
async fn a_flow_that_was_left_alone_is_gone() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.wait(Duration::from_minutes(15));
    assert!(matches!(
        world.check(&flow, &code).await,
        Err(FlowFailure::NotFound)
    ));
    assert!(matches!(
        world.look(&flow).await,
        Err(FlowFailure::NotFound)
    ));
    assert!(matches!(
        world.resume(&flow).await,
        Err(FlowFailure::NotFound)
    ));
}

#[tokio::test]
async fn a_reset_keeps_the_hinted_user_and_counts_as_a_resend() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let first = world.sent_code().await;
    let error = error_of(
        world
            .act(&flow, sign_on::Deed::SessionReset)
            .await
            .unwrap_err(),
    );
    assert!(matches!(error, FlowError::RateLimited { .. }), "{error:?}");
    world.wait(Duration::from_minutes(5));
    let shown = world.act(&flow, sign_on::Deed::SessionReset).await.unwrap();
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
    assert_eq!(shown.flow.user.as_ref().unwrap().username, "mira.k");
    let second = world.sent_code().await;
    if first != second {
        assert!(world.check(&flow, &first).await.is_err());
    }
    world.check(&flow, &second).await.unwrap();
}

#[tokio::test]
async fn a_wrong_code_counts_and_the_right_one_still_opens() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let error = error_of(world.check(&flow, &other_than(&code)).await.unwrap_err());
    assert_eq!(
        error,
        FlowError::InvalidOtp {
            attempts_remaining: 2
        }
    );
    world.check(&flow, &code).await.unwrap();
    // A right code forgives: the next flow has all its attempts.
    world.wait(Duration::from_minutes(5));
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let error = error_of(world.check(&flow, &other_than(&code)).await.unwrap_err());
    assert_eq!(
        error,
        FlowError::InvalidOtp {
            attempts_remaining: 2
        }
    );
}
