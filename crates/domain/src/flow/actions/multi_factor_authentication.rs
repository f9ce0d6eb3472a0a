//! `MULTI_FACTOR_AUTHENTICATION`: a code to one of the user's devices.

use super::{Outcome, ask_who};
use crate::{
    authenticator::{
        attempts::{LockedAccount, UserFailures, WrongForDevice},
        sending::Denied,
    },
    flow::{
        effect::{Answer, AuditEvent, BypassReason, CounterState, Effect, FlowError, Subject},
        facts::{DeviceFacts, UserFacts},
        input::Verdict,
        policy::{DeviceSelection, MultiFactorAuthentication, NoDevicesMode},
        state::{Identification, Proof, ProofMethod},
        status::{Challenge, DeviceEntry, Failure, OneTimeCode, Status, UsableStatus},
        step,
        turn::{Sending, Turn},
    },
    ids::{DeviceId, MessageId},
    message::Channel,
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

/// Judges a submitted code, if there is one to judge it by.
pub(crate) fn check(turn: &mut Turn<'_>, verdict: Verdict) -> Result<Answer, FlowError> {
    let Status::OtpRequired {
        challenge:
            Challenge {
                device: id,
                sent_to,
                code,
                ..
            },
        ..
    } = turn.flow.status.clone()
    else {
        return Err(FlowError::FactsMissing);
    };
    let settings = turn.current_mfa().ok_or(FlowError::FactsMissing)?;
    let entry = turn
        .entries(&settings)
        .into_iter()
        .find(|entry| entry.id == id);
    let (Some(device), Some(entry)) = (turn.device(id).cloned(), entry) else {
        leave_device(
            turn,
            &settings,
            id,
            Failure::NoUsableDevices {
                unavailable: vec![id],
            },
        );
        return Ok(Answer::Refused(FlowError::OtpExpired));
    };
    if !is_usable(&entry) {
        let is_locked = entry.usable == UsableStatus::Locked;
        let until = device.locked_until.max(device.failures.state.locked_until);
        leave_device(
            turn,
            &settings,
            id,
            Failure::NoUsableDevices {
                unavailable: vec![id],
            },
        );
        return Ok(Answer::Refused(if is_locked {
            FlowError::LimitExceeded {
                cool_down_expires_at: until,
            }
        } else {
            FlowError::OtpExpired
        }));
    }
    let is_outstanding = |code: &OneTimeCode| {
        code.expires_at > turn.now() && code.round == device.failures.state.round
    };
    if !code.as_ref().is_some_and(is_outstanding) {
        return Err(FlowError::OtpExpired);
    }
    turn.judge_by(
        Subject::DeviceFailures(device.counted_as),
        device.failures.version,
    );
    let user = &turn.subject()?.user;
    let (of_user, version) = (
        Subject::UserFailures(user.counted_as),
        user.failures.version,
    );
    turn.judge_by(of_user, version);
    let proved = match verdict {
        Verdict::Wrong => None,
        Verdict::Matched if turn.flow.is_anonymous() => turn
            .devices_behind(&settings)
            .find(|behind| Some(behind.id) == sent_to),
        Verdict::Matched => Some(&device),
    };
    match proved {
        Some(proved) => accept(turn, &settings, &device, proved),
        None => refuse(turn, &settings, &device, sent_to),
    }
}

/// `proved`: the device itself, or the one behind that of a stand-in.
fn accept(
    turn: &mut Turn<'_>,
    settings: &MultiFactorAuthentication,
    device: &DeviceFacts,
    proved: &DeviceFacts,
) -> Result<Answer, FlowError> {
    let mut failures = device.failures.state;
    if failures.wrong > 0 {
        failures.wrong = 0;
        let state = CounterState::DeviceFailures(failures);
        turn.write(
            Subject::DeviceFailures(device.counted_as),
            device.failures.version,
            state,
        );
    }
    let user = &mut turn.subject_mut()?.user;
    let (id, version) = (user.counted_as, user.failures.version);
    if user.failures.state != UserFailures::default() {
        user.failures.state = UserFailures::default();
        turn.write(
            Subject::UserFailures(id),
            version,
            CounterState::UserFailures(UserFailures::default()),
        );
    }
    turn.settle_sends(device, settings)?;
    turn.audit(AuditEvent::CodeAccepted { device: proved.id });
    let method = match proved.kind.channel() {
        Channel::Sms => ProofMethod::Sms,
        Channel::Email => ProofMethod::Email,
    };
    if let Some(typed) = turn.flow.typed_name().map(str::to_owned) {
        let behind = turn.facts.subject.clone();
        turn.identify(
            behind.ok_or(FlowError::FactsMissing)?,
            Identification::Lookup { typed },
        );
    }
    let at = turn.now();
    turn.flow.proofs.push(Proof { method, at });
    turn.flow.action += 1;
    step::advance(turn)?;
    Ok(Answer::Accepted)
}

fn refuse(
    turn: &mut Turn<'_>,
    settings: &MultiFactorAuthentication,
    device: &DeviceFacts,
    sent_to: Option<DeviceId>,
) -> Result<Answer, FlowError> {
    let now = turn.now();
    let Some(method) = settings.method(device.kind).copied() else {
        return Err(FlowError::FactsMissing);
    };
    let WrongForDevice {
        failures,
        attempts_remaining,
        locked_until,
    } = device
        .failures
        .state
        .with_wrong(method.failure_count, method.cool_down, now);
    let is_anonymous = turn.flow.is_anonymous();
    turn.audit(AuditEvent::CodeRefused {
        device: if is_anonymous {
            sent_to
        } else {
            Some(device.id)
        },
        attempts_remaining,
    });
    let state = CounterState::DeviceFailures(failures);
    turn.write(
        Subject::DeviceFailures(device.counted_as),
        device.failures.version,
        state,
    );
    for other in turn
        .subject_mut()?
        .devices
        .iter_mut()
        .filter(|other| other.id == device.id)
    {
        other.failures.state = failures;
    }
    let account_lock = count_against_user(turn)?;

    if attempts_remaining == 0 {
        if let Some(until) = locked_until {
            if !is_anonymous {
                turn.effect(Effect::LockDevice {
                    device: device.id,
                    until,
                });
                turn.audit(AuditEvent::DeviceLocked {
                    device: device.id,
                    until,
                });
            }
            leave_device(turn, settings, device.id, Failure::LimitExceeded);
        } else if let Status::OtpRequired { challenge, .. } = &mut turn.flow.status {
            challenge.code = None;
        }
    }
    if let Some(locked) = account_lock
        && (locked.is_final || !settings.ignore_user_lock)
    {
        turn.fail(Failure::AccountNotUsable);
        return Ok(Answer::Refused(FlowError::LimitExceeded {
            cool_down_expires_at: locked.lock.until,
        }));
    }
    Ok(Answer::Refused(if attempts_remaining == 0 {
        FlowError::LimitExceeded {
            cool_down_expires_at: locked_until,
        }
    } else {
        FlowError::InvalidOtp { attempts_remaining }
    }))
}

/// Counts a wrong code of any device, and locks the account when there were too many.
fn count_against_user(turn: &mut Turn<'_>) -> Result<Option<LockedAccount>, FlowError> {
    let now = turn.now();
    let is_anonymous = turn.flow.is_anonymous();
    let lockout = turn.facts.lockout;
    let user = &mut turn.subject_mut()?.user;
    let (id, counted_as, version) = (user.id, user.counted_as, user.failures.version);
    let (failures, locked) = user.failures.state.with_wrong(lockout, now);
    if let Some(LockedAccount { lock, .. }) = locked {
        user.lock = Some(lock);
    }
    user.failures.state = failures;
    turn.write(
        Subject::UserFailures(counted_as),
        version,
        CounterState::UserFailures(failures),
    );
    if let Some(LockedAccount { lock, .. }) = locked
        && !is_anonymous
    {
        let until = lock.until;
        turn.effect(Effect::LockAccount { user: id, until });
        turn.audit(AuditEvent::AccountLocked { until });
    }
    Ok(locked)
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
