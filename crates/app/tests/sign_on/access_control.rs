use serde_json::{Value, json};
use stepgate_app::sign_on::{Deed, Resumed};
use stepgate_domain::{
    access::Role,
    resources::{role_assignment::RoleAssignment, user::User},
};
use stepgate_store::engine::{Batch, Engine, Statement};
use uuid::Uuid;

use crate::fixture::{Under, World, by_sms};

/// A worker application, which admits only users who hold a role.
async fn restricted() -> World {
    let world = World::new().await;
    let worker = world.application(json!({ "type": "WORKER" })).await;
    let action = by_sms(&json!({}));
    world
        .policy(worker.id, 1, "Administrators", vec![action])
        .await;
    world.of(worker)
}

async fn assign_a_role(world: &World, user: Uuid) {
    let role = Role::IdentityDataReadOnly.id().to_string();
    let scope = json!({ "id": world.environment, "type": "ENVIRONMENT" });
    let body = json!({ "role": { "id": role }, "scope": scope });
    world.create::<RoleAssignment<User>>(Some(user), body).await;
}

async fn take_the_role_away(world: &World, user: Uuid) {
    let gone = Statement::new(
        "DELETE FROM user_role WHERE environment = $1 AND parent = $2",
        vec![
            world.environment.to_string().into(),
            user.to_string().into(),
        ],
    );
    world.engine.commit(Batch(vec![gone])).await.unwrap();
}

async fn looked_up(world: &World) -> Under {
    let mut flow = world.begin_with(&world.visitor(), &[]).await;
    let username = "mira.k".to_owned();
    flow.shown = world
        .act(&flow, Deed::UserLookup { username })
        .await
        .unwrap();
    flow
}

async fn resumed(world: &World, flow: &Under) -> Value {
    match world.resume(flow).await.unwrap() {
        Resumed::Flow(shown) => json!(shown.authorize_response.unwrap()),
        other => panic!("a flow was expected: {other:?}"),
    }
}

#[tokio::test]
async fn who_holds_a_role_signs_on() {
    let world = restricted().await;
    let user = world.mira().await;
    assign_a_role(&world, user).await;
    let flow = looked_up(&world).await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    assert!(resumed(&world, &flow).await["code"].is_string());
}

#[tokio::test]
async fn who_holds_none_is_sent_nothing_and_told_nothing() {
    let world = restricted().await;
    world.mira().await;
    let flow = looked_up(&world).await;
    assert_eq!(
        flow.status(),
        "OTP_REQUIRED",
        "as for a name that nobody has"
    );
    assert!(world.sent().await.is_empty());
}

#[tokio::test]
async fn who_loses_the_role_after_the_code_gets_nothing() {
    let world = restricted().await;
    let user = world.mira().await;
    assign_a_role(&world, user).await;
    let flow = looked_up(&world).await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    take_the_role_away(&world, user).await;
    let response = resumed(&world, &flow).await;
    assert_eq!(
        response,
        json!({ "error": "access_denied", "error_description": "The user may not sign on to this application" })
    );
}
