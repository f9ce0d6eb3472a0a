//! A sign-on policy as a flow keeps it: the actions with the settings they had when it began.

use serde::{Deserialize, Serialize};

use crate::{
    authenticator::{DeviceType, sending::NotificationPolicy},
    condition::Condition,
    ids::PolicyId,
    time::Duration,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub id: PolicyId,
    /// Also the `acr` of what it leads to.
    pub name: String,
    /// In order of priority.
    pub actions: Vec<PolicyAction>,
}

impl Policy {
    pub(crate) fn ignores_user_lock(&self) -> bool {
        self.actions.iter().any(|action| match &action.kind {
            ActionKind::MultiFactorAuthentication(settings) => settings.ignore_user_lock,
            ActionKind::Login => false,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyAction {
    /// Absent: the action always runs.
    pub condition: Option<Condition>,
    pub kind: ActionKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ActionKind {
    Login,
    MultiFactorAuthentication(MultiFactorAuthentication),
}

/// An MFA action with its device authentication policy, and the notification policy of that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiFactorAuthentication {
    pub sms: Method,
    pub email: Method,
    pub device_selection: DeviceSelection,
    pub no_devices_mode: NoDevicesMode,
    pub ignore_user_lock: bool,
    pub notifications: NotificationPolicy,
}

impl MultiFactorAuthentication {
    /// The settings of a type of device, when the action lets that type through.
    pub fn method(&self, device: DeviceType) -> Option<&Method> {
        let method = match device {
            DeviceType::Sms => &self.sms,
            DeviceType::Email => &self.email,
        };
        method.enabled.then_some(method)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    pub enabled: bool,
    /// How many digits a code has.
    pub otp_length: u8,
    pub otp_life: Duration,
    /// How many wrong codes exhaust a device.
    pub failure_count: u32,
    /// How long an exhausted device is locked. Zero: only its outstanding codes die.
    pub cool_down: Duration,
}

impl Default for Method {
    fn default() -> Self {
        Self {
            enabled: false,
            otp_length: crate::otp::DEFAULT_LENGTH,
            otp_life: crate::otp::DEFAULT_LIFE,
            failure_count: 3,
            cool_down: Duration::ZERO,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceSelection {
    #[default]
    DefaultToFirst,
    PromptToSelect,
    AlwaysDisplayDevices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoDevicesMode {
    #[default]
    Block,
    Bypass,
}
