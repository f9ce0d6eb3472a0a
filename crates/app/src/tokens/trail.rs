//! What the audit trail keeps of tokens: who got them, and why they were revoked.

use std::net::IpAddr;

use stepgate_domain::{
    audit::{Action, Actor, Actors, AuditEvent, AuditStatus, AuditedResource, Source},
    oauth::{client::Client, grants::GrantError},
    resource::Stored,
    resources::{application::APPLICATION, user::User},
    time::Timestamp,
};
use stepgate_store::engine::Statement;

use crate::audit;

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
        self.event(&Action::TOKEN_CREATED, text)
    }

    pub(super) fn revoked(&self, because: &GrantError) -> Result<Statement, serde_json::Error> {
        let text = format!("Tokens of {} revoked: {because}", self.client.name);
        self.event(&Action::TOKEN_REVOKED, text)
    }

    fn event(&self, action: &Action, description: String) -> Result<Statement, serde_json::Error> {
        let event = AuditEvent {
            correlation_id: self.requester.correlation_id.clone(),
            actors: Actors {
                client: Some(Actor {
                    id: self.client.id.cast(),
                    name: Some(self.client.name.clone()),
                    environment: None,
                    population: None,
                }),
                user: self.user.map(|user| Actor {
                    id: user.id.cast(),
                    name: Some(user.body.username.clone()),
                    environment: None,
                    population: Some(user.body.population),
                }),
            },
            description: Some(description.into()),
            status: AuditStatus::Success,
            resources: vec![
                AuditedResource::new(&APPLICATION, self.client.id).named(&self.client.name),
            ],
            changed: Vec::new(),
            count: None,
            source: Some(Source {
                ip_address: self.requester.ip,
                user_agent: self.requester.user_agent.clone(),
            }),
        };
        audit::written(self.client.environment.uuid(), action, &event, self.now)
    }
}
