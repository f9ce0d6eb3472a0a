//! What holds for multi-factor authentication in the whole environment. There is one per environment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::fixed;
use crate::{
    access::Area,
    resource::{Built, Context, Kind, Resource, Settings, Stored},
    violation::Violation,
};

pub static MFA_SETTINGS: Kind = Kind::new("mfaSettings", "mfaSettings", Area::MfaSettings);

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MfaSettings {
    pub pairing: Pairing,
    /// Absent: wrong second factors never lock the account, below the guard that holds everywhere.
    pub lockout: Option<MfaLockout>,
    #[serde(default)]
    pub phone_extensions: PhoneExtensions,
    #[serde(default)]
    pub users: UserSettings,
    /// Superseded by the device authentication policies; answered when sent.
    pub authentication: Option<LegacyAuthentication>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Pairing {
    #[schemars(range(min = 1, max = 15))]
    pub max_allowed_devices: u32,
    pub pairing_key_format: PairingKeyFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum PairingKeyFormat {
    Numeric,
    Alphanumeric,
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct MfaLockout {
    pub failure_count: u32,
    /// Absent: until an administrator unlocks.
    pub duration_seconds: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PhoneExtensions {
    #[serde(default)]
    pub enabled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct UserSettings {
    /// For users created without saying so themselves.
    #[serde(default = "UserSettings::enabled")]
    pub mfa_enabled: bool,
}

impl UserSettings {
    const fn enabled() -> bool {
        true
    }
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            mfa_enabled: Self::enabled(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct LegacyAuthentication {
    pub device_selection: LegacyDeviceSelection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum LegacyDeviceSelection {
    DefaultToFirst,
    PromptToSelect,
}

impl Settings for MfaSettings {
    const TITLE: &'static str = "MFA settings";

    /// MFA is off for new users until somebody turns it on, though a replacement that does not say so
    /// turns it on.
    fn born() -> Built<Self> {
        Built::from(Self {
            pairing: Pairing {
                max_allowed_devices: 5,
                pairing_key_format: PairingKeyFormat::Numeric,
            },
            lockout: None,
            phone_extensions: PhoneExtensions { enabled: false },
            users: UserSettings { mfa_enabled: false },
            authentication: None,
        })
    }
}

impl Resource for MfaSettings {
    const KIND: &'static Kind = &MFA_SETTINGS;
    type Draft = Self;

    fn build(
        draft: Self,
        _previous: Option<&Stored<Self>>,
        _context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        // There are no calls in which an extension could be dialled.
        if draft.phone_extensions.enabled {
            return Err(vec![fixed::only("phoneExtensions.enabled", &false.into())]);
        }
        Ok(draft.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::{
        round_trip::rebuilt_from_view,
        trial::{NOW, build, stored, targets},
    };

    #[test]
    fn a_replacement_that_does_not_say_so_turns_mfa_on_for_new_users() {
        assert!(!MfaSettings::born().body.users.mfa_enabled);
        let body = json!({ "pairing": { "maxAllowedDevices": 7, "pairingKeyFormat": "NUMERIC" } });
        let settings = stored(build::<MfaSettings>(body).unwrap().body);
        let expected = json!({ "pairing": { "maxAllowedDevices": 7, "pairingKeyFormat": "NUMERIC" },
            "phoneExtensions": { "enabled": false }, "users": { "mfaEnabled": true } });
        assert_eq!(Value::Object(MfaSettings::view(&settings, NOW)), expected);
    }

    #[test]
    fn extensions_that_nothing_dials_are_refused() {
        let body = json!({ "pairing": { "maxAllowedDevices": 7, "pairingKeyFormat": "NUMERIC" },
            "phoneExtensions": { "enabled": true } });
        assert_eq!(
            targets(build::<MfaSettings>(body)),
            ["phoneExtensions.enabled"]
        );
    }

    #[test]
    fn putting_back_what_was_read_changes_nothing() {
        let body = json!({ "pairing": { "maxAllowedDevices": 1, "pairingKeyFormat": "ALPHANUMERIC" },
            "lockout": { "failureCount": 0 }, "users": { "mfaEnabled": false },
            "authentication": { "deviceSelection": "PROMPT_TO_SELECT" } });
        let settings = stored(build::<MfaSettings>(body).unwrap().body);
        assert_eq!(rebuilt_from_view(&settings).body, settings.body);
    }
}
