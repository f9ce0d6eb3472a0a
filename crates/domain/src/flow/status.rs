//! Where a flow stands, and what the user is shown there.

use serde::{Deserialize, Serialize};

use crate::{
    authenticator::{DeviceType, sending::Denied},
    ids::{DeviceId, FlowId, MessageId},
    message::Channel,
    otp::CodeHash,
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    SignOnRequired,
    UsernamePasswordRequired,
    PasswordRequired,
    DeviceSelectionRequired {
        devices: Vec<DeviceEntry>,
        /// Why it came to this, where a code was due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_sent: Option<NotSent>,
    },
    OtpRequired {
        devices: Vec<DeviceEntry>,
        challenge: Challenge,
    },
    Completed,
    Failed {
        error: Failure,
    },
}

/// A device as the user is shown it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEntry {
    pub id: DeviceId,
    pub kind: DeviceType,
    pub masked_address: String,
    pub nickname: Option<String>,
    pub usable: UsableStatus,
    /// When a locked device becomes usable again.
    pub locked_until: Option<Timestamp>,
}

impl DeviceEntry {
    /// The status as it is by now.
    pub fn usable_at(&self, now: Timestamp) -> UsableStatus {
        let is_over = self.locked_until.is_some_and(|until| until <= now);
        match self.usable {
            UsableStatus::Locked if is_over => UsableStatus::Usable,
            usable => usable,
        }
    }
}

/// A code that was due and is not on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotSent {
    pub device: DeviceId,
    pub channel: Channel,
    pub denied: Denied,
    /// Whose code the last message to the same address carries. It is told only to the browser that
    /// has both.
    pub earlier: Option<FlowId>,
}

impl NotSent {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.denied.ends_at().is_none_or(|ends_at| ends_at > now)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UsableStatus {
    Usable,
    Locked,
    Blocked,
    /// The policy does not let this type of device through.
    Disabled,
}

impl UsableStatus {
    /// Why the device cannot be used, on the wire.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Usable => None,
            Self::Locked => Some("LOCKED"),
            Self::Blocked => Some("BLOCKED"),
            Self::Disabled => Some("POLICY"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Challenge {
    pub device: DeviceId,
    /// Where the code of a typed name really went; nowhere, when nobody can sign on by that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_to: Option<DeviceId>,
    pub message: MessageId,
    /// None when the code is void.
    pub code: Option<OneTimeCode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OneTimeCode {
    pub hash: CodeHash,
    pub sent_at: Timestamp,
    pub expires_at: Timestamp,
    /// The device's round that the code belongs to.
    pub round: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Failure {
    NoUsableDevices {
        unavailable: Vec<DeviceId>,
    },
    MfaDisabled,
    AccountNotUsable,
    /// The application does not let the user in.
    NotPermitted,
    LimitExceeded,
    /// There is no policy, or it asks for nothing.
    PolicyFailed,
}

impl Failure {
    /// `error.code`
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoUsableDevices { .. } => "NO_USABLE_DEVICES",
            Self::MfaDisabled => "MFA_DISABLED",
            // To the published codes a user who may not sign on here is as good as one who may not at all.
            Self::AccountNotUsable | Self::NotPermitted => "ACCOUNT_NOT_USABLE",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::PolicyFailed => "POLICY_FAILED",
        }
    }
    /// `error.message`, and the `error_description` of the resumed request.
    pub const fn message(&self) -> &'static str {
        match self {
            Self::NoUsableDevices { .. } => "User has no usable devices",
            Self::MfaDisabled => "MFA is disabled for the user",
            Self::AccountNotUsable => "The account cannot be used to sign on",
            Self::NotPermitted => "The user may not sign on to this application",
            Self::LimitExceeded => "Too many wrong codes",
            Self::PolicyFailed => "The sign-on policy cannot be satisfied",
        }
    }
}

impl Status {
    /// The status as it is on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignOnRequired => "SIGN_ON_REQUIRED",
            Self::UsernamePasswordRequired => "USERNAME_PASSWORD_REQUIRED",
            Self::PasswordRequired => "PASSWORD_REQUIRED",
            Self::DeviceSelectionRequired { .. } => "DEVICE_SELECTION_REQUIRED",
            Self::OtpRequired { .. } => "OTP_REQUIRED",
            Self::Completed => "COMPLETED",
            Self::Failed { .. } => "FAILED",
        }
    }
    /// The code that was due, while there is a reason not to send it.
    pub fn not_sent(&self, now: Timestamp) -> Option<&NotSent> {
        let Self::DeviceSelectionRequired { not_sent, .. } = self else {
            return None;
        };
        not_sent.as_ref().filter(|it| it.holds(now))
    }
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed { .. })
    }
    /// The devices to be shown, where there are any to choose from.
    pub(crate) fn devices(&self) -> Option<&[DeviceEntry]> {
        match self {
            Self::DeviceSelectionRequired { devices, .. } | Self::OtpRequired { devices, .. } => {
                Some(devices)
            }
            Self::SignOnRequired
            | Self::UsernamePasswordRequired
            | Self::PasswordRequired
            | Self::Completed
            | Self::Failed { .. } => None,
        }
    }
}
