use std::sync::Arc;

use serde_json::json;
use stepgate_app::{
    management::{Place, Target},
    sign_on::{Deed, FlowFailure},
    users,
};
use stepgate_domain::{flow::FlowError, password::SetDraft, schema, secret::Secret};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::fixture::{Under, World, by_sms, error_of};

const PASSWORD: &str = "Fjord-Lantern-71-Quartz";

/// A password first, then a code.
async fn with_login() -> World {
    let world = World::new().await;
    let client = world.application(json!({})).await;
    let actions = vec![
        json!({ "type": "LOGIN", "recovery": { "enabled": false } }),
        by_sms(&json!({})),
    ];
    world.policy(client.id, 1, "Both", actions).await;
    world.of(client)
}

async fn mira(world: &World) -> Uuid {
    let user = world.mira().await;
    let caller = world.caller();
    let place = Place::environment(world.environment.uuid());
    let target = Target::new(&world.app, &caller, place, user);
    let draft: SetDraft = schema::decode(json!({ "value": PASSWORD })).unwrap();
    let wanted = draft.wanted().unwrap();
    users::password::set(&target, Some(&wanted), users::password::Occasion::Set)
        .await
        .unwrap();
    user
}

fn typed(username: Option<&str>, password: &str) -> Deed {
    Deed::UsernamePasswordCheck {
        username: username.map(str::to_owned),
        password: Secret::new(password.to_owned()),
    }
}

#[tokio::test]
async fn a_password_and_a_code_are_two_factors() {
    let world = with_login().await;
    mira(&world).await;
    let flow = world.begin_with(&world.visitor(), &[]).await;
    assert_eq!(flow.status(), "USERNAME_PASSWORD_REQUIRED");
    let shown = world
        .act(&flow, typed(Some("Mira.K"), PASSWORD))
        .await
        .unwrap();
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let (_, shown) = world.code(&flow).await;
    assert_eq!(shown.flow.amr(), ["pwd", "otp", "sms", "mfa"]);
}

#[tokio::test]
async fn a_hint_does_not_stand_in_for_the_password() {
    let world = with_login().await;
    mira(&world).await;
    let flow = world.begin("mira.k").await;
    assert_eq!(flow.status(), "PASSWORD_REQUIRED");
    assert!(world.sent().await.is_empty());
    let shown = world.act(&flow, typed(None, PASSWORD)).await.unwrap();
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_name_are_told_alike() {
    let world = with_login().await;
    mira(&world).await;
    let flow = world.begin_with(&world.visitor(), &[]).await;
    for (username, password) in [("mira.k", "wrong"), ("nobody", PASSWORD)] {
        let error = error_of(
            world
                .act(&flow, typed(Some(username), password))
                .await
                .unwrap_err(),
        );
        assert_eq!(error, FlowError::InvalidCredentials);
    }
    assert!(matches!(
        world.act(&flow, typed(None, PASSWORD)).await,
        Err(FlowFailure::Invalid { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_at_once_lock_it_as_the_policy_says() {
    let world = Arc::new(with_login().await);
    let user = mira(&world).await;
    let mut flows: Vec<Under> = Vec::new();
    for _ in 0..8 {
        flows.push(world.begin_with(&world.visitor(), &[]).await);
    }
    let hinted = world.begin("mira.k").await;
    let mut guessing = JoinSet::new();
    for (index, flow) in flows.iter().enumerate() {
        let (world, flow) = (world.clone(), flow.clone());
        guessing.spawn(async move {
            let guess = format!("wrong {index}");
            error_of(
                world
                    .act(&flow, typed(Some("mira.k"), &guess))
                    .await
                    .unwrap_err(),
            )
        });
    }
    // That it is locked is not told to whoever types a name.
    let outcomes = guessing.join_all().await;
    let wrong = FlowError::InvalidCredentials;
    assert_eq!(outcomes, [wrong; 8]);
    let locked = world.stored_user(user).await.credentials.locks.password;
    assert!(locked.is_some());
    let right = world.act(&flows[0], typed(Some("mira.k"), PASSWORD));
    assert_eq!(error_of(right.await.unwrap_err()), wrong);
    let right = world.act(&hinted, typed(None, PASSWORD)).await;
    let error = error_of(right.unwrap_err());
    assert!(matches!(error, FlowError::PasswordLockedOut { .. }));
}
