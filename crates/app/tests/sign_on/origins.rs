use serde_json::json;
use stepgate_app::sign_on::{FlowFailure, Visitor, page_token};

use crate::fixture::{Under, World};

fn from(flow: &Under, origin: &str) -> Under {
    Under {
        visitor: Visitor {
            web_origin: Some(origin.to_owned()),
            ..flow.visitor.clone()
        },
        ..flow.clone()
    }
}

#[tokio::test]
async fn only_the_applications_pages_and_our_own_may_act() {
    let world = World::new().await;
    let client = world
        .application(json!({ "loginPageUrl": "https://login.example.test/page" }))
        .await;
    let world = world.of(client);
    let flow = world.begin_with(&world.visitor(), &[]).await;
    for origin in ["https://app.example.test", "https://login.example.test"] {
        let shown = world.look(&from(&flow, origin)).await.unwrap();
        assert_eq!(shown.allowed_origin.as_deref(), Some(origin));
    }
    let own = world.origin.as_str().to_owned();
    assert!(world.look(&from(&flow, &own)).await.is_ok());
    for origin in ["https://evil.test", "null"] {
        assert!(matches!(
            world.look(&from(&flow, origin)).await,
            Err(FlowFailure::OriginNotAllowed)
        ));
        assert!(matches!(
            world.check(&from(&flow, origin), "123456").await,
            Err(FlowFailure::OriginNotAllowed)
        ));
    }
}

#[tokio::test]
async fn the_page_token_belongs_to_one_flow_whatever_cookies_are_sent_beside_its_own() {
    let world = World::new().await;
    world.mira().await;
    let one = world.begin("mira.k").await;
    let two = world.begin("mira.k").await;
    let mut both = one.clone();
    let others = two.visitor.session_tokens.clone();
    both.visitor.session_tokens.splice(0..0, others);
    let token = async |flow: &Under| {
        let shown = world.look(flow).await.unwrap();
        let token = page_token(&world.app, &shown).await;
        token.unwrap().expose().clone()
    };
    assert_eq!(token(&one).await, token(&one).await);
    assert_eq!(token(&one).await, token(&both).await);
    assert_ne!(token(&one).await, token(&two).await);
}
