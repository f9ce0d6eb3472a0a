use std::sync::Arc;

use serde_json::json;
use stepgate_app::sign_on::{FlowFailure, Resumed};
use stepgate_domain::resources::application::Application;
use stepgate_store::sessions;
use tokio::task::JoinSet;

use crate::fixture::{REDIRECT_URI, World};

#[tokio::test]
async fn a_flow_is_resumed_once() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    world.code(&flow).await;
    assert!(matches!(
        world.resume(&flow).await,
        Err(FlowFailure::NotFound)
    ));
    assert!(matches!(
        world.look(&flow).await,
        Err(FlowFailure::NotFound)
    ));
    assert!(matches!(
        world.check(&flow, &code).await,
        Err(FlowFailure::NotFound)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_resumes_at_once_yield_one_code() {
    let world = Arc::new(World::new().await);
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let mut resuming = JoinSet::new();
    for _ in 0..8 {
        let (world, flow) = (world.clone(), flow.clone());
        resuming.spawn(async move { world.resume(&flow).await });
    }
    let outcomes = resuming.join_all().await;
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1);
    for outcome in outcomes {
        assert!(matches!(
            outcome,
            Ok(Resumed::Flow(_)) | Err(FlowFailure::NotFound)
        ));
    }
}

#[tokio::test]
async fn an_unfinished_flow_is_shown_as_it_is() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let Resumed::Flow(shown) = world.resume(&flow).await.unwrap() else {
        panic!("the flow was expected");
    };
    assert!(shown.authorize_response.is_none());
    assert_eq!(shown.flow.status.name(), "OTP_REQUIRED");
}

#[tokio::test]
async fn a_failed_flow_denies_access() {
    let world = World::new().await;
    world.user("mira.k").await;
    let hint = world.hint("mira.k");
    let others = [("state", "xyz"), ("login_hint_token", hint.as_str())];
    let flow = world.begin_with(&world.visitor(), &others).await;
    assert_eq!(flow.status(), "FAILED");
    let Resumed::Flow(shown) = world.resume(&flow).await.unwrap() else {
        panic!("a flow was expected");
    };
    assert_eq!(
        json!(shown.authorize_response.unwrap()),
        json!({ "error": "access_denied", "error_description": "User has no usable devices", "state": "xyz" })
    );
    assert!(shown.cookie.is_none());
}

#[tokio::test]
async fn whoever_is_disabled_after_the_code_gets_nothing() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    world.change_user(user, |user| user.enable(false)).await;
    let Resumed::Flow(shown) = world.resume(&flow).await.unwrap() else {
        panic!("a flow was expected");
    };
    let response = shown.authorize_response.unwrap();
    assert_eq!(response["error"], "access_denied");
    assert!(response.get("code").is_none() && shown.cookie.is_none());
}

#[tokio::test]
async fn a_disabled_application_has_no_flows() {
    let world = World::new().await;
    world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    let body = json!({ "name": "Shop", "enabled": false, "type": "WEB_APP", "protocol": "OPENID_CONNECT",
        "grantTypes": ["AUTHORIZATION_CODE"], "responseTypes": ["CODE"],
        "tokenEndpointAuthMethod": "CLIENT_SECRET_BASIC", "redirectUris": [REDIRECT_URI] });
    world.replace::<Application>(None, world.client, body).await;
    assert!(matches!(
        world.check(&flow, &code).await,
        Err(FlowFailure::NotFound)
    ));
    assert!(matches!(
        world.resume(&flow).await,
        Err(FlowFailure::NotFound)
    ));
}

#[tokio::test]
async fn the_session_is_stored_by_the_hash_of_its_new_cookie_only() {
    let world = World::new().await;
    let user = world.mira().await;
    let flow = world.begin("mira.k").await;
    let code = world.sent_code().await;
    world.check(&flow, &code).await.unwrap();
    let id = flow.shown.flow.session.id.parse().unwrap();
    let environment = world.environment.uuid();
    let before = sessions::read(&*world.engine, environment, id).await;
    assert_eq!(before.unwrap(), None, "opened at resume, not before");
    let (_, shown) = world.code(&flow).await;
    let session = sessions::read(&*world.engine, environment, id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.user, Some(user));
    assert!(session.body.contains("\"mfa\"") && !session.body.contains("\"pwd\""));
    let token = shown.cookie.unwrap().token;
    assert_ne!(session.token_hash, *token.expose());
    assert_ne!(session.token_hash, flow.shown.flow.session.token_hash);
}
