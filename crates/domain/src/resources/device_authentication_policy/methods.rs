//! What a policy says about each type of device.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::complete::Method as _;
use crate::{profile::Profile, span::Span};

/// SMS, e-mail and the like: a code is sent.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SentCode {
    pub enabled: bool,
    /// Devices that are paired go on; no new ones. Answered only when it was sent.
    pub pairing_disabled: Option<bool>,
    pub prompt_for_nickname_on_pairing: Option<bool>,
    #[serde(default)]
    pub otp: SentOtp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SentOtp {
    #[serde(default = "SentOtp::half_an_hour")]
    pub life_time: Span,
    #[serde(default)]
    pub failure: Failure,
    #[serde(default = "SentOtp::six")]
    #[schemars(range(min = 6, max = 10))]
    pub otp_length: u8,
}

impl SentCode {
    /// As it holds in an environment of this profile.
    #[must_use]
    pub fn within(self, profile: Profile) -> Self {
        Self {
            otp: self.otp.within(profile),
            ..self
        }
    }
}

impl SentOtp {
    /// As it holds in an environment of this profile, though it was written under another one.
    #[must_use]
    pub fn within(self, profile: Profile) -> Self {
        let wanted = self.life_time.as_duration();
        let longest = profile.longest_code_life();
        match longest.filter(|longest| longest.as_duration() < wanted) {
            Some(longest) => Self {
                life_time: longest,
                ..self
            },
            None => self,
        }
    }
    const fn half_an_hour() -> Span {
        Span::minutes(30)
    }
    const fn six() -> u8 {
        6
    }
}

impl Default for SentOtp {
    fn default() -> Self {
        Self {
            life_time: Self::half_an_hour(),
            failure: Failure::default(),
            otp_length: Self::six(),
        }
    }
}

/// How many wrong codes are borne, and what follows.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Failure {
    #[serde(default = "Failure::three")]
    #[schemars(range(min = 1, max = 7))]
    pub count: u8,
    /// How long the device then stays locked. Zero: only the code dies. What is left out is filled
    /// in with the type's default.
    pub cool_down: Option<Span>,
}

impl Failure {
    const fn three() -> u8 {
        3
    }
    const fn then_wait(cool_down: Span) -> Self {
        Self {
            count: Self::three(),
            cool_down: Some(cool_down),
        }
    }
    pub fn cool_down(&self) -> crate::time::Duration {
        self.cool_down.map(Span::as_duration).unwrap_or_default()
    }
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            count: Self::three(),
            cool_down: None,
        }
    }
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Totp {
    pub enabled: bool,
    pub pairing_disabled: Option<bool>,
    pub prompt_for_nickname_on_pairing: Option<bool>,
    #[serde(default)]
    pub otp: GeneratedOtp,
    /// Steps of 30 seconds before and after the current one whose codes are taken. Absent: five.
    #[schemars(range(min = 1, max = 10))]
    pub passcode_grace_period: Option<u8>,
    /// Appended to the key's URI.
    pub uri_parameters: Option<BTreeMap<String, String>>,
}

/// A code that the device makes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct GeneratedOtp {
    #[serde(default)]
    pub failure: Failure,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Mobile {
    pub enabled: bool,
    pub prompt_for_nickname_on_pairing: Option<bool>,
    #[serde(default)]
    pub otp: MobileOtp,
    pub applications: Option<Vec<MobileApplication>>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct MobileOtp {
    #[serde(default)]
    pub failure: Failure,
    /// Of an older form: taken, and as the platform does it, not kept.
    #[serde(skip_serializing)]
    pub window: Option<Window>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Window {
    pub step_size: Span,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MobileApplication {
    pub id: String,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Fido2 {
    pub enabled: bool,
    pub pairing_disabled: Option<bool>,
    pub prompt_for_nickname_on_pairing: Option<bool>,
    /// Absent: the default FIDO2 policy.
    pub fido2_policy_id: Option<String>,
    /// Answered only when it was sent.
    pub failure: Option<Failure>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct OathToken {
    pub enabled: bool,
    pub pairing_disabled: Option<bool>,
    pub prompt_for_nickname_on_pairing: Option<bool>,
    #[serde(default)]
    pub otp: GeneratedOtp,
    pub pairing_key_lifetime: Option<Span>,
}

impl SentCode {
    pub(super) fn born(enabled: bool) -> Self {
        let otp = SentOtp {
            failure: Failure::then_wait(Self::COOL_DOWN.default),
            ..SentOtp::default()
        };
        Self {
            enabled,
            pairing_disabled: None,
            prompt_for_nickname_on_pairing: None,
            otp,
        }
    }
}

impl Default for SentCode {
    fn default() -> Self {
        Self::born(false)
    }
}

impl Totp {
    pub(super) fn born(enabled: bool) -> Self {
        Self {
            enabled,
            pairing_disabled: None,
            prompt_for_nickname_on_pairing: None,
            otp: GeneratedOtp {
                failure: Failure::then_wait(Self::COOL_DOWN.default),
            },
            passcode_grace_period: None,
            uri_parameters: None,
        }
    }
}

impl Default for Totp {
    fn default() -> Self {
        Self::born(false)
    }
}

impl Mobile {
    pub(super) fn born(enabled: bool) -> Self {
        Self {
            enabled,
            prompt_for_nickname_on_pairing: None,
            otp: MobileOtp {
                failure: Failure::then_wait(Self::COOL_DOWN.default),
                window: None,
            },
            applications: None,
        }
    }
}

impl Default for Mobile {
    fn default() -> Self {
        Self::born(false)
    }
}

impl Fido2 {
    pub(super) fn born() -> Self {
        Self {
            enabled: true,
            pairing_disabled: None,
            prompt_for_nickname_on_pairing: None,
            fido2_policy_id: None,
            failure: None,
        }
    }
}

impl OathToken {
    pub(super) fn born(enabled: bool) -> Self {
        Self {
            enabled,
            pairing_disabled: None,
            prompt_for_nickname_on_pairing: None,
            otp: GeneratedOtp {
                failure: Failure::then_wait(Self::COOL_DOWN.default),
            },
            pairing_key_lifetime: None,
        }
    }
}

impl Default for OathToken {
    fn default() -> Self {
        Self::born(false)
    }
}
