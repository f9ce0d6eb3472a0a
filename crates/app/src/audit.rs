//! The audit trail: an event is written in the batch of what it tells about.

use stepgate_domain::{
    audit::{Action, Actors, AuditEvent, AuditStatus, AuditedResource, Change},
    id::Id,
    resource::Resource,
    time::Timestamp,
};
use stepgate_store::{
    audit::{self, StoredEvent},
    engine::Statement,
};
use uuid::Uuid;

use crate::random::SystemRandom;

/// `environment` is where the event is filed.
pub(crate) fn written(
    environment: Uuid,
    action: &Action,
    event: &AuditEvent,
    now: Timestamp,
) -> Result<Statement, serde_json::Error> {
    Ok(audit::insert(StoredEvent {
        environment,
        id: Id::<AuditEvent>::new(now, &mut SystemRandom).uuid(),
        recorded_at: now,
        action: action.as_str().to_owned(),
        body: serde_json::to_string(event)?,
    }))
}

/// What the server did by itself, for nobody who could be named, and why.
pub(crate) fn by_the_server<R: Resource>(
    environment: Uuid,
    change: Change,
    id: Id<R>,
    title: Option<String>,
    why: &'static str,
    now: Timestamp,
) -> Result<Statement, serde_json::Error> {
    let event = AuditEvent {
        correlation_id: String::new(),
        actors: Actors::default(),
        description: Some(why.into()),
        status: AuditStatus::Success,
        resources: vec![AuditedResource::new(R::KIND, id).maybe_named(title)],
        changed: Vec::new(),
        count: None,
        source: None,
    };
    written(environment, &Action::of(R::KIND, change), &event, now)
}
