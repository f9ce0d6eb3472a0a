//! One step in the making: the flow as it will be, a working copy of the facts, and what is to be
//! written beside it.

use std::collections::BTreeMap;

use super::{
    effect::{Answer, AuditEvent, CounterState, Effect, FlowError, SendCode, Subject, Transition},
    facts::{DeviceFacts, Facts, SubjectFacts},
    policy::{ActionKind, MultiFactorAuthentication, PolicyAction},
    state::{Flow, Identification, User},
    status::{Challenge, DeviceEntry, Failure, NotSent, OneTimeCode, Status, UsableStatus},
};
use crate::{
    authenticator::{
        DeviceType, Versioned, mask,
        sending::{self, Changed, CountryLimit, DailyHistory, Denied, Histories},
    },
    ids::DeviceId,
    phone,
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

    /// The active devices of the types that the policy lets through, in the user's order. Of a typed
    /// name it is one: the first that a message can be sent to.
    pub(crate) fn entries(&self, settings: &MultiFactorAuthentication) -> Vec<DeviceEntry> {
        let devices = self.subject.iter().flat_map(|subject| &subject.devices);
        let shown =
            devices.filter(|device| device.is_active && settings.method(device.kind).is_some());
        let mut entries: Vec<_> = shown
            .map(|device| DeviceEntry {
                id: device.id,
                kind: device.kind,
                masked_address: masked(device),
                nickname: device.nickname.clone(),
                usable: self.usable(device),
                locked_until: device.locked_until.max(device.failures.state.locked_until),
            })
            .collect();
        if self.flow.is_anonymous() {
            let senders = self.facts.senders;
            entries.sort_by_key(|entry| !senders.has(entry.kind.channel()));
            entries.truncate(1);
        }
        entries
    }

    /// Where a code can go that a typed name asks for: the usable devices of whoever has the name, in
    /// their order, if they may sign on.
    pub(crate) fn devices_behind(
        &self,
        settings: &MultiFactorAuthentication,
    ) -> impl Iterator<Item = &'a DeviceFacts> {
        let now = self.now();
        let behind = self.facts.subject.as_ref().filter(|behind| {
            let lock = behind.user.lock.filter(|_| !settings.ignore_user_lock);
            let may_sign_on = behind.user.is_usable(lock, now) && behind.user.mfa_enabled;
            self.facts.is_permitted && may_sign_on
        });
        let devices = behind.into_iter().flat_map(|behind| &behind.devices);
        devices.filter(move |device| {
            let is_shown = device.is_active && settings.method(device.kind).is_some();
            let reach = sending::reach(
                device.kind.channel(),
                device.address.expose(),
                &settings.notifications,
                self.facts.senders,
            );
            is_shown && reach.is_ok() && self.usable(device) == UsableStatus::Usable
        })
    }

    fn usable(&self, device: &DeviceFacts) -> UsableStatus {
        let locked_until = device.locked_until.max(device.failures.state.locked_until);
        if device.is_blocked {
            UsableStatus::Blocked
        } else if locked_until.is_some_and(|until| until > self.now()) {
            UsableStatus::Locked
        } else {
            UsableStatus::Usable
        }
    }

    /// Sends the drawn code to a usable device, or tells why not; only then does anything change.
    pub(crate) fn send(
        &mut self,
        id: DeviceId,
        settings: &MultiFactorAuthentication,
    ) -> Result<Result<Status, Denied>, FlowError> {
        let now = self.now();
        let device = self.device(id).cloned().ok_or(FlowError::DeviceUnknown)?;
        let channel = device.kind.channel();
        let Some(method) = settings.method(device.kind).copied() else {
            return Err(FlowError::DeviceUnusable {
                status: UsableStatus::Disabled,
            });
        };
        let is_anonymous = self.flow.is_anonymous();
        let mut policy = settings.notifications.clone();
        let mut floors = self.facts.floors;
        if is_anonymous {
            // In which country whoever has the name is must not show.
            policy.country_limit = CountryLimit::None;
            floors.address_hourly = floors.address_hourly.min(floors.typed_name_hourly);
        }
        let before = self.histories(&device)?;
        let verdict = sending::judge(&sending::Request {
            now,
            flow: Some(self.flow.id),
            channel,
            address: device.address.expose(),
            policy: &policy,
            floors: &floors,
            senders: self.facts.senders,
            before: &before,
        });
        match verdict {
            Ok(changed) => self.write_histories(&device, &before, changed)?,
            Err(denied) => return Ok(Err(denied)),
        }
        let message = self.facts.new_code.message();
        let receiver = if is_anonymous {
            self.devices_behind(settings).next().cloned()
        } else {
            Some(device.clone())
        };
        let to = receiver.as_ref().unwrap_or(&device);
        self.effect(Effect::SendCode(SendCode {
            message,
            channel: to.kind.channel(),
            address: to.address.clone(),
            code_length: method.otp_length,
            code_life: method.otp_life,
        }));
        self.audit(match &receiver {
            Some(receiver) => AuditEvent::CodeSent {
                device: receiver.id,
                device_type: receiver.kind,
            },
            None => AuditEvent::CodeForNobody,
        });
        let code = OneTimeCode {
            hash: self.facts.new_code.hash(method.otp_length),
            sent_at: now,
            expires_at: now + method.otp_life,
            round: device.failures.state.round,
        };
        let challenge = Challenge {
            device: id,
            sent_to: receiver.filter(|_| is_anonymous).map(|it| it.id),
            message,
            code: Some(code),
        };
        Ok(Ok(Status::OtpRequired {
            devices: self.entries(settings),
            challenge,
        }))
    }

    /// What strangers ask for uses up nothing of what the others may.
    fn sends_of_environment(&mut self) -> (Subject, &mut Versioned<DailyHistory>) {
        if self.flow.is_anonymous() {
            (Subject::StrangersSends, &mut self.strangers_sends)
        } else {
            (Subject::EnvironmentSends, &mut self.environment_sends)
        }
    }

    /// Goes on for whoever has the typed name, who has proved something or is about to.
    pub(crate) fn identify(&mut self, subject: SubjectFacts, identified_by: Identification) {
        self.flow.user = Some(User::identified(&subject.user, identified_by));
        self.subject = Some(subject);
    }

    /// Lets the user choose, and says why no code went to this device.
    pub(crate) fn choice(&self, devices: Vec<DeviceEntry>, id: DeviceId, denied: Denied) -> Status {
        let not_sent = self.device(id).map(|device| NotSent {
            device: id,
            channel: device.kind.channel(),
            denied,
            earlier: device.sends.state.flow.filter(|&flow| flow != self.flow.id),
        });
        Status::DeviceSelectionRequired { devices, not_sent }
    }

    pub(crate) fn refusal(&self, denied: Denied, device: DeviceId) -> FlowError {
        let channel = self.device(device).map(|device| device.kind.channel());
        match (denied, channel) {
            (Denied::NoSender | Denied::Undeliverable, _) | (_, None) => FlowError::SendFailed,
            (Denied::CountryDenied, _) => FlowError::CountryDenied,
            (Denied::QuotaExceeded { limit, resets_at }, _) => {
                FlowError::QuotaExceeded { limit, resets_at }
            }
            (Denied::TooSoon { until }, Some(channel)) => FlowError::RateLimited {
                retry_after: until.since(self.now()),
                cool_down_expires_at: until,
                channel,
            },
        }
    }

    /// Notes in the send histories that a code which this device was sent has been used.
    pub(crate) fn settle_sends(
        &mut self,
        device: &DeviceFacts,
        settings: &MultiFactorAuthentication,
    ) -> Result<(), FlowError> {
        let before = self.histories(device)?;
        let (channel, policy) = (device.kind.channel(), &settings.notifications);
        let changed = sending::used(channel, policy, &before, self.now());
        // A next action of the policy may send as well: it goes by what is written here.
        if let Some(environment) = changed.environment {
            self.sends_of_environment().1.state = environment;
        }
        let subject = self.subject_mut()?;
        if let Some(user) = changed.user {
            subject.user.sends.state = user;
        }
        if let Some(address) = &changed.address {
            let same = |other: &&mut DeviceFacts| other.address_key == device.address_key;
            for other in subject.devices.iter_mut().filter(same) {
                other.sends.state.clone_from(address);
            }
        }
        self.write_histories(device, &before, changed)
    }

    /// What was sent before to this device, to its user, and in the environment.
    fn histories(&mut self, device: &DeviceFacts) -> Result<Histories, FlowError> {
        Ok(Histories {
            address: device.sends.clone(),
            user: self.subject()?.user.sends.clone(),
            environment: self.sends_of_environment().1.clone(),
        })
    }

    fn write_histories(
        &mut self,
        device: &DeviceFacts,
        before: &Histories,
        changed: Changed,
    ) -> Result<(), FlowError> {
        if let Some(address) = changed.address {
            let subject = Subject::AddressSends(device.address_key.clone());
            let state = CounterState::AddressSends(address);
            self.write(subject, before.address.version, state);
        }
        if let Some(user) = changed.user {
            let subject = Subject::UserSends(self.subject()?.user.counted_as);
            self.write(subject, before.user.version, CounterState::DailySends(user));
        }
        if let Some(environment) = changed.environment {
            let subject = self.sends_of_environment().0;
            let state = CounterState::DailySends(environment);
            self.write(subject, before.environment.version, state);
        }
        Ok(())
    }
}

fn masked(device: &DeviceFacts) -> String {
    let address = device.address.expose();
    match device.kind {
        DeviceType::Sms if address.is_empty() => mask::SOME_PHONE.to_owned(),
        DeviceType::Sms => mask::phone(&phone::digits(address)),
        DeviceType::Email if address.is_empty() => mask::SOME_EMAIL.to_owned(),
        DeviceType::Email => mask::email(address),
    }
}
