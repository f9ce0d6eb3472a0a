//! The audit trail: an event is written in the batch of what it tells about.

use stepgate_domain::{
    audit::{Action, AuditEvent},
    id::Id,
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
