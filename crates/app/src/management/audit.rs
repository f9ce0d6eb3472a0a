//! Every change of a managed object leaves an event in the batch that makes it.

use serde_json::json;
use stepgate_domain::{id::Id, resource::Kind, time::Timestamp};
use stepgate_store::{
    audit::{self, StoredEvent},
    engine::Statement,
};
use uuid::Uuid;

use crate::random::SystemRandom;

use super::Caller;

#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    Created,
    Updated,
    Deleted,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Deleted => "DELETED",
        }
    }
}

/// `environment` is where the event is filed: the object's own, or the organization's space.
pub(super) fn event(
    caller: &Caller,
    environment: Uuid,
    kind: &Kind,
    id: Uuid,
    deed: Deed,
    now: Timestamp,
) -> Statement {
    let mut action = String::new();
    for character in kind.name.chars() {
        if character.is_ascii_uppercase() {
            action.push('_');
        }
        action.push(character.to_ascii_uppercase());
    }
    action.push('.');
    action.push_str(deed.as_str());
    let body = json!({
        "actor": {
            "client": { "id": caller.actor.application, "environment": { "id": caller.actor.environment } },
            "user": caller.actor.user.map(|id| json!({ "id": id.to_string() })),
        },
        "resource": { "type": kind.name, "id": id.to_string() },
        "correlationId": caller.correlation_id,
    });
    audit::insert(StoredEvent {
        environment,
        id: Id::<Kind>::new(now, &mut SystemRandom).uuid(),
        recorded_at: now,
        action,
        body: body.to_string(),
    })
}
