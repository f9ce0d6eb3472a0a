//! `LOGIN`: the password.

use super::Outcome;
use crate::{
    flow::{
        effect::{Answer, AuditEvent, Effect, FlowError},
        facts::SubjectFacts,
        input::PasswordVerdict,
        proofs::{Proof, ProofMethod},
        state::Identification,
        status::{Failure, Status},
        step,
        turn::Turn,
    },
    name,
};

/// The action is due. `is_conditional`: its condition asks for the password anew, so that an earlier
/// one in the session does not do.
pub(crate) fn run(turn: &Turn<'_>, is_conditional: bool) -> Outcome {
    let by_password = |proof: &Proof| proof.method == ProofMethod::Password;
    if turn.flow.proofs.iter().any(by_password) {
        return Outcome::Done;
    }
    if turn.flow.user.is_none() {
        return Outcome::Wait(Status::UsernamePasswordRequired);
    }
    // Of a typed name nothing is told before the password is right.
    if !turn.flow.is_anonymous()
        && let Some(error) = turn.bar(false)
    {
        return Outcome::Fail(error);
    }
    if !is_conditional && turn.flow.has_password_proof() {
        return Outcome::Done;
    }
    Outcome::Wait(Status::PasswordRequired)
}

/// `username`: whose password it is, where it was typed with it.
pub(crate) fn check(
    turn: &mut Turn<'_>,
    username: Option<&str>,
    verdict: PasswordVerdict,
) -> Result<Answer, FlowError> {
    let known = turn.flow.user.clone();
    let is_vouched_for = known.is_some() && !turn.flow.is_anonymous();
    if is_vouched_for && turn.subject.is_none() && username.is_none() {
        turn.fail(Failure::AccountNotUsable);
        return Ok(Answer::Accepted);
    }
    let is_meant = |subject: &&SubjectFacts| match (&known, turn.flow.typed_name()) {
        (Some(_), Some(typed)) => {
            username.is_none_or(|username| name::fold(username) == name::fold(typed))
        }
        (Some(user), None) => user.id == subject.user.id,
        (None, _) => username.is_some(),
    };
    let candidate = turn.facts.subject.as_ref().filter(is_meant).cloned();
    let Some(candidate) = candidate else {
        turn.audit(AuditEvent::PasswordRefused);
        return Ok(Answer::Refused(FlowError::InvalidCredentials));
    };
    // That a password is locked, or that there is none, tells that there is a user: so it is told
    // only where more than a typed name says so.
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
                user: candidate.user.id,
                matched: false,
            });
            turn.audit(AuditEvent::PasswordRefused);
            return Ok(Answer::Refused(FlowError::InvalidCredentials));
        }
        PasswordVerdict::Matched | PasswordVerdict::ChangeRequired => {}
    }
    let identified_by = match known.map(|user| user.identified_by) {
        Some(Identification::SignedHint) => Identification::SignedHint,
        Some(
            Identification::Session | Identification::Password | Identification::Lookup { .. },
        )
        | None => Identification::Password,
    };
    let (user, now) = (candidate.user.id, turn.now());
    turn.identify(candidate, identified_by);
    if !turn.is_account_usable(false) {
        return Err(FlowError::AccountNotUsable);
    }
    if verdict == PasswordVerdict::ChangeRequired {
        return Err(FlowError::PasswordChangeRequired);
    }
    turn.effect(Effect::RecordPasswordAttempt {
        user,
        matched: true,
    });
    turn.audit(AuditEvent::PasswordAccepted);
    turn.flow.proofs.push(Proof {
        method: ProofMethod::Password,
        at: now,
    });
    step::advance(turn)?;
    Ok(Answer::Accepted)
}
