//! What the audit trail keeps of a sign-on, and of the changes that it rests on.

use serde_json::json;
use stepgate_domain::{
    audit::{AuditEvent, AuditStatus},
    time::Duration,
};

use crate::support::{Trial, send};

/// Action and body, oldest first.
async fn trail(trial: &Trial) -> Vec<(String, AuditEvent)> {
    trial.server.trail(trial.server.environment).await
}

#[tokio::test]
async fn every_step_of_a_sign_on_is_in_the_trail() {
    let trial = Trial::start().await;
    let before = trail(&trial).await.len();
    trial.server.advance(Duration::from_seconds(1));
    let flow = trial.begin().await;
    let otp = json!({ "otp": trial.server.code().await }).to_string();
    send(trial.server.act(&flow, "otp.check", &otp))
        .await
        .json(200);
    let resumed = send(trial.server.resume(&flow)).await.json(200);
    let code = resumed["authorizeResponse"]["code"].as_str().unwrap();
    send(trial.redeem(code)).await.json(200);

    let events = trail(&trial).await.split_off(before);
    let mut actions: Vec<&str> = events.iter().map(|(action, _)| action.as_str()).collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            "AUTHENTICATION.CREATED",
            "FLOW.CREATED",
            "NOTIFICATION.CREATED",
            "OTP.CHECK_SUCCESS",
            "SESSION.CREATED",
            "TOKEN.CREATED",
            "USER.ACCESS_ALLOWED",
        ]
    );
    for (action, event) in events {
        let client = event.actors.client.unwrap();
        assert_eq!(client.id.to_string(), trial.client, "{action}");
        assert_eq!(client.environment, None, "its own: {action}");
        let user = event.actors.user.unwrap();
        assert_eq!(user.id.to_string(), trial.user, "{action}");
        assert_eq!(user.name.as_deref(), Some("mira.k"), "{action}");
        assert_eq!(event.status, AuditStatus::Success, "{action}");
        assert!(!event.correlation_id.is_empty(), "{action}");
        assert!(event.source.unwrap().ip_address.is_some(), "{action}");
    }
}

#[tokio::test]
async fn a_change_names_who_made_it_and_from_where() {
    let trial = Trial::start().await;
    let of_user = |(action, event): (String, AuditEvent)| {
        let resource = event.resources.into_iter().next()?;
        let is_theirs = resource.id.to_string() == trial.user && resource.kind == "USER";
        is_theirs.then_some((action, event.actors.client?, event.correlation_id))
    };
    let events: Vec<_> = trail(&trial)
        .await
        .into_iter()
        .filter_map(of_user)
        .collect();
    assert!(events.iter().any(|(action, ..)| action == "USER.CREATED"));
    for (_, client, correlation_id) in events {
        let environment = client.environment.unwrap().id.uuid();
        assert_ne!(
            environment, trial.server.environment,
            "a worker of elsewhere"
        );
        assert!(!correlation_id.is_empty());
    }
}
