//! Messages of a step: whether one may be sent, and what is written down of it.

use super::Turn;
use crate::{
    authenticator::{
        Versioned,
        sending::{self, Changed, CountryLimit, DailyHistory, Denied, Histories},
    },
    flow::{
        effect::{AuditEvent, CounterState, Effect, FlowError, SendCode, Subject},
        facts::DeviceFacts,
        policy::MultiFactorAuthentication,
        status::{Challenge, DeviceEntry, NotSent, OneTimeCode, Status, UsableStatus},
    },
    ids::DeviceId,
};

impl Turn<'_> {
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

    /// What strangers ask for uses up nothing of what the others may.
    fn sends_of_environment(&mut self) -> (Subject, &mut Versioned<DailyHistory>) {
        if self.flow.is_anonymous() {
            (Subject::StrangersSends, &mut self.strangers_sends)
        } else {
            (Subject::EnvironmentSends, &mut self.environment_sends)
        }
    }
}
