//! One step in the making: the flow as it will be, a working copy of the facts, and what is to be
//! written beside it.

use std::collections::BTreeMap;

use super::{
    delivery::{self, CountryLimit, DailyHistory, Denied},
    effect::{Answer, AuditEvent, CounterState, Effect, FlowError, SendCode, Subject, Transition},
    facts::{DeviceFacts, Facts, SubjectFacts, Versioned},
    ids::DeviceId,
    policy::{ActionKind, MultiFactorAuthentication, PolicyAction},
    state::Flow,
    status::{Challenge, DeviceEntry, Failure, NotSent, OneTimeCode, Status, UsableStatus},
};
use crate::{flow::policy::DeviceType, phone, time::Timestamp};

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
    /// The user, or the decoy, that the flow is about.
    pub(crate) subject: Option<SubjectFacts>,
    pub(crate) sending: Sending,
    /// `prompt=none`
    pub(crate) silent: bool,
    environment_sends: Versioned<DailyHistory>,
    judged: BTreeMap<Subject, i64>,
    written: BTreeMap<Subject, CounterState>,
    effects: Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(flow: Flow, facts: &'a Facts<'a>, sending: Sending) -> Self {
        let is_decoy = flow.user.as_ref().is_some_and(super::state::User::is_decoy);
        let subject = if is_decoy {
            facts.decoy.clone()
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
            judged: BTreeMap::new(),
            written: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.facts.now
    }
    pub(crate) fn is_decoy(&self) -> bool {
        self.flow
            .user
            .as_ref()
            .is_some_and(super::state::User::is_decoy)
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
        } else if self.facts.is_permitted || self.is_decoy() {
            None
        } else {
            Some(Failure::NotPermitted)
        }
    }

    /// Enabled, verified, below the guard, and not locked unless the policy ignores that.
    pub(crate) fn is_account_usable(&self, ignore_lock: bool) -> bool {
        self.subject.as_ref().is_some_and(|subject| {
            let user = &subject.user;
            let lock = if self.is_decoy() {
                user.failures.state.lock
            } else {
                user.lock
            };
            user.is_usable(lock.filter(|_| !ignore_lock), self.now())
        })
    }

    /// The active devices of the types that the policy lets through, in the user's order.
    pub(crate) fn entries(&self, settings: &MultiFactorAuthentication) -> Vec<DeviceEntry> {
        let devices = self.subject.iter().flat_map(|subject| &subject.devices);
        let shown =
            devices.filter(|device| device.is_active && settings.method(device.kind).is_some());
        // A nickname would tell that somebody is behind a name that anybody can type.
        let is_anonymous = self
            .flow
            .user
            .as_ref()
            .is_some_and(|user| user.typed().is_some())
            && !self.flow.is_vouched_for();
        shown
            .map(|device| DeviceEntry {
                id: device.id,
                kind: device.kind,
                masked_address: masked(device),
                nickname: device.nickname.clone().filter(|_| !is_anonymous),
                usable: self.usable(device),
                locked_until: device.locked_until.max(device.failures.state.locked_until),
            })
            .collect()
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
        let user = self.subject()?.user.clone();
        let (Some(method), Some(channel)) =
            (settings.method(device.kind).copied(), device.kind.channel())
        else {
            return Err(FlowError::DeviceUnusable {
                status: UsableStatus::Disabled,
            });
        };
        let mut policy = settings.notifications.clone();
        if self.is_decoy() {
            // Nothing is sent there, so its country does not matter; that it has none would show.
            policy.country_limit = CountryLimit::None;
        }
        let verdict = delivery::judge(&delivery::Request {
            now,
            flow: Some(self.flow.id),
            channel,
            address: device.address.expose(),
            policy: &policy,
            floors: &self.facts.floors,
            senders: self.facts.senders,
            address_history: &device.sends.state,
            user_history: &user.sends.state,
            environment_history: &self.environment_sends.state,
        });
        let permitted = match verdict {
            Ok(permitted) => permitted,
            Err(denied) => return Ok(Err(denied)),
        };
        let of_address = Subject::AddressSends(device.address_key.clone());
        self.write(
            of_address,
            device.sends.version,
            CounterState::AddressSends(permitted.address),
        );
        let of_user = Subject::UserSends(user.id);
        self.write(
            of_user,
            user.sends.version,
            CounterState::DailySends(permitted.user),
        );
        if let Some(history) = permitted.environment {
            let version = self.environment_sends.version;
            self.write(
                Subject::EnvironmentSends,
                version,
                CounterState::DailySends(history),
            );
        }
        let message = self.facts.new_code.message();
        if !self.is_decoy() {
            self.effect(Effect::SendCode(SendCode {
                message,
                user: user.id,
                device: id,
                channel,
                address: device.address.clone(),
                code_length: method.otp_length,
                code_life: method.otp_life,
            }));
            self.audit(AuditEvent::CodeSent {
                device: id,
                device_type: device.kind,
            });
        }
        let code = OneTimeCode {
            hash: self.facts.new_code.hash(method.otp_length),
            sent_at: now,
            expires_at: now + method.otp_life,
            round: device.failures.state.round,
        };
        let challenge = Challenge {
            device: id,
            message,
            code: Some(code),
        };
        Ok(Ok(Status::OtpRequired {
            devices: self.entries(settings),
            challenge,
        }))
    }

    /// Lets the user choose, and says why no code went to this device.
    pub(crate) fn choice(&self, devices: Vec<DeviceEntry>, id: DeviceId, denied: Denied) -> Status {
        let not_sent = self.device(id).and_then(|device| {
            Some(NotSent {
                device: id,
                channel: device.kind.channel()?,
                denied,
                earlier: device.sends.state.flow.filter(|&flow| flow != self.flow.id),
            })
        });
        Status::DeviceSelectionRequired { devices, not_sent }
    }

    pub(crate) fn refusal(&self, denied: Denied, device: DeviceId) -> FlowError {
        let channel = self.device(device).and_then(|device| device.kind.channel());
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
    ) {
        let (Some(channel), Some(subject)) = (device.kind.channel(), &self.subject) else {
            return;
        };
        let now = self.now();
        let (user, sends) = (subject.user.id, subject.user.sends.clone());
        let cooldown = settings.notifications.cooldown(channel);
        let claims = settings.notifications.counts_claims(channel);
        let mut daily = sends.state;
        match cooldown {
            Some(cooldown) if cooldown.per_user => daily = daily.settled(channel),
            Some(_) => {
                let mut history = device.sends.state.clone();
                history.series = delivery::Series::default();
                let of_address = Subject::AddressSends(device.address_key.clone());
                self.write(
                    of_address,
                    device.sends.version,
                    CounterState::AddressSends(history),
                );
            }
            None => {}
        }
        if claims {
            daily = daily.claimed(channel, now);
            if settings.notifications.has_environment_quota() {
                let Versioned { version, state } = self.environment_sends;
                let state = CounterState::DailySends(state.claimed(channel, now));
                self.write(Subject::EnvironmentSends, version, state);
            }
        }
        if daily != sends.state {
            self.write(
                Subject::UserSends(user),
                sends.version,
                CounterState::DailySends(daily),
            );
        }
        // A next action of the policy may send as well: it goes by what is written here.
        if let Some(subject) = &mut self.subject {
            subject.user.sends.state = daily;
            for other in subject
                .devices
                .iter_mut()
                .filter(|other| other.address_key == device.address_key)
            {
                if cooldown.is_some_and(|cooldown| !cooldown.per_user) {
                    other.sends.state.series = delivery::Series::default();
                }
            }
        }
    }
}

fn masked(device: &DeviceFacts) -> String {
    match device.kind {
        DeviceType::Sms | DeviceType::Voice | DeviceType::WhatsApp => {
            super::mask::phone(&phone::digits(device.address.expose()))
        }
        DeviceType::Email => super::mask::email(device.address.expose()),
        DeviceType::Totp | DeviceType::OathToken | DeviceType::Mobile | DeviceType::Fido2 => {
            String::new()
        }
    }
}
