//! Every change of a managed object leaves an event in the batch that makes it.

use serde_json::json;
pub(crate) use stepgate_domain::audit::Change as Deed;
use stepgate_domain::{audit::Action, id::Id, resource::Kind, time::Timestamp};
use stepgate_store::{
    audit::{self, StoredEvent},
    engine::Statement,
};
use uuid::Uuid;

use crate::random::SystemRandom;

use super::Caller;

/// `environment` is where the event is filed: the object's own, or the organization's space.
pub(crate) fn event(
    caller: &Caller,
    environment: Uuid,
    kind: &Kind,
    id: Uuid,
    deed: Deed,
    now: Timestamp,
) -> Statement {
    occurred(caller, environment, kind, id, &Action::of(kind, deed), now)
}

/// Something that has a name of its own.
pub(super) fn occurred(
    caller: &Caller,
    environment: Uuid,
    kind: &Kind,
    id: Uuid,
    action: &Action,
    now: Timestamp,
) -> Statement {
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
        action: action.as_str().to_owned(),
        body: body.to_string(),
    })
}
