//! One step in the making: the flow as it will be, a working copy of the facts, and what is to be
//! written beside it.

mod devices;
mod sends;

use std::collections::BTreeMap;

use super::{
    effect::{Answer, AuditEvent, CounterState, Effect, FlowError, Subject, Transition},
    facts::{DeviceFacts, Facts, SubjectFacts},
    policy::{ActionKind, MultiFactorAuthentication, PolicyAction},
    state::{Flow, Identification, User},
    status::{Failure, Status},
};
use crate::{
    authenticator::{Versioned, sending::DailyHistory},
    ids::DeviceId,
    time::Timestamp,
};

/// What a message that cannot be sent means for the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Begun by authorize: a limit leaves the choice to the user; what waiting cannot mend is refused.
    Begun,
    /// Comes with something else that was achieved, which must not be lost.
    Incidental,
    /// Asked for: refused, and nothing changes.
    AskedFor,
}

#[derive(Debug, Clone)]
pub(crate) struct Turn<'a> {
    pub(crate) flow: Flow,
    pub(crate) facts: &'a Facts<'a>,
    /// The user, or the stand-in of a typed name, that the flow is about.
    pub(crate) subject: Option<SubjectFacts>,
    pub(crate) sending: Sending,
    /// `prompt=none`
    pub(crate) silent: bool,
    environment_sends: Versioned<DailyHistory>,
    strangers_sends: Versioned<DailyHistory>,
    judged: BTreeMap<Subject, i64>,
    written: BTreeMap<Subject, CounterState>,
    effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(flow: Flow, facts: &'a Facts<'a>, sending: Sending) -> Self {
        let subject = if flow.is_anonymous() {
            facts.stand_in.clone()
        } else {
            facts.subject.clone()
        };
        Self {
            flow,
            facts,
            subject,
            sending,
            silent: false,
            environment_sends: facts.environment_sends.clone(),
            strangers_sends: facts.strangers_sends.clone(),
            judged: BTreeMap::new(),
            written: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.facts.now
    }
    pub(crate) fn subject(&self) -> Result<&SubjectFacts, FlowError> {
        self.subject.as_ref().ok_or(FlowError::FactsMissing)
    }
    pub(crate) fn subject_mut(&mut self) -> Result<&mut SubjectFacts, FlowError> {
        self.subject.as_mut().ok_or(FlowError::FactsMissing)
    }
    pub(crate) fn device(&self, id: DeviceId) -> Option<&DeviceFacts> {
        self.subject
            .as_ref()?
            .devices
            .iter()
            .find(|device| device.id == id)
    }
    pub(crate) fn current_action(&self) -> Option<&PolicyAction> {
        self.flow.current_policy()?.actions.get(self.flow.action)
    }
    pub(crate) fn current_mfa(&self) -> Option<MultiFactorAuthentication> {
        match &self.current_action()?.kind {
            ActionKind::MultiFactorAuthentication(settings) => Some(settings.clone()),
            ActionKind::Login => None,
        }
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
    pub(crate) fn audit(&mut self, event: AuditEvent) {
        self.effect(Effect::Audit(event));
    }
    /// The outcome rests on this counter.
    pub(crate) fn judge_by(&mut self, subject: Subject, version: i64) {
        self.judged.insert(subject, version);
    }
    pub(crate) fn write(&mut self, subject: Subject, version: i64, state: CounterState) {
        self.judge_by(subject.clone(), version);
        self.written.insert(subject, state);
    }

    pub(crate) fn fail(&mut self, error: Failure) {
        self.audit(AuditEvent::FlowFailed {
            code: error.code().to_owned(),
        });
        self.flow.status = Status::Failed { error };
    }

    pub(crate) fn finish(self, answer: Answer) -> Transition {
        let Self {
            flow,
            judged,
            mut written,
            mut effects,
            ..
        } = self;
        effects.extend(judged.into_iter().map(
            |(subject, judged_by)| match written.remove(&subject) {
                Some(state) => Effect::SetCounter {
                    subject,
                    state,
                    judged_by,
                },
                None => Effect::CheckCounter { subject, judged_by },
            },
        ));
        Transition {
            flow,
            effects,
            answer,
        }
    }

    /// Why the user may not sign on now, if so.
    pub(crate) fn bar(&self, ignore_lock: bool) -> Option<Failure> {
        if !self.is_account_usable(ignore_lock) {
            Some(Failure::AccountNotUsable)
        } else if self.facts.is_permitted || self.flow.is_anonymous() {
            None
        } else {
            Some(Failure::NotPermitted)
        }
    }

    /// Enabled, verified, below the guard, and not locked unless the policy ignores that.
    pub(crate) fn is_account_usable(&self, ignore_lock: bool) -> bool {
        self.subject.as_ref().is_some_and(|subject| {
            let user = &subject.user;
            let lock = if self.flow.is_anonymous() {
                user.failures.state.lock
            } else {
                user.lock
            };
            user.is_usable(lock.filter(|_| !ignore_lock), self.now())
        })
    }

    /// Goes on for whoever has the typed name, who has proved something or is about to.
    pub(crate) fn identify(&mut self, subject: SubjectFacts, identified_by: Identification) {
        self.flow.user = Some(User::identified(&subject.user, identified_by));
        self.subject = Some(subject);
    }
}
