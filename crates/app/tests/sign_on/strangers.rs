use stepgate_app::sign_on::{Deed, FlowFailure};
use stepgate_domain::{flow::FlowError, time::Duration};

use crate::fixture::{Under, World, error_of};

async fn looked_up(world: &World, username: &str) -> Under {
    let mut flow = world.begin_with(&world.visitor(), &[]).await;
    assert_eq!(flow.status(), "SIGN_ON_REQUIRED");
    let username = username.to_owned();
    flow.shown = world
        .act(&flow, Deed::UserLookup { username })
        .await
        .unwrap();
    flow
}

/// What a client is shown, without ids and times.
fn outline(flow: &Under) -> serde_json::Value {
    let flow = &flow.shown.flow;
    let view = stepgate_domain::flow::view::view(flow, "", flow.created_at);
    let view = serde_json::to_value(view).unwrap();
    let mut names: Vec<_> = view.as_object().unwrap().keys().cloned().collect();
    names.sort();
    let device = &view["_embedded"]["devices"][0];
    let members: Vec<_> = device.as_object().unwrap().keys().cloned().collect();
    serde_json::json!({ "status": view["status"], "names": names, "device": members, "kind": device["type"] })
}

#[tokio::test]
async fn a_name_that_nobody_has_looks_like_any_other() {
    let world = World::new().await;
    world.mira().await;
    let real = looked_up(&world, "mira.k").await;
    assert_eq!(world.sent().await.len(), 1);
    let decoy = looked_up(&world, "nobody").await;
    assert!(world.sent().await.is_empty());
    assert_eq!(outline(&real), outline(&decoy));

    for attempts_remaining in [2, 1] {
        for flow in [&real, &decoy] {
            let error = error_of(world.check(flow, "not a code").await.unwrap_err());
            assert_eq!(error, FlowError::InvalidOtp { attempts_remaining });
        }
    }
    for flow in [&real, &decoy] {
        let error = error_of(world.check(flow, "not a code").await.unwrap_err());
        assert!(matches!(error, FlowError::LimitExceeded { .. }));
    }
}

#[tokio::test]
async fn a_decoy_is_the_same_each_time_and_its_limits_are_too() {
    let world = World::new().await;
    let first = looked_up(&world, "nobody").await;
    let second = looked_up(&world, "NOBODY").await;
    // The floor holds for the imagined address as well.
    assert_eq!(second.status(), "DEVICE_SELECTION_REQUIRED");
    world.wait(Duration::from_seconds(61));
    let third = looked_up(&world, "nobody").await;
    assert_eq!(
        first.shown.flow.user.as_ref().unwrap().id,
        third.shown.flow.user.as_ref().unwrap().id
    );
    assert_eq!(outline(&first), outline(&third));
}

#[tokio::test]
async fn a_looked_up_user_signs_on_by_the_code() {
    let world = World::new().await;
    world.mira().await;
    let flow = looked_up(&world, "mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    world.code(&flow).await;
}

#[tokio::test]
async fn what_is_not_offered_is_refused_and_an_empty_name_is_told() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin_with(&world.visitor(), &[]).await;
    let error = error_of(world.check(&flow, "123456").await.unwrap_err());
    assert!(matches!(
        error,
        FlowError::InvalidAction {
            status: "SIGN_ON_REQUIRED",
            ..
        }
    ));
    let username = "  ".to_owned();
    assert!(matches!(
        world.act(&flow, Deed::UserLookup { username }).await,
        Err(FlowFailure::Invalid { .. })
    ));
    let failure = stepgate_app::sign_on::refuse_unoffered(
        &world.app,
        world.environment,
        flow.id,
        &flow.visitor,
        "assertion.check",
    );
    assert!(matches!(
        error_of(failure.await),
        FlowError::InvalidAction { action: None, .. }
    ));
}
