//! An action as clients write it: every documented member, so that those which ask for what is not
//! there can be refused by name.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Devices, DevicesOfPolicy, InlineDevices, Login, MultiFactor, NoDevicesMode, Registration,
    SignOnAction, Step, Switch,
};
use crate::{
    condition::Condition,
    id::{Id, Ref},
    resources::{device_authentication_policy::DeviceAuthenticationPolicy, fixed},
    violation::{Violation, ViolationCode},
};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct SignOnActionDraft {
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub priority: u32,
    pub condition: Option<Value>,
    #[serde(flatten)]
    pub step: StepDraft,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepDraft {
    Login(Box<LoginDraft>),
    MultiFactorAuthentication(MultiFactorDraft),
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginDraft {
    pub recovery: Option<Switch>,
    pub registration: Option<RegistrationDraft>,
    pub social_providers: Option<Vec<Value>>,
    pub enforce_lockout_for_identity_providers: Option<bool>,
    pub new_user_provisioning: Option<Value>,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RegistrationDraft {
    pub enabled: bool,
    pub population: Option<Value>,
    pub external: Option<Value>,
    pub confirm_identity_provider_attributes: Option<bool>,
}

impl fmt::Debug for RegistrationDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationDraft")
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultiFactorDraft {
    pub device_authentication_policy: Option<Ref<DeviceAuthenticationPolicy>>,
    #[serde(default)]
    pub no_devices_mode: NoDevicesMode,
    pub sms: Option<Switch>,
    pub voice: Option<Switch>,
    pub email: Option<Switch>,
    pub authenticator: Option<Switch>,
    pub security_key: Option<Switch>,
    pub bound_biometrics: Option<Switch>,
    pub applications: Option<Vec<Value>>,
}

impl SignOnActionDraft {
    /// The action, and what is wrong with it. `default` is the default device policy.
    pub(super) fn complete(
        self,
        default: Option<Id<DeviceAuthenticationPolicy>>,
        client_address_is_known: bool,
    ) -> (SignOnAction, Vec<Violation>) {
        let mut faults = Vec::new();
        let step = match self.step {
            StepDraft::Login(login) => Step::Login(login.complete(&mut faults)),
            StepDraft::MultiFactorAuthentication(multi_factor) => {
                match multi_factor.devices(default, &mut faults) {
                    Some(devices) => Step::MultiFactorAuthentication(MultiFactor {
                        no_devices_mode: multi_factor.no_devices_mode,
                        devices,
                    }),
                    None => Step::MultiFactorAuthentication(MultiFactor {
                        no_devices_mode: multi_factor.no_devices_mode,
                        devices: Devices::Inline(InlineDevices::default()),
                    }),
                }
            }
        };
        match self.condition.as_ref().map(Condition::parse) {
            Some(Err(fault)) => faults.push(Violation {
                target: "condition".to_owned(),
                ..fault
            }),
            Some(Ok(parsed)) if self.priority == 1 && parsed.asks_for_the_user() => {
                let message = "cannot ask for the user at priority 1: nobody is known yet";
                faults.push(Violation::invalid("condition", message));
            }
            // It would judge everybody by the address of the proxy.
            Some(Ok(parsed)) if parsed.asks_for_the_address() && !client_address_is_known => {
                let message = "cannot ask for the client's address: the operator has not set \
                    trusted_proxies, so it may be a proxy's";
                faults.push(Violation::invalid("condition", message));
            }
            Some(Ok(_)) | None => {}
        }
        (
            SignOnAction {
                step,
                priority: self.priority,
                condition: self.condition,
            },
            faults,
        )
    }
}

impl LoginDraft {
    fn complete(self, faults: &mut Vec<Violation>) -> Login {
        let mut refuse = |target: &str, is_asked: bool| {
            if is_asked {
                faults.push(Violation::invalid(target, "is not available"));
            }
        };
        if let Some(registration) = &self.registration {
            refuse("registration.enabled", registration.enabled);
            refuse("registration.population", registration.population.is_some());
            refuse("registration.external", registration.external.is_some());
            refuse(
                "registration.confirmIdentityProviderAttributes",
                registration.confirm_identity_provider_attributes == Some(true),
            );
        }
        let providers = self.social_providers.as_deref();
        refuse(
            "socialProviders",
            providers.is_some_and(|providers| !providers.is_empty()),
        );
        refuse("newUserProvisioning", self.new_user_provisioning.is_some());
        let enforced = "enforceLockoutForIdentityProviders";
        if self.enforce_lockout_for_identity_providers == Some(true) {
            faults.push(fixed::only(enforced, &false.into()));
        }
        Login {
            recovery: self.recovery.unwrap_or_default(),
            registration: self.registration.map(|registration| Registration {
                enabled: registration.enabled,
                confirm_identity_provider_attributes: registration
                    .confirm_identity_provider_attributes,
            }),
            social_providers: self.social_providers,
            enforce_lockout_for_identity_providers: false,
        }
    }
}

impl MultiFactorDraft {
    fn devices(
        &self,
        default: Option<Id<DeviceAuthenticationPolicy>>,
        faults: &mut Vec<Violation>,
    ) -> Option<Devices> {
        let methods = [
            ("sms", self.sms, true),
            ("voice", self.voice, false),
            ("email", self.email, true),
            ("authenticator", self.authenticator, false),
            ("securityKey", self.security_key, false),
            ("boundBiometrics", self.bound_biometrics, false),
        ];
        let pushes = self
            .applications
            .as_ref()
            .is_some_and(|applications| !applications.is_empty());
        let is_inline = pushes || methods.iter().any(|(_, switch, _)| switch.is_some());
        match self.device_authentication_policy {
            Some(_) if is_inline => {
                let message =
                    "a device authentication policy and methods of the action exclude each other";
                let code = ViolationCode::MfaAuthMethodsConflict;
                faults.push(Violation::new(code, "deviceAuthenticationPolicy", message));
                return None;
            }
            Some(device_authentication_policy) => {
                return Some(Devices::Policy(DevicesOfPolicy {
                    device_authentication_policy,
                }));
            }
            None => {}
        }
        if !is_inline {
            if default.is_none() {
                faults.push(Violation::required("deviceAuthenticationPolicy"));
            }
            return default.map(|policy| {
                Devices::Policy(DevicesOfPolicy {
                    device_authentication_policy: policy.into(),
                })
            });
        }
        let mut unavailable: Vec<_> = methods
            .iter()
            .filter(|(_, switch, runs)| !runs && switch.is_some_and(|switch| switch.enabled))
            .map(|(name, ..)| Violation::invalid(format!("{name}.enabled"), "is not available"))
            .collect();
        if pushes {
            unavailable.push(Violation::invalid("applications", "is not available"));
        }
        let is_enabled = methods
            .iter()
            .any(|(_, switch, _)| switch.is_some_and(|switch| switch.enabled));
        if !is_enabled && unavailable.is_empty() {
            let message = "at least one method must be enabled";
            unavailable.push(Violation::invalid("deviceAuthenticationPolicy", message));
        }
        faults.append(&mut unavailable);
        Some(Devices::Inline(InlineDevices {
            sms: self.sms.unwrap_or_default(),
            email: self.email.unwrap_or_default(),
            ..InlineDevices::default()
        }))
    }
}
