use serde_json::json;
use stepgate_app::sign_on::Begun;
use stepgate_domain::{
    authenticator::sending::Denied,
    flow::FlowError,
    message::Channel,
    oauth::error::{DetailCode, OAuthErrorCode},
    time::Duration,
};
use stepgate_store::outbox;

use crate::fixture::{REDIRECT_URI, Under, World, by_sms, error_of, failure_code, oauth_error};

#[tokio::test]
async fn an_address_is_sent_one_message_in_ten_seconds() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    world.sent_code().await;
    let device = world.device_of(user).await;
    let error = error_of(world.select(&flow, device).await.unwrap_err());
    assert!(matches!(error, FlowError::RateLimited { .. }), "{error:?}");

    // A second flow at once: it may begin, and nothing is sent.
    let second = world.begin("mira.k").await;
    assert_eq!(second.status(), "DEVICE_SELECTION_REQUIRED");
    assert!(world.sent().await.is_empty());
    let error = error_of(world.select(&second, device).await.unwrap_err());
    let FlowError::RateLimited { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    world.wait(retry_after);
    let shown = world.select(&second, device).await.unwrap();
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
    assert_eq!(world.sent().await.len(), 1);
}

#[tokio::test]
async fn an_address_is_sent_ten_messages_in_an_hour_whosever_it_is() {
    let world = World::new().await;
    let mut users = Vec::new();
    for index in 0..11 {
        let name = format!("user{index}");
        let user = world.user(&name).await;
        world.phone(user, "+47.40612342").await;
        users.push(name);
    }
    for name in &users[..10] {
        assert_eq!(world.begin(name).await.status(), "OTP_REQUIRED", "{name}");
        world.wait(Duration::from_seconds(61));
    }
    let flow = world.begin(&users[10]).await;
    assert_eq!(flow.status(), "DEVICE_SELECTION_REQUIRED");
    assert_eq!(world.sent().await.len(), 10);
}

#[tokio::test]
async fn without_a_sender_nothing_begins() {
    let world = World::with(&[Channel::Email]).await;
    world.mira().await;
    let hint = world.hint("mira.k");
    let commits = world.engine.statistics().commits;
    let visitor = world.visitor();
    let inline = world
        .authorize(&visitor, &[("login_hint_token", &hint)])
        .await;
    let error = oauth_error(inline);
    assert_eq!(error.detail, DetailCode::SendFailed);
    let others = [
        ("response_mode", "query"),
        ("redirect_uri", REDIRECT_URI),
        ("login_hint_token", hint.as_str()),
    ];
    let error = oauth_error(world.authorize(&visitor, &others).await);
    assert_eq!(error.code, OAuthErrorCode::TemporarilyUnavailable);
    assert_eq!(world.engine.statistics().commits, commits);
}

async fn undeliverable(world: &World, flow: &Under) {
    let now = world.app.now();
    let until = now + Duration::from_minutes(1);
    let rows = outbox::claim(&*world.engine, "lease", now, until, 10)
        .await
        .unwrap();
    // The notice of the new device is nobody's flow.
    let rows: Vec<_> = rows.iter().filter(|row| row.flow.is_some()).collect();
    assert_eq!(rows.len(), 1);
    let dead = outbox::dead(&rows[0].id, "lease", "no such number");
    stepgate_app::sign_on::delivery_failed(
        &world.app,
        world.environment.uuid(),
        flow.id,
        &rows[0].id,
        dead,
    )
    .await
    .unwrap();
    let status = outbox::status(&*world.engine, &rows[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(status.state, outbox::OutboxState::Dead);
}

#[tokio::test]
async fn a_message_that_cannot_be_delivered_ends_the_flow_of_an_only_device() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    undeliverable(&world, &flow).await;
    let shown = world.look(&flow).await.unwrap();
    assert_eq!(failure_code(&shown), "NO_USABLE_DEVICES");
}

#[tokio::test]
async fn a_message_that_cannot_be_delivered_leaves_the_choice_of_another_device() {
    let world = World::new().await;
    let user = world.mira().await;
    world.phone(user, "+47.40612399").await;
    let flow = world.begin("mira.k").await;
    undeliverable(&world, &flow).await;
    let shown = world.look(&flow).await.unwrap();
    assert_eq!(shown.flow.status.name(), "DEVICE_SELECTION_REQUIRED");
    let not_sent = shown.flow.status.not_sent(world.app.now()).unwrap();
    assert_eq!(not_sent.denied, Denied::Undeliverable);
}

#[tokio::test]
async fn a_message_of_a_flow_that_is_gone_is_just_dead() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    world.wait(Duration::from_minutes(20));
    undeliverable(&world, &flow).await;
}

#[tokio::test]
async fn a_lost_lease_changes_nothing() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let message = world.sent().await[0].id.clone();
    let dead = outbox::dead(&message, "somebody else's", "no such number");
    stepgate_app::sign_on::delivery_failed(
        &world.app,
        world.environment.uuid(),
        flow.id,
        &message,
        dead,
    )
    .await
    .unwrap();
    let shown = world.look(&flow).await.unwrap();
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
}

#[tokio::test]
async fn only_devices_that_the_policy_lets_through_are_used() {
    let world = World::new().await;
    let user = world.user("mira.k").await;
    world
        .device(
            user,
            json!({ "type": "EMAIL", "email": "mira@example.test" }),
        )
        .await;
    let flow = world.begin("mira.k").await;
    assert_eq!(failure_code(&flow.shown), "NO_USABLE_DEVICES");
    assert!(world.sent().await.is_empty());
}

#[tokio::test]
async fn by_bypass_a_hinted_user_without_a_device_goes_on_at_once() {
    let world = World::new().await;
    let client = world.application(json!({})).await;
    let action = by_sms(&json!({ "noDevicesMode": "BYPASS" }));
    world.policy(client.id, 1, "Lenient", vec![action]).await;
    let world = world.of(client);
    let user = world.user("mira.k").await;
    let flow = world.begin("mira.k").await;
    assert_eq!(flow.status(), "COMPLETED");
    assert!(flow.shown.authorize_response.as_ref().unwrap()["code"].is_string());
    assert!(flow.shown.flow.amr().is_empty());
    // What nobody proved vouches for nobody.
    let silent = [("prompt", "none")];
    let error = oauth_error(world.authorize(&flow.visitor, &silent).await);
    assert_eq!(error.code, OAuthErrorCode::LoginRequired);
    // A blocked device is a device.
    let device = world.phone(user, "+47.40612342").await;
    world
        .change_device(user, device, async |target| {
            stepgate_app::devices::block(target).await.unwrap();
        })
        .await;
    assert_eq!(
        failure_code(&world.begin("mira.k").await.shown),
        "NO_USABLE_DEVICES"
    );
}

#[tokio::test]
async fn a_user_with_an_active_bypass_is_not_asked() {
    let world = World::new().await;
    let user = world.mira().await;
    let until = world.app.now() + Duration::from_hours(1);
    world
        .change_user(user, |user| {
            user.bypass_mfa(until, until - Duration::from_hours(1))
        })
        .await;
    assert_eq!(world.begin("mira.k").await.status(), "COMPLETED");
    assert!(world.sent().await.is_empty());
    world.wait(Duration::from_hours(1));
    assert_eq!(world.begin("mira.k").await.status(), "OTP_REQUIRED");
}

#[tokio::test]
async fn a_user_whose_mfa_is_off_cannot_sign_on_by_it() {
    let world = World::new().await;
    let user = world.mira().await;
    world.change_user(user, |user| user.enable_mfa(false)).await;
    let flow = world.begin("mira.k").await;
    assert_eq!(failure_code(&flow.shown), "MFA_DISABLED");
}

#[tokio::test]
async fn the_devices_are_in_the_users_own_order() {
    let world = World::new().await;
    let user = world.mira().await;
    let second = world.phone(user, "+47.40612399").await;
    let first = world.device_of(user).await;
    let order = vec![second, first]
        .into_iter()
        .map(stepgate_domain::id::Id::from_uuid)
        .collect::<Vec<_>>();
    world
        .change_user(user, |user| user.with_device_order(Some(order.clone())))
        .await;
    world.begin("mira.k").await;
    assert_eq!(world.sent().await[0].to.expose(), "+4740612399");
}

#[tokio::test]
async fn a_policy_that_fails_gives_way_to_the_next_one() {
    let world = World::new().await;
    let user = world.user("mira.k").await;
    world
        .device(
            user,
            json!({ "type": "EMAIL", "email": "mira@example.test" }),
        )
        .await;
    let by_mail = by_sms(&json!({ "sms": { "enabled": false }, "email": { "enabled": true } }));
    world.policy(world.client, 2, "Mail", vec![by_mail]).await;
    let flow = world.begin("mira.k").await;
    assert_eq!(flow.status(), "OTP_REQUIRED");
    assert_eq!(flow.shown.flow.acr(), Some("Mail"));
    // Asked for by name, it does not.
    let hint = world.hint("mira.k");
    let others = [("acr_values", "Unknown Mfa"), ("login_hint_token", &hint)];
    let flow = world.begin_with(&world.visitor(), &others).await;
    assert_eq!(failure_code(&flow.shown), "NO_USABLE_DEVICES");
    let others = [("acr_values", "Unknown"), ("login_hint_token", &hint)];
    let error = oauth_error(world.authorize(&world.visitor(), &others).await);
    assert_eq!(error.target.as_deref(), Some("acr_values"));
}

#[tokio::test]
async fn an_application_without_a_policy_uses_the_default_one() {
    let world = World::new().await;
    let client = world.application(json!({})).await;
    let visitor = world.visitor();
    let id = client.id.to_string();
    let Begun::Flow(shown) = world
        .authorize(&visitor, &[("client_id", &id)])
        .await
        .unwrap()
    else {
        panic!("a flow was expected");
    };
    assert_eq!(shown.flow.status.name(), "USERNAME_PASSWORD_REQUIRED");
}
