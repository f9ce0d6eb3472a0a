//! A code that was submitted.

use super::{is_usable, leave_device};
use crate::{
    authenticator::attempts::{LockedAccount, UserFailures, WrongForDevice},
    flow::{
        effect::{Answer, AuditEvent, CounterState, Effect, FlowError, Subject},
        facts::DeviceFacts,
        input::Verdict,
        policy::MultiFactorAuthentication,
        proofs::{Proof, ProofMethod},
        state::Identification,
        status::{Challenge, Failure, OneTimeCode, Status, UsableStatus},
        step,
        turn::Turn,
    },
    ids::DeviceId,
    message::Channel,
};

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
