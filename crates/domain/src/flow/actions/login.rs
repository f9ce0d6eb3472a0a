//! `LOGIN`: the password.

use super::Outcome;
use crate::flow::{
    effect::{Answer, AuditEvent, Effect, FlowError},
    facts::SubjectFacts,
    input::PasswordVerdict,
    state::{Identification, Proof, ProofMethod, User},
    status::{Failure, Status},
    step,
    turn::Turn,
};

/// The action is due. `is_conditional`: its condition asks for the password anew, so that an earlier
/// one in the session does not do.
pub(crate) fn run(turn: &Turn<'_>, is_conditional: bool) -> Outcome {
    let by_password = |proof: &Proof| proof.method == ProofMethod::Password;
    if turn.flow.proofs.iter().any(by_password) {
        return Outcome::Done;
    }
    let Some(user) = &turn.flow.user else {
        return Outcome::Wait(Status::UsernamePasswordRequired);
    };
    // Of a typed name nothing is told before the password is right.
    if user.typed().is_none()
        && let Some(error) = turn.bar(false)
    {
        return Outcome::Fail(error);
    }
    if !is_conditional && turn.flow.has_password_proof() {
        return Outcome::Done;
    }
    Outcome::Wait(Status::PasswordRequired)
}

pub(crate) fn check(
    turn: &mut Turn<'_>,
    names_a_user: bool,
    verdict: PasswordVerdict,
) -> Result<Answer, FlowError> {
    let known = turn.flow.user.clone();
    if let Some(user) = &known
        && user.typed().is_none()
        && turn.subject.is_none()
        && !names_a_user
    {
        turn.fail(Failure::AccountNotUsable);
        return Ok(Answer::Accepted);
    }
    let is_meant = |subject: &SubjectFacts| match &known {
        Some(user) => user.id == subject.user.id,
        None => names_a_user,
    };
    let candidate = turn
        .subject
        .clone()
        .filter(is_meant)
        .filter(|_| !turn.is_decoy());
    let Some(SubjectFacts {
        user: candidate, ..
    }) = candidate
    else {
        turn.audit(AuditEvent::PasswordRefused);
        return Ok(Answer::Refused(FlowError::InvalidCredentials));
    };
    // That a password is locked, or that there is none, tells that there is a user: so it is told
    // only where more than a typed name says so.
    let is_vouched_for = known.as_ref().is_some_and(|user| user.typed().is_none());
    match verdict {
        PasswordVerdict::LockedOut { until } if is_vouched_for => {
            return Err(FlowError::PasswordLockedOut { until });
        }
        PasswordVerdict::NoPassword if is_vouched_for => return Err(FlowError::NoPassword),
        PasswordVerdict::LockedOut { .. } | PasswordVerdict::NoPassword => {
            turn.audit(AuditEvent::PasswordRefused);
            return Ok(Answer::Refused(FlowError::InvalidCredentials));
        }
        PasswordVerdict::Wrong => {
            turn.effect(Effect::RecordPasswordAttempt {
                user: candidate.id,
                matched: false,
            });
            turn.audit(AuditEvent::PasswordRefused);
            return Ok(Answer::Refused(FlowError::InvalidCredentials));
        }
        PasswordVerdict::Matched | PasswordVerdict::ChangeRequired => {}
    }
    if !turn.is_account_usable(false) {
        return Err(FlowError::AccountNotUsable);
    }
    if verdict == PasswordVerdict::ChangeRequired {
        return Err(FlowError::PasswordChangeRequired);
    }
    let identified_by = match known.map(|user| user.identified_by) {
        Some(Identification::SignedHint) => Identification::SignedHint,
        Some(
            Identification::Session
            | Identification::Password
            | Identification::Lookup { .. }
            | Identification::Decoy { .. },
        )
        | None => Identification::Password,
    };
    let now = turn.now();
    turn.effect(Effect::RecordPasswordAttempt {
        user: candidate.id,
        matched: true,
    });
    turn.audit(AuditEvent::PasswordAccepted);
    turn.flow.user = Some(User::identified(&candidate, identified_by));
    turn.flow.proofs.push(Proof {
        method: ProofMethod::Password,
        at: now,
    });
    step::advance(turn)?;
    Ok(Answer::Accepted)
}
