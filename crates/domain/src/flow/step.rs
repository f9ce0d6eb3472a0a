//! The engine: [`begin`] and [`step`]. `Err` is for what changes nothing; everything that has to be
//! saved, a wrong guess included, is a [`Transition`].

use serde_json::Value;

use super::{
    actions::{Outcome, ask_who, login, multi_factor_authentication as mfa},
    effect::{Answer, AuditEvent, FlowError, Transition},
    facts::{Facts, SessionFacts, UserFacts},
    input::Input,
    policy::{ActionKind, PolicyAction},
    state::{Flow, Identification, ProofMethod, Start, User},
    status::{Failure, Status},
    turn::{Sending, Turn},
};
use crate::condition::{Condition, Scope};

impl User {
    pub(crate) fn identified(user: &UserFacts, identified_by: Identification) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            given_name: user.given_name.clone(),
            family_name: user.family_name.clone(),
            identified_by,
        }
    }
}

/// Begins a flow. With `hinted`, the facts hold the hinted user; else the session's, if any.
///
/// A session whose user cannot go on is as good as none: else nobody else could sign on in that
/// browser before it ends. Whom the application does not let in is told so.
pub fn begin(mut start: Start, facts: &Facts<'_>) -> Result<Transition, FlowError> {
    if start.hinted {
        return begin_for(start, facts);
    }
    start.signed_on = start.signed_on.filter(|_| !start.prompt_login);
    if start.signed_on.is_none() {
        return begin_for(start, facts);
    }
    let of_session = begin_for(start.clone(), facts)?;
    match &of_session.flow.status {
        Status::Failed { error } if *error != Failure::NotPermitted => {
            start.signed_on = None;
            begin_for(start, facts)
        }
        _ => Ok(of_session),
    }
}

/// Begins for the hinted user, else for the one of `signed_on`, else for nobody.
fn begin_for(start: Start, facts: &Facts<'_>) -> Result<Transition, FlowError> {
    let now = facts.now;
    let subject = facts.subject.as_ref().map(|subject| &subject.user);
    let of_subject = |user| subject.is_some_and(|subject| subject.id == user);
    let signed_on = start.signed_on.filter(|session| of_subject(session.user));
    let user = match (subject, start.hinted) {
        (Some(subject), true) => Some(User::identified(subject, Identification::SignedHint)),
        (None, true) => return Err(FlowError::FactsMissing),
        (Some(subject), false) if signed_on.is_some() => {
            Some(User::identified(subject, Identification::Session))
        }
        (Some(_) | None, false) => None,
    };
    let last_sign_on = signed_on.as_ref().and_then(SessionFacts::last_proof);
    let is_too_old = start.max_age.is_some_and(|max_age| {
        max_age.is_zero() || last_sign_on.is_none_or(|last| now.since(last) > max_age)
    });
    let flow = Flow {
        id: start.id,
        environment: start.environment,
        application: start.application,
        response_mode: start.response_mode,
        authorization_request: start.authorization_request,
        session: start.session,
        signed_on,
        remote_ip: start.remote_ip,
        login_hint: start.login_hint,
        reauthenticate: start.prompt_login || is_too_old,
        requires_hint: start.requires_hint,
        unconditional: false,
        user,
        policies: start.policies,
        policy: 0,
        action: 0,
        proofs: Vec::new(),
        created_at: now,
        touched_at: now,
        status: Status::SignOnRequired,
    };
    let mut turn = Turn::new(flow, facts, Sending::Begun);
    turn.subject = turn.subject.filter(|_| turn.flow.user.is_some());
    turn.silent = start.prompt_none;
    turn.audit(AuditEvent::FlowStarted {
        hinted: start.hinted,
    });
    advance(&mut turn)?;
    Ok(turn.finish(Answer::Accepted))
}

/// Judges one input.
pub fn step(flow: &Flow, input: &Input, facts: &Facts<'_>) -> Result<Transition, FlowError> {
    if flow.is_expired(facts.now) {
        return Err(FlowError::FlowExpired);
    }
    if let Some(action) = input.action()
        && !flow.offers(action)
    {
        return Err(FlowError::InvalidAction {
            action: Some(action),
            status: flow.status.name(),
        });
    }
    let sending = match input {
        Input::SessionReset | Input::DeviceSelected { .. } => Sending::AskedFor,
        Input::UserLookedUp { .. }
        | Input::PasswordChecked { .. }
        | Input::OtpChecked { .. }
        | Input::DeliveryFailed { .. } => Sending::Incidental,
    };
    let mut turn = Turn::new(flow.clone(), facts, sending);
    if input.action().is_some() {
        turn.flow.touch(facts.now);
    }
    if let Some(error) = lost_account(&turn, input)? {
        turn.fail(error);
        return Ok(turn.finish(Answer::Accepted));
    }
    let answer = match input {
        Input::SessionReset => reset(&mut turn)?,
        Input::UserLookedUp { username } => look_up(&mut turn, username)?,
        Input::PasswordChecked { username, verdict } => {
            login::check(&mut turn, username.as_deref(), *verdict)?
        }
        Input::DeviceSelected { device } => mfa::select(&mut turn, *device)?,
        Input::OtpChecked { verdict } => mfa::check(&mut turn, *verdict)?,
        Input::DeliveryFailed { message } => mfa::delivery_failed(&mut turn, *message)?,
    };
    Ok(turn.finish(answer))
}

/// What ends the flow, if the user was deleted, disabled, locked, shut out or relieved of MFA since
/// the last step.
fn lost_account(turn: &Turn<'_>, input: &Input) -> Result<Option<Failure>, FlowError> {
    let Some(user) = &turn.flow.user else {
        return Ok(None);
    };
    if *input == Input::SessionReset && !turn.flow.is_hinted() {
        return Ok(None);
    }
    match turn.flow.status {
        Status::DeviceSelectionRequired { .. } | Status::OtpRequired { .. } => {}
        Status::PasswordRequired if *input == Input::SessionReset => {}
        Status::SignOnRequired
        | Status::UsernamePasswordRequired
        | Status::PasswordRequired
        | Status::Completed
        | Status::Failed { .. } => return Ok(None),
    }
    match &turn.subject {
        Some(subject) if subject.user.id != user.id => Err(FlowError::FactsMissing),
        None if turn.flow.is_anonymous() => Err(FlowError::FactsMissing),
        None => Ok(Some(Failure::AccountNotUsable)),
        Some(subject) => {
            let settings = turn.current_mfa();
            let ignore_lock = settings.as_ref().is_some_and(|it| it.ignore_user_lock);
            let is_off = settings.is_some() && !subject.user.mfa_enabled;
            Ok(turn
                .bar(ignore_lock)
                .or(is_off.then_some(Failure::MfaDisabled)))
        }
    }
}

/// Starts again: for the same user when a signed hint names them, else for anybody.
fn reset(turn: &mut Turn<'_>) -> Result<Answer, FlowError> {
    if !turn.flow.is_hinted() {
        turn.flow.user = None;
        turn.flow.signed_on = None;
        turn.subject = None;
    }
    turn.flow.proofs.clear();
    turn.flow.policy = 0;
    turn.flow.action = 0;
    turn.flow.unconditional = false;
    turn.audit(AuditEvent::FlowReset);
    advance(turn)?;
    Ok(Answer::Accepted)
}

/// Goes on for the stand-in of a typed name: nobody may learn from here which names there are.
fn look_up(turn: &mut Turn<'_>, username: &str) -> Result<Answer, FlowError> {
    let stand_in = turn.facts.stand_in.clone();
    let typed = username.trim().to_owned();
    turn.identify(
        stand_in.ok_or(FlowError::FactsMissing)?,
        Identification::Lookup { typed },
    );
    turn.audit(AuditEvent::UserLookedUp {
        found: turn.facts.subject.is_some(),
    });
    advance(turn)?;
    Ok(Answer::Accepted)
}

/// Runs the actions of the policy that are due, until one has to wait, all are done, or all
/// policies have failed.
pub(crate) fn advance(turn: &mut Turn<'_>) -> Result<(), FlowError> {
    loop {
        let Some(policy) = turn.flow.current_policy() else {
            turn.fail(Failure::PolicyFailed);
            return Ok(());
        };
        let outcome = if policy.actions.is_empty() {
            Outcome::Fail(Failure::PolicyFailed)
        } else if let Some(action) = policy.actions.get(turn.flow.action).cloned() {
            run(turn, &action)?
        } else if turn.flow.is_vouched_for() {
            let (policy, ignore_lock) = (policy.name.clone(), policy.ignores_user_lock());
            // Where every action was left out, nothing has asked yet.
            if let Some(error) = turn.bar(ignore_lock) {
                turn.fail(error);
                return Ok(());
            }
            turn.audit(AuditEvent::FlowCompleted { policy });
            turn.flow.status = Status::Completed;
            return Ok(());
        } else if turn.flow.unconditional {
            Outcome::Fail(Failure::PolicyFailed)
        } else {
            turn.flow.unconditional = true;
            turn.flow.action = 0;
            continue;
        };
        match outcome {
            Outcome::Done => turn.flow.action += 1,
            Outcome::Wait(_) if turn.silent => return Err(FlowError::LoginRequired),
            Outcome::Wait(status) => {
                turn.flow.status = status;
                return Ok(());
            }
            Outcome::Fail(error) => {
                let is_last = turn.flow.policy + 1 >= turn.flow.policies.len();
                if is_last {
                    turn.fail(error);
                    return Ok(());
                }
                turn.flow.policy += 1;
                turn.flow.action = 0;
                turn.flow.unconditional = false;
            }
        }
    }
}

fn run(turn: &mut Turn<'_>, action: &PolicyAction) -> Result<Outcome, FlowError> {
    let is_forced = turn.flow.unconditional && turn.flow.action == 0;
    let condition = action.condition.as_ref().filter(|_| !is_forced);
    if turn.flow.user.is_none() && condition.is_some_and(Condition::asks_for_the_user) {
        return ask_who(turn);
    }
    match &action.kind {
        ActionKind::Login => {
            if !is_forced && !turn.flow.reauthenticate && !is_due(turn, action) {
                return Ok(Outcome::Done);
            }
            Ok(login::run(turn, action.condition.is_some()))
        }
        ActionKind::MultiFactorAuthentication(settings) => {
            if !is_forced && !is_due(turn, action) {
                return Ok(Outcome::Done);
            }
            mfa::run(turn, settings)
        }
    }
}

/// Whether the action's condition is true. What was proved in this flow counts like a sign-on of
/// the session; when earlier ones have to be repeated, only this flow counts. Of whoever has a typed
/// name nothing is told, so what is asked of some is asked of all.
fn is_due(turn: &Turn<'_>, action: &PolicyAction) -> bool {
    let Some(condition) = &action.condition else {
        return true;
    };
    let flow = &turn.flow;
    if flow.is_anonymous() && condition.asks_for_the_user() {
        return true;
    }
    let user = turn.subject.as_ref().filter(|_| flow.user.is_some());
    condition.holds(&Scope {
        now: turn.now(),
        password_at: flow.proved_at(ProofMethod::is_password),
        mfa_at: flow.proved_at(|method| !method.is_password()),
        remote_ip: flow.remote_ip,
        identifier: flow.user.as_ref().map(User::identifier),
        user: user.map_or(&Value::Null, |subject| &subject.user.attributes),
    })
}
