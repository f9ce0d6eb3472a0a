//! Every change of a managed object leaves an event in the batch that makes it.

use serde_json::json;
pub(crate) use stepgate_domain::audit::Change as Deed;
use stepgate_domain::{
    audit::Action,
    id::Id,
    resource::{Kind, Resource},
    time::Timestamp,
};
use stepgate_store::{
    audit::{self, StoredEvent},
    documents::space,
    engine::Statement,
};

use crate::random::SystemRandom;

use super::Target;

/// Filed in the object's own environment, or in the organization's space.
pub(super) fn event<R: Resource>(
    target: &Target<'_>,
    action: &Action,
    now: Timestamp,
) -> Statement {
    let actor = &target.caller.actor;
    let body = json!({
        "actor": {
            "client": { "id": actor.application, "environment": { "id": actor.environment } },
            "user": actor.user.map(|id| json!({ "id": id.to_string() })),
        },
        "resource": { "type": R::KIND.name, "id": target.id.to_string() },
        "correlationId": target.caller.correlation_id,
    });
    audit::insert(StoredEvent {
        environment: space(R::KIND, target.place.environment),
        id: Id::<Kind>::new(now, &mut SystemRandom).uuid(),
        recorded_at: now,
        action: action.as_str().to_owned(),
        body: body.to_string(),
    })
}
