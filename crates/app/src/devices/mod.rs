//! Devices: the set belongs to the user, whose document holds its order; both change in one batch.

mod notice;
mod pairing;
mod sending;

use stepgate_domain::{
    audit::Action,
    authenticator::attempts::DeviceFailures,
    flow::CounterState,
    id::Id,
    resource::Stored,
    resources::{
        device::{
            Device, DeviceStatus, NicknameDraft, ReorderDraft,
            order::{arrange, reordered, without},
        },
        user::User,
    },
    time::Timestamp,
};
use stepgate_store::{
    counters,
    documents::Document,
    engine::{Batch, Statement},
    facts::{self, UserKey},
};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{
        self, Caller, IfMatch, ListRequest, Listing, Place, Target, owner, settle, typed,
    },
    users::end_other_sessions,
};

pub use pairing::{activate, create, send_activation_code};

/// A user with the devices, read together.
#[derive(Debug)]
struct Owner {
    document: Document,
    user: Stored<User>,
    devices: Vec<(Document, Stored<Device>)>,
}

impl Owner {
    async fn load(app: &App, caller: &Caller, place: Place) -> Result<Self, ManagementError> {
        let unknown = || ManagementError::NotFound(None);
        let user = owner::<Device>(app, caller, place).await?;
        let user = user.ok_or_else(unknown)?.id;
        let facts =
            facts::sign_on_facts(&*app.engine, place.environment, UserKey::Id(user)).await?;
        let facts = facts.ok_or_else(unknown)?;
        let mut devices = Vec::with_capacity(facts.devices.len());
        for document in facts.devices {
            let device = typed::<Device>(&document)?;
            devices.push((document, device));
        }
        Ok(Self {
            user: typed(&facts.user)?,
            document: facts.user,
            devices,
        })
    }

    /// If the user has the version that is insisted on.
    fn matching(self, if_match: Option<IfMatch<'_>>) -> Result<Self, ManagementError> {
        if_match.map_or(Ok(()), |it| it.permits(self.document.version))?;
        Ok(self)
    }

    fn device(&self, target: &Target<'_>) -> Result<&(Document, Stored<Device>), ManagementError> {
        let found = self
            .devices
            .iter()
            .find(|(document, _)| document.id == target.id)
            .ok_or(ManagementError::NotFound(None))?;
        target.matches(&found.0)?;
        Ok(found)
    }

    fn order(&self) -> Option<Vec<Id<Device>>> {
        self.user.body.credentials.device_order.clone()
    }

    fn target<'a>(&self, app: &'a App, caller: &'a Caller) -> Target<'a> {
        let place = Place::environment(self.document.environment);
        Target::new(app, caller, place, self.document.id)
    }

    /// The writes that give the user another order of devices. They raise the user's revision,
    /// which guards the set, even when the order stays.
    async fn with_order(
        &self,
        app: &App,
        caller: &Caller,
        order: Option<Vec<Id<Device>>>,
        now: Timestamp,
    ) -> Result<Vec<Statement>, ManagementError> {
        let user = self.user.body.clone().with_device_order(order);
        let target = self.target(app, caller);
        Ok(target.replaced(&self.document, user, now).await?.0)
    }
}

/// The user whose devices are at the place.
fn user_at<'a>(
    app: &'a App,
    caller: &'a Caller,
    place: Place,
) -> Result<Target<'a>, ManagementError> {
    let user = place.parent.ok_or(ManagementError::NotFound(None))?;
    let place = Place::environment(place.environment);
    Ok(Target::new(app, caller, place, user))
}

/// The devices in the user's order, and that order.
pub async fn list(
    app: &App,
    caller: &Caller,
    place: Place,
    request: ListRequest,
) -> Result<(Listing<Device>, Option<Vec<Id<Device>>>), ManagementError> {
    let mut listing = management::list::<Device>(app, caller, place, request).await?;
    let user = management::read::<User>(&user_at(app, caller, place)?).await?;
    let order = user.body.credentials.into_inner().device_order;
    arrange(&mut listing.items, order.as_deref());
    Ok((listing, order))
}

/// The device goes, from the order too.
pub async fn remove(target: &Target<'_>) -> Result<(), ManagementError> {
    let (app, caller) = (target.app, target.caller);
    settle(app, || async {
        let now = app.now();
        let owner = Owner::load(app, caller, target.place).await?;
        let (document, device) = owner.device(target)?;
        let order = without(owner.order(), device.id);
        let mut statements = owner.with_order(app, caller, order, now).await?;
        statements.extend(deleted(target, document, device, now)?);
        if device.body.status == DeviceStatus::Active {
            statements.extend(end_other_sessions(
                &user_at(target.app, target.caller, target.place)?,
                now,
            )?);
        }
        Ok((Batch(statements), ()))
    })
    .await
}

/// The writes that remove a device with what is counted for it.
fn deleted(
    target: &Target<'_>,
    document: &Document,
    device: &Stored<Device>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let target = Target {
        id: document.id,
        ..*target
    };
    let mut statements = target.removed(document, device, now)?;
    let counter = failure_counter(document.id);
    statements.push(counters::delete(document.environment, &counter));
    Ok(statements)
}

fn failure_counter(device: Uuid) -> String {
    format!("device:{device}")
}

/// The order that the user wants. The order is the user's, and so is the version to insist on.
pub async fn reorder(
    app: &App,
    caller: &Caller,
    place: Place,
    if_match: Option<IfMatch<'_>>,
    draft: &ReorderDraft,
) -> Result<(), ManagementError> {
    settle(app, || async {
        let owner = Owner::load(app, caller, place).await?.matching(if_match)?;
        let active: Vec<_> = owner
            .devices
            .iter()
            .filter(|(_, device)| device.body.status == DeviceStatus::Active)
            .map(|(_, device)| device.id)
            .collect();
        let order = reordered(draft, &active)?;
        let action = Action::DEVICES_ORDER_UPDATED;
        reordering(app, caller, &owner, Some(order), &action).await
    })
    .await
}

/// The user chooses a device each time.
pub async fn drop_order(
    app: &App,
    caller: &Caller,
    place: Place,
    if_match: Option<IfMatch<'_>>,
) -> Result<(), ManagementError> {
    settle(app, || async {
        let owner = Owner::load(app, caller, place).await?.matching(if_match)?;
        reordering(app, caller, &owner, None, &Action::DEVICES_ORDER_DELETED).await
    })
    .await
}

async fn reordering(
    app: &App,
    caller: &Caller,
    owner: &Owner,
    order: Option<Vec<Id<Device>>>,
    action: &Action,
) -> Result<(Batch, ()), ManagementError> {
    let now = app.now();
    let mut statements = owner.with_order(app, caller, order, now).await?;
    let event = owner.target(app, caller).event::<User>(action, now)?;
    statements.push(event);
    Ok((Batch(statements), ()))
}

async fn changed(
    target: &Target<'_>,
    action: &Action,
    rule: impl Fn(Device, Timestamp) -> Device + Send + Sync,
) -> Result<Stored<Device>, ManagementError> {
    let event = target.event::<Device>(action, target.app.now())?;
    management::change_with(target, vec![event], |device, now| Ok(rule(device, now))).await
}

pub async fn block(target: &Target<'_>) -> Result<Stored<Device>, ManagementError> {
    let now = target.app.now();
    let mut with = vec![target.event::<Device>(&Action::DEVICE_BLOCKED, now)?];
    with.extend(end_other_sessions(
        &user_at(target.app, target.caller, target.place)?,
        now,
    )?);
    management::change_with(target, with, |device, now| Ok(Device::blocked(device, now))).await
}

pub async fn unblock(target: &Target<'_>) -> Result<Stored<Device>, ManagementError> {
    changed(target, &Action::DEVICE_UNBLOCKED, |device, _| {
        device.unblocked()
    })
    .await
}

pub async fn rename(
    target: &Target<'_>,
    draft: &NicknameDraft,
) -> Result<Stored<Device>, ManagementError> {
    changed(target, &Action::DEVICE_NICKNAME_UPDATED, |device, _| {
        device.renamed(draft.nickname.clone())
    })
    .await
}

/// Ends the lock and forgives the wrong codes. Codes that were void stay void.
pub async fn unlock(target: &Target<'_>) -> Result<Stored<Device>, ManagementError> {
    let app = target.app;
    settle(app, || async {
        let now = app.now();
        let (document, device) = target.load::<Device>().await?;
        let device = device.body.unlocked();
        let (mut statements, device) = target.replaced(&document, device, now).await?;
        let environment = target.place.environment;
        let subject = failure_counter(target.id);
        let mut found = counters::read(&*app.engine, environment, &[subject]).await?;
        if let Some(mut counter) = found.pop() {
            let failures: DeviceFailures = serde_json::from_str(&counter.body)?;
            let state = CounterState::DeviceFailures(DeviceFailures {
                round: failures.round,
                ..DeviceFailures::default()
            });
            counter.expires_at = state.expires_at(now);
            counter.body = serde_json::to_string(&state)?;
            statements.push(counters::write(counter));
        }
        statements.push(target.event::<Device>(&Action::DEVICE_UNLOCKED, now)?);
        Ok((Batch(statements), device))
    })
    .await
}
