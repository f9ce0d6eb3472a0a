//! What a client writes to pair a device.

use schemars::JsonSchema;
use serde::{Deserialize, de::IgnoredAny};

use super::{Block, Device, DeviceStatus};
use crate::authenticator::DeviceType;
use crate::{
    email,
    id::Ref,
    phone::{self, Phone},
    resource::Stored,
    resources::device_authentication_policy::DeviceAuthenticationPolicy,
    time::Timestamp,
    violation::Violation,
};

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceDraft {
    #[serde(rename = "type")]
    pub kind: DeviceType,
    /// Absent: see [`DeviceDraft::settled`].
    pub status: Option<DeviceStatus>,
    #[schemars(length(min = 1, max = 64))]
    pub phone: Option<String>,
    #[schemars(email, length(min = 1, max = 256))]
    pub email: Option<String>,
    #[schemars(length(min = 1, max = 100))]
    pub nickname: Option<String>,
    pub policy: Option<Ref<DeviceAuthenticationPolicy>>,
    pub notification: Option<NotificationDraft>,
    pub test_mode: Option<bool>,
}

/// Without the address.
impl std::fmt::Debug for DeviceDraft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceDraft")
            .field("type", &self.kind)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The text of the pairing message, where it is an own one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NotificationDraft {
    #[schemars(length(min = 1, max = 660))]
    pub message: Option<String>,
    /// The predefined texts have no variants, and there are no others.
    #[schemars(skip)]
    variant: Option<IgnoredAny>,
}

/// Who pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enroller {
    /// Somebody else, who vouches for the device.
    Administrator,
    /// The user, who must prove it.
    Owner,
}

impl DeviceDraft {
    /// Decides the first status. An administrator's device is active at once unless they say
    /// otherwise, a user's own is not.
    pub fn settled(mut self, enroller: Enroller) -> Result<Self, Violation> {
        let status = match (enroller, self.status) {
            (Enroller::Administrator, status) => status.unwrap_or(DeviceStatus::Active),
            (Enroller::Owner, None | Some(DeviceStatus::ActivationRequired)) => {
                DeviceStatus::ActivationRequired
            }
            (Enroller::Owner, Some(DeviceStatus::Active)) => {
                return Err(Violation::not_allowed(
                    "status",
                    &[DeviceStatus::ActivationRequired.as_str()],
                ));
            }
        };
        self.status = Some(status);
        Ok(self)
    }

    pub(super) fn build(
        self,
        previous: Option<&Stored<Device>>,
        now: Timestamp,
    ) -> Result<Device, Vec<Violation>> {
        let mut faults = Vec::new();
        if self.test_mode == Some(true) {
            faults.push(Violation::invalid(
                "testMode",
                "is not available on this server",
            ));
        }
        if let Some(notification) = &self.notification {
            notification.check(&mut faults);
        }
        let before = previous.map(|previous| &previous.body);
        let (phone, email) = match self.kind {
            DeviceType::Sms => {
                // One that was accepted under other rules stays what it is.
                let kept = before.and_then(|before| before.phone.as_deref());
                (typed_phone(self.phone.as_deref(), kept, &mut faults), None)
            }
            DeviceType::Email => {
                if self.email.is_none() {
                    faults.push(Violation::required("email"));
                }
                (None, self.email)
            }
        };
        if let Some(previous) = before {
            let compared = |phone: &Option<String>| phone.as_deref().map(phone::destination);
            let mailbox = |email: &Option<String>| email.as_deref().map(email::comparable);
            let fixed = [
                ("type", previous.kind == self.kind),
                ("phone", compared(&previous.phone) == compared(&phone)),
                ("email", mailbox(&previous.email) == mailbox(&email)),
            ];
            let changed = fixed
                .into_iter()
                .filter(|(_, same)| !same && faults.is_empty());
            let changed: Vec<_> = changed
                .map(|(member, _)| Violation::invalid(member, "cannot be changed"))
                .collect();
            faults.extend(changed);
            return if faults.is_empty() {
                Ok(Device {
                    nickname: self.nickname,
                    ..previous.clone()
                })
            } else {
                Err(faults)
            };
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let status = self.status.unwrap_or(DeviceStatus::Active);
        Ok(Device {
            kind: self.kind,
            status,
            phone,
            email,
            nickname: self.nickname,
            policy: self.policy,
            block: Block::none(),
            lock: None,
            pairing: None.into(),
            activated_at: (status == DeviceStatus::Active).then_some(now).into(),
        })
    }
}

impl NotificationDraft {
    fn check(&self, faults: &mut Vec<Violation>) {
        if self.variant.is_some() {
            faults.push(Violation::unavailable("notification.variant"));
        }
        let message = self.message.as_deref();
        if message.is_some_and(|message| !message.contains("${otp}")) {
            let mut violation = Violation::required("notification.message");
            "must contain ${otp}".clone_into(&mut violation.message);
            faults.push(violation);
        }
    }
}

fn typed_phone(
    given: Option<&str>,
    kept: Option<&str>,
    faults: &mut Vec<Violation>,
) -> Option<String> {
    let Some(given) = given else {
        faults.push(Violation::required("phone"));
        return None;
    };
    if kept == Some(given.trim()) {
        return kept.map(str::to_owned);
    }
    let Ok(phone) = Phone::parse(given) else {
        faults.push(Violation::invalid(
            "phone",
            "must be a telephone number in international format, such as +1.5125550100",
        ));
        return None;
    };
    Some(phone.typed().to_owned())
}
