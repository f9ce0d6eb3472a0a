//! Every change of a managed object leaves an event in the batch that makes it.

pub(super) use stepgate_domain::audit::Change as Deed;
use stepgate_domain::{
    audit::{Action, Actor, Actors, AuditEvent, AuditStatus, AuditedResource, Source},
    id::Id,
    resource::Resource,
    time::Timestamp,
};
use stepgate_store::{documents::space, engine::Statement};
use uuid::Uuid;

use super::{Caller, Target};
use crate::audit;

/// What an event says beside what was done, to what and by whom.
#[derive(Debug, Default)]
pub(super) struct Details {
    pub(super) title: Option<String>,
    pub(super) changed: Vec<String>,
}

/// Filed in the object's own environment, or in the organization's space.
pub(super) fn event<R: Resource>(
    target: &Target<'_>,
    action: &Action,
    Details { title, changed }: Details,
    now: Timestamp,
) -> Result<Statement, serde_json::Error> {
    let filed_in = space(R::KIND, target.place.environment);
    let object = AuditedResource::new(R::KIND, Id::<R>::from_uuid(target.id)).maybe_named(title);
    let owner = R::KIND.parent.filter(|_| R::KIND.nested);
    let owner = owner.zip(target.place.parent);
    let owner = owner.map(|(kind, id)| AuditedResource::new(kind, Id::<()>::from_uuid(id)));
    let event = AuditEvent {
        correlation_id: target.caller.correlation_id.clone(),
        actors: actors(target.caller, filed_in),
        description: None,
        status: AuditStatus::Success,
        resources: [object].into_iter().chain(owner).collect(),
        changed,
        count: None,
        source: source(target.caller),
    };
    audit::written(filed_in, action, &event, now)
}

/// Who calls, for an event that is filed there.
fn actors(caller: &Caller, filed_in: Uuid) -> Actors {
    let of = &caller.actor;
    let actor = |id: Id<()>| Actor {
        id,
        name: None,
        environment: (of.environment.uuid() != filed_in).then(|| of.environment.into()),
        population: None,
    };
    Actors {
        client: Some(actor(of.application.cast())),
        user: of.user.map(|user| actor(Id::from_uuid(user))),
    }
}

fn source(caller: &Caller) -> Option<Source> {
    caller.remote_ip.map(|ip| Source {
        ip_address: Some(ip),
        user_agent: None,
    })
}
