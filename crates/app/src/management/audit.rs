//! Every change of a managed object leaves an event in the batch that makes it.

pub(crate) use stepgate_domain::audit::Change as Deed;
use stepgate_domain::{
    audit::{Action, Actor, Actors, AuditEvent, AuditStatus, AuditedResource},
    id::Id,
    resource::Resource,
    time::Timestamp,
};
use stepgate_store::{documents::space, engine::Statement};

use super::Target;
use crate::audit;

/// Filed in the object's own environment, or in the organization's space.
pub(super) fn event<R: Resource>(
    target: &Target<'_>,
    action: &Action,
    now: Timestamp,
) -> Result<Statement, serde_json::Error> {
    let caller = &target.caller.actor;
    let filed_in = space(R::KIND, target.place.environment);
    let actor = |id: Id<()>| Actor {
        id,
        name: None,
        environment: (caller.environment.uuid() != filed_in).then(|| caller.environment.into()),
        population: None,
    };
    let event = AuditEvent {
        correlation_id: target.caller.correlation_id.clone(),
        actors: Actors {
            client: Some(actor(caller.application.cast())),
            user: caller.user.map(|user| actor(Id::from_uuid(user))),
        },
        description: None,
        status: AuditStatus::Success,
        resources: vec![AuditedResource::new(R::KIND, Id::<R>::from_uuid(target.id))],
        source: None,
    };
    audit::written(filed_in, action, &event, now)
}
