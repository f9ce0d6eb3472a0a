use serde_json::json;
use stepgate_app::{
    management::{Place, Target},
    settings,
    sign_on::{Deed, FlowFailure},
    users,
};
use stepgate_domain::{flow::FlowError, resources::mfa_settings::MfaSettings, time::Duration};
use stepgate_store::engine::Engine;

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

async fn set_lockout(world: &World, lockout: serde_json::Value) {
    let pairing = json!({ "maxAllowedDevices": 5, "pairingKeyFormat": "NUMERIC" });
    let body = json!({ "pairing": pairing, "lockout": lockout });
    let environment = world.environment.uuid();
    settings::replace::<MfaSettings>(&world.app, &world.caller(), environment, None, body)
        .await
        .unwrap();
}

/// What a client is shown, without what is of the flow or the name alone.
fn outline(flow: &Under) -> serde_json::Value {
    let flow = &flow.shown.flow;
    let view = stepgate_domain::flow::view::view(flow, "", flow.created_at);
    let mut view = serde_json::to_value(view).unwrap();
    for own in [
        "/id",
        "/_links",
        "/session",
        "/resumeUrl",
        "/createdAt",
        "/expiresAt",
        "/selectedDevice/id",
        "/_embedded/user/id",
        "/_embedded/user/username",
        "/_embedded/devices/0/id",
    ] {
        if let Some(own) = view.pointer_mut(own) {
            own.take();
        }
    }
    view
}

/// How many rows each of these tables has.
async fn rows(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["flow", "counter", "outbox", "audit_event"] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let rows = world.engine.query(sql.into(), Vec::new()).await.unwrap();
        counts.push(rows[0].integer(0).unwrap());
    }
    counts
}

#[tokio::test]
async fn a_name_that_nobody_has_looks_like_any_other_and_leaves_as_many_rows() {
    let world = World::new().await;
    world.mira().await;
    let mut seen = Vec::new();
    for name in ["mira.k", "nobody"] {
        let before = rows(&world).await;
        let flow = looked_up(&world, name).await;
        let outline = outline(&flow);
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(error_of(
                world.check(&flow, "not a code").await.unwrap_err(),
            ));
        }
        let after = rows(&world).await;
        let grown: Vec<_> = before
            .iter()
            .zip(after)
            .map(|(before, after)| after - before)
            .collect();
        seen.push((outline, answers, grown));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].2[2], 1, "one message is queued");
    assert_eq!(
        world.sent().await.len(),
        1,
        "and goes out if there is somebody"
    );
}

#[tokio::test]
async fn two_flows_of_one_name_share_its_limits_and_no_id() {
    let world = World::new().await;
    let first = looked_up(&world, "nobody").await;
    let second = looked_up(&world, "NOBODY").await;
    assert_eq!(second.status(), "DEVICE_SELECTION_REQUIRED");
    world.wait(Duration::from_seconds(61));
    let third = looked_up(&world, "nobody").await;
    let id = |flow: &Under| flow.shown.flow.user.as_ref().unwrap().id;
    assert_ne!(id(&first), id(&third));
    assert_eq!(outline(&first), outline(&third));
}

#[tokio::test]
async fn an_administrator_opens_a_name_that_strangers_have_closed() {
    let world = World::new().await;
    let user = world.mira().await;
    let lockout = json!({ "failureCount": 2 });
    set_lockout(&world, lockout).await;
    let flow = looked_up(&world, "mira.k").await;
    for _ in 0..2 {
        world.check(&flow, "not a code").await.unwrap_err();
    }
    world.wait(Duration::from_minutes(30));
    assert_eq!(looked_up(&world, "mira.k").await.status(), "FAILED");
    assert_eq!(world.begin("mira.k").await.status(), "OTP_REQUIRED");
    let caller = world.caller();
    let place = Place {
        environment: world.environment.uuid(),
        parent: None,
    };
    users::unlock(&Target::new(&world.app, &caller, place, user))
        .await
        .unwrap();
    assert_eq!(looked_up(&world, "mira.k").await.status(), "OTP_REQUIRED");
}

/// Whoever floods a name from ever new addresses for an hour keeps nobody from signing on whom the
/// application names.
#[tokio::test(start_paused = true)]
async fn an_hour_of_typing_a_name_does_not_stop_a_signed_hint() {
    let world = World::new().await;
    world.mira().await;
    set_lockout(&world, json!({ "failureCount": 3 })).await;
    let mut sent_to_stranger = 0;
    for round in 0..120_u8 {
        let mut visitor = world.visitor();
        visitor.remote_ip = Some([198, 51, 100, round].into());
        let flow = world.begin_with(&visitor, &[]).await;
        let username = "mira.k".to_owned();
        let flow = match world.act(&flow, Deed::UserLookup { username }).await {
            Ok(shown) => Under { shown, ..flow },
            Err(failure) => panic!("{failure:?}"),
        };
        sent_to_stranger += world.sent().await.len();
        for _ in 0..3 {
            let _ = world.check(&flow, "not a code").await;
        }
        let view = stepgate_domain::flow::view::view(&flow.shown.flow, "", world.app.now());
        let view = serde_json::to_value(view).unwrap();
        if let Some(device) = view["_embedded"]["devices"][0]["id"].as_str() {
            let _ = world.select(&flow, device.parse().unwrap()).await;
        }
        sent_to_stranger += world.sent().await.len();
        world.wait(Duration::from_seconds(30));
        if round % 12 == 0 {
            let flow = world.begin("mira.k").await;
            assert_eq!(flow.status(), "OTP_REQUIRED", "after {round} rounds");
            let code = world.sent_code().await;
            world.check(&flow, &code).await.unwrap();
            world.code(&flow).await;
        }
    }
    assert!((1..=3).contains(&sent_to_stranger), "{sent_to_stranger}");
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
