//! What the audit trail keeps of tokens: who got them, and why they were revoked.

use std::net::IpAddr;

use stepgate_domain::{
    audit::{
        Action, ActionTaken, Actor, Actors, AuditEvent, AuditResult, AuditStatus, AuditedResource,
        Source,
    },
    id::Id,
    oauth::{client::Client, grants::GrantError},
    resource::Stored,
    resources::{application::APPLICATION, user::User},
    time::Timestamp,
};
use stepgate_store::{
    audit::{self, StoredEvent},
    engine::Statement,
};

use crate::random::SystemRandom;

/// Where a request came from.
#[derive(Debug, Clone, Default)]
pub struct Requester {
    pub correlation_id: String,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

pub(super) struct Deed<'a> {
    pub(super) requester: &'a Requester,
    pub(super) client: &'a Client,
    pub(super) user: Option<&'a Stored<User>>,
    pub(super) now: Timestamp,
}

impl Deed<'_> {
    pub(super) fn issued(&self) -> Result<Statement, serde_json::Error> {
        let text = format!("Tokens issued to {}", self.client.name);
        self.event(Action::TOKEN_CREATED, text)
    }

    pub(super) fn revoked(&self, because: &GrantError) -> Result<Statement, serde_json::Error> {
        let text = format!("Tokens of {} revoked: {because}", self.client.name);
        self.event(Action::TOKEN_REVOKED, text)
    }

    fn event(&self, kind: Action, description: String) -> Result<Statement, serde_json::Error> {
        let environment = self.client.environment;
        let actors = Actors {
            client: Some(Actor {
                id: self.client.id.cast(),
                name: Some(self.client.name.clone()),
                environment: environment.into(),
                population: None,
            }),
            user: self.user.map(|user| Actor {
                id: user.id.cast(),
                name: Some(user.body.username.clone()),
                environment: environment.into(),
                population: Some(user.body.population),
            }),
        };
        let client = AuditedResource::new(&APPLICATION, self.client.id, environment)
            .named(&self.client.name);
        let action = kind.as_str().to_owned();
        let event = AuditEvent {
            id: Id::new(self.now, &mut SystemRandom),
            recorded_at: self.now,
            correlation_id: self.requester.correlation_id.clone(),
            actors,
            action: ActionTaken {
                kind,
                description: description.clone(),
            },
            resources: vec![client],
            result: AuditResult {
                status: AuditStatus::Success,
                description,
            },
            source: Some(Source {
                ip_address: self.requester.ip,
                user_agent: self.requester.user_agent.clone(),
            }),
        };
        Ok(audit::insert(StoredEvent {
            environment: environment.uuid(),
            id: event.id.uuid(),
            recorded_at: self.now,
            action,
            body: serde_json::to_string(&event)?,
        }))
    }
}
