//! New devices, and the codes that prove them.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{
    audit::Action,
    id::{Id, Ref},
    resource::{Resource, Stored},
    resources::{
        device::{
            ActivateDraft, Device, DeviceDraft, DeviceStatus, Enroller, PairingOutcome,
            may_activate, may_create, method, order, permits_pairing,
        },
        device_authentication_policy::DeviceAuthenticationPolicy,
        mfa_settings::MfaSettings,
    },
    schema,
    secret::Secret,
    time::{Duration, Timestamp},
    violation::{Violation, ViolationCode},
};
use stepgate_store::engine::Batch;
use uuid::Uuid;

use super::{
    Owner, deleted,
    notice::notice,
    sending::{claimed, send_code},
};
use crate::{
    App,
    error::ManagementError,
    management::{Caller, Place, Target, cached, cached_default, settle, with_context},
    seal::DataKey,
    settings,
};

/// How long an unproved device is kept after its last code has expired.
const KEPT_UNPROVED: Duration = Duration::from_hours(24);

/// Whose rules hold for a device. `None`: it names a policy that does not exist.
async fn policy_of(
    app: &App,
    environment: Uuid,
    named: Option<Ref<DeviceAuthenticationPolicy>>,
) -> Result<Option<Arc<Stored<DeviceAuthenticationPolicy>>>, ManagementError> {
    Ok(match named {
        Some(policy) => cached(app, environment, policy.id.uuid()).await?,
        None => cached_default(app, environment).await?,
    })
}

/// Like [`policy_of`], for a device that is there: its policy may have been deleted.
async fn standing_policy(
    app: &App,
    environment: Uuid,
    device: &Device,
) -> Result<Arc<Stored<DeviceAuthenticationPolicy>>, ManagementError> {
    if let Some(policy) = policy_of(app, environment, device.policy).await? {
        return Ok(policy);
    }
    policy_of(app, environment, None)
        .await?
        .ok_or(ManagementError::NotFound(None))
}

/// A keyed hash of a pairing code, bound to its device.
pub(super) fn code_hash(key: &DataKey, device: Uuid, code: &str) -> Secret<String> {
    let hash = key.hash("pairing code", &[device.as_bytes(), code.as_bytes()]);
    Secret::new(BASE64URL_NOPAD.encode(&hash))
}

/// Pairs a device. One that must be proved is sent a code at once.
pub async fn create(
    app: &App,
    caller: &Caller,
    place: Place,
    body: serde_json::Value,
) -> Result<Stored<Device>, ManagementError> {
    let enroller = if caller.actor.user.is_some() && caller.actor.user == place.parent {
        Enroller::Owner
    } else {
        Enroller::Administrator
    };
    let draft = schema::decode::<DeviceDraft>(body)?.settled(enroller)?;
    let id = app.new_id::<Device>();
    let target = Target::new(app, caller, place, id.uuid());
    let (device, queued) = settle(app, || async {
        let now = app.now();
        let owner = Owner::load(app, caller, place).await?;
        let policy = policy_of(app, place.environment, draft.policy).await?;
        let built = with_context::<Device, _>(&target, None, |context| {
            Device::build(draft.clone(), None, context)
        })
        .await?;
        let (policy, mut device) = match (policy, built) {
            (Some(policy), Ok(built)) => (policy, built.body),
            (policy, built) => {
                let mut faults = built.err().unwrap_or_default();
                if policy.is_none() {
                    faults.push(Violation::invalid(
                        "policy.id",
                        "is not a device authentication policy of this environment",
                    ));
                }
                return Err(faults.into());
            }
        };
        permits_pairing(&policy.body, device.kind)?;
        let (lapsed, kept): (Vec<_>, Vec<_>) = owner
            .devices
            .iter()
            .partition(|(_, device)| has_lapsed(&device.body, now));
        let kept: Vec<_> = kept.into_iter().map(|(_, device)| device.clone()).collect();
        unlike(&device, &kept)?;
        let settings = settings::current::<MfaSettings>(app, place.environment).await?;
        may_create(&kept, &settings.body)?;

        let mut statements = Vec::new();
        for (document, device) in lapsed {
            statements.extend(deleted(&target, document, device, now)?);
        }
        let mut queued = None;
        if device.status == DeviceStatus::ActivationRequired {
            let rules = &policy.body;
            let text = draft.notification.as_ref();
            let (waiting, sent, message) =
                send_code(&target, &owner, device, rules, text, now).await?;
            statements.extend(sent);
            queued = Some(message);
            device = waiting;
        }
        let order = match device.status {
            DeviceStatus::Active => {
                let (told, message) = notice(&target, &owner, &policy.body, now).await?;
                statements.extend(told);
                queued = message;
                order::with(owner.order(), id)
            }
            DeviceStatus::ActivationRequired => owner.order(),
        };
        statements.extend(owner.with_order(app, caller, order, now).await?);
        let (inserted, stored) = target.inserted(device, now).await?;
        statements.extend(inserted);
        Ok((Batch(statements), (stored, queued)))
    })
    .await?;
    if let Some(queued) = queued {
        queued.committed();
    }
    Ok(device)
}

/// Whether nobody proved it in time. Such devices make room for others.
fn has_lapsed(device: &Device, now: Timestamp) -> bool {
    let pairing = device.pairing.as_ref();
    device.status == DeviceStatus::ActivationRequired
        && pairing.is_none_or(|pairing| pairing.expires_at + KEPT_UNPROVED <= now)
}

/// The user has no other device of this type with this address.
fn unlike(device: &Device, others: &[Stored<Device>]) -> Result<(), ManagementError> {
    let keys = device.unique();
    for other in others {
        let taken = other.body.unique();
        if let Some(key) = keys.iter().find(|key| taken.contains(key)) {
            return Err(Violation::new(
                ViolationCode::UniquenessViolation,
                key.target,
                "must be unique among the devices of the user",
            )
            .into());
        }
    }
    Ok(())
}

/// Sends another code, in place of the one before.
pub async fn send_activation_code(target: &Target<'_>) -> Result<Stored<Device>, ManagementError> {
    let (app, environment) = (target.app, target.place.environment);
    let (device, queued) = settle(app, || async {
        let now = app.now();
        let owner = Owner::load(app, target.caller, target.place).await?;
        let (document, stored) = owner.device(target)?;
        stored.body.may_be_sent_code(now)?;
        let policy = standing_policy(app, environment, &stored.body).await?;
        let device = stored.body.clone();
        let (device, sent, queued) =
            send_code(target, &owner, device, &policy.body, None, now).await?;
        let (mut statements, stored) = target.replaced(document, device, now).await?;
        statements.extend(sent);
        Ok((Batch(statements), (stored, queued)))
    })
    .await?;
    queued.committed();
    Ok(device)
}

/// Judges a pairing code. A wrong one counts, and is saved before it is answered.
pub async fn activate(
    target: &Target<'_>,
    draft: &ActivateDraft,
) -> Result<Stored<Device>, ManagementError> {
    let (app, caller, environment) = (target.app, target.caller, target.place.environment);
    let code: String = draft.otp.expose().split_whitespace().collect();
    let code = Secret::new(code);
    if code.expose().is_empty() {
        return Err(Violation::empty("otp").into());
    }
    let key = app.data_key(environment).await?;
    let hash = code_hash(&key, target.id, code.expose());
    let (outcome, device, told) = settle(app, || async {
        let now = app.now();
        let owner = Owner::load(app, caller, target.place).await?;
        let (document, before) = owner.device(target)?;
        let policy = standing_policy(app, environment, &before.body).await?;
        let rules = &method(&policy.body, before.body.kind).otp;
        let matches = |kept: &Secret<String>| kept.matches(hash.expose().as_bytes());
        let (device, outcome) = before.body.clone().activate(matches, rules, now);
        let action = match &outcome {
            PairingOutcome::Activated => Action::DEVICE_ACTIVATED,
            PairingOutcome::WrongCode { .. } => Action::DEVICE_ACTIVATION_OTP_INVALID,
            PairingOutcome::Exhausted { .. } => Action::DEVICE_ACTIVATION_OTP_FAILED,
            PairingOutcome::Expired | PairingOutcome::AlreadyActive => {
                return Ok((Batch::default(), (outcome, before.clone(), None)));
            }
        };
        let mut statements = Vec::new();
        let mut told = None;
        if outcome == PairingOutcome::Activated {
            let settings = settings::current::<MfaSettings>(app, environment).await?;
            let all: Vec<_> = owner.devices.iter().map(|(_, one)| one.clone()).collect();
            may_activate(&all, &settings.body)?;
            let order = order::with(owner.order(), Id::from_uuid(target.id));
            statements.extend(owner.with_order(app, caller, order, now).await?);
            statements.extend(claimed(app, &owner, &device, &policy.body, now).await?);
            let (writes, message) = notice(target, &owner, &policy.body, now).await?;
            statements.extend(writes);
            told = message;
        }
        let (replaced, stored) = target.replaced(document, device, now).await?;
        statements.extend(replaced);
        statements.push(target.event::<Device>(&action, now)?);
        Ok((Batch(statements), (outcome, stored, told)))
    })
    .await?;
    if let Some(told) = told {
        told.committed();
    }
    match outcome.refusal() {
        Some(refusal) => Err(refusal.into()),
        None => Ok(device),
    }
}
