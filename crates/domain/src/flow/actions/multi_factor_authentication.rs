//! `MULTI_FACTOR_AUTHENTICATION`: a code to one of the user's devices.

mod answer;

pub(crate) use answer::check;

use super::{Outcome, ask_who};
use crate::{
    authenticator::sending::Denied,
    flow::{
        effect::{Answer, AuditEvent, BypassReason, FlowError},
        facts::UserFacts,
        policy::{DeviceSelection, MultiFactorAuthentication, NoDevicesMode},
        status::{DeviceEntry, Failure, Status, UsableStatus},
        turn::{Sending, Turn},
    },
    ids::{DeviceId, MessageId},
};

/// The action is due: the order of decisions.
pub(crate) fn run(
    turn: &mut Turn<'_>,
    settings: &MultiFactorAuthentication,
) -> Result<Outcome, FlowError> {
    if turn.flow.user.is_none() {
        return ask_who(turn);
    }
    let user = turn.subject()?.user.clone();
    if let Some(error) = turn.bar(settings.ignore_user_lock) {
        return Ok(Outcome::Fail(error));
    }
    if !user.mfa_enabled {
        return Ok(Outcome::Fail(Failure::MfaDisabled));
    }
    // A typed name alone must not pass for the user.
    if user
        .bypass_mfa_until
        .is_some_and(|until| until > turn.now())
        && turn.flow.is_vouched_for()
    {
        turn.audit(AuditEvent::MfaBypassed {
            reason: BypassReason::User,
        });
        return Ok(Outcome::Done);
    }
    let devices = turn.entries(settings);
    let usable: Vec<DeviceId> = devices
        .iter()
        .filter(|it| is_usable(it))
        .map(|it| it.id)
        .collect();
    let Some(&first) = usable.first() else {
        return Ok(without_usable_device(turn, settings, &user, &devices));
    };
    let let_choose = match settings.device_selection {
        DeviceSelection::AlwaysDisplayDevices => true,
        DeviceSelection::PromptToSelect => usable.len() > 1,
        DeviceSelection::DefaultToFirst => false,
    };
    if let_choose {
        return Ok(Outcome::Wait(Status::DeviceSelectionRequired {
            devices,
            not_sent: None,
        }));
    }
    if turn.silent {
        return Err(FlowError::LoginRequired);
    }
    match turn.send(first, settings)? {
        Ok(status) => Ok(Outcome::Wait(status)),
        Err(denied) => match (turn.sending, denied) {
            (Sending::Incidental, _) | (Sending::Begun, Denied::TooSoon { .. }) => {
                Ok(Outcome::Wait(turn.choice(devices, first, denied)))
            }
            (Sending::Begun | Sending::AskedFor, denied) => Err(turn.refusal(denied, first)),
        },
    }
}

fn is_usable(entry: &DeviceEntry) -> bool {
    entry.usable == UsableStatus::Usable
}

/// `noDevicesMode` is about having no device at all: devices that are locked or blocked switch
/// nothing off. Only a signed hint or a password may go on without a device, and nobody who holds a
/// role: a policy must not make an administrator of whoever vouches or guesses.
fn without_usable_device(
    turn: &mut Turn<'_>,
    settings: &MultiFactorAuthentication,
    user: &UserFacts,
    devices: &[DeviceEntry],
) -> Outcome {
    let is_vouched_for = turn.flow.is_hinted() || turn.flow.has_password_proof();
    let may_bypass = is_vouched_for && !user.holds_a_role;
    if settings.no_devices_mode == NoDevicesMode::Bypass && devices.is_empty() && may_bypass {
        turn.audit(AuditEvent::MfaBypassed {
            reason: BypassReason::NoDevices,
        });
        return Outcome::Done;
    }
    Outcome::Fail(Failure::NoUsableDevices {
        unavailable: devices.iter().map(|it| it.id).collect(),
    })
}

/// Chooses a device, or asks for a new code when it is the chosen one already.
pub(crate) fn select(turn: &mut Turn<'_>, device: DeviceId) -> Result<Answer, FlowError> {
    let settings = turn.current_mfa().ok_or(FlowError::FactsMissing)?;
    let devices = turn.entries(&settings);
    let Some(entry) = devices.iter().find(|entry| entry.id == device) else {
        let exists = turn.device(device).is_some_and(|device| device.is_active);
        return Err(if exists {
            FlowError::DeviceUnusable {
                status: UsableStatus::Disabled,
            }
        } else {
            FlowError::DeviceUnknown
        });
    };
    if !is_usable(entry) {
        return Err(FlowError::DeviceUnusable {
            status: entry.usable,
        });
    }
    turn.flow.status = turn
        .send(device, &settings)?
        .map_err(|denied| turn.refusal(denied, device))?;
    Ok(Answer::Accepted)
}

/// The chosen device does not do any more: another one, if there is one, else the end.
fn leave_device(
    turn: &mut Turn<'_>,
    settings: &MultiFactorAuthentication,
    left: DeviceId,
    error: Failure,
) {
    let devices = turn.entries(settings);
    let is_other = |entry: &DeviceEntry| is_usable(entry) && entry.id != left;
    if devices.iter().any(is_other) {
        turn.flow.status = Status::DeviceSelectionRequired {
            devices,
            not_sent: None,
        };
    } else {
        turn.fail(error);
    }
}

/// The worker could not deliver the message that carries the outstanding code. After a typed name
/// nobody is told: who has the name would show.
pub(crate) fn delivery_failed(
    turn: &mut Turn<'_>,
    message: MessageId,
) -> Result<Answer, FlowError> {
    let device = match &turn.flow.status {
        Status::OtpRequired { challenge, .. } if challenge.message == message => challenge.device,
        status => {
            return Err(FlowError::InvalidAction {
                action: None,
                status: status.name(),
            });
        }
    };
    let settings = turn.current_mfa().ok_or(FlowError::FactsMissing)?;
    turn.audit(AuditEvent::DeliveryFailed { message });
    if turn.flow.is_anonymous() {
        return Ok(Answer::Accepted);
    }
    leave_device(
        turn,
        &settings,
        device,
        Failure::NoUsableDevices {
            unavailable: vec![device],
        },
    );
    if let Status::DeviceSelectionRequired { devices, .. } = &turn.flow.status {
        turn.flow.status = turn.choice(devices.clone(), device, Denied::Undeliverable);
    }
    Ok(Answer::Accepted)
}
