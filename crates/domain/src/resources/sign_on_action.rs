//! The action of a sign-on policy: one proof that is asked of the user.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use crate::{
    access::Area,
    id::{Id, Ref},
    resource::{Built, Context, Kind, Reference, Refusal, Resource, Stored, ViewMember},
    resources::{
        device_authentication_policy::{DEVICE_AUTHENTICATION_POLICY, DeviceAuthenticationPolicy},
        sign_on_policy::SIGN_ON_POLICY,
    },
    time::Timestamp,
    violation::Violation,
};

mod draft;

pub use draft::{LoginDraft, MultiFactorDraft, SignOnActionDraft, StepDraft};

pub static SIGN_ON_ACTION: Kind = Kind {
    parent: Some(&SIGN_ON_POLICY),
    nested: true,
    ..Kind::new("action", "actions", Area::SignOnPolicy)
};

/// How many actions a policy may have.
const MAXIMUM: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Switch {
    #[serde(default)]
    pub enabled: bool,
}

/// What to do when the user has no device to prove himself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum NoDevicesMode {
    #[default]
    Block,
    /// Go on without: honoured only together with a signed `login_hint_token`.
    Bypass,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignOnAction {
    #[serde(flatten)]
    pub step: Step,
    /// The lowest comes first.
    pub priority: u32,
    /// The action runs when this is true; absent, always. Kept as it was sent.
    pub condition: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    Login(Login),
    MultiFactorAuthentication(MultiFactor),
}

/// Whether users may make their own account. As long as nobody can, it is kept as it was sent.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Registration {
    pub enabled: bool,
    pub confirm_identity_provider_attributes: Option<bool>,
}

/// Name and password.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    /// Whether the page leads to the recovery of a forgotten password.
    pub recovery: Switch,
    pub registration: Option<Registration>,
    /// None, and answered when it was sent.
    pub social_providers: Option<Vec<Value>>,
    /// Whether a lock keeps out who signs on elsewhere. Nobody does.
    #[serde(default)]
    pub enforce_lockout_for_identity_providers: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultiFactor {
    pub no_devices_mode: NoDevicesMode,
    #[serde(flatten)]
    pub devices: Devices,
}

/// Which devices may be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Devices {
    Policy(DevicesOfPolicy),
    /// The older form: what is switched on, with the limits of the default policy.
    Inline(InlineDevices),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicesOfPolicy {
    pub device_authentication_policy: Ref<DeviceAuthenticationPolicy>,
}

/// Methods that do not run yet are shown switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InlineDevices {
    pub sms: Switch,
    pub voice: Switch,
    pub email: Switch,
    pub authenticator: Switch,
    pub security_key: Switch,
    pub bound_biometrics: Switch,
}

impl SignOnAction {
    pub(crate) fn born_login(priority: u32) -> Self {
        let login = Login {
            recovery: Switch { enabled: true },
            ..Login::default()
        };
        Self {
            step: Step::Login(login),
            priority,
            condition: None,
        }
    }

    pub(crate) fn born_multi_factor(priority: u32, policy: Id<DeviceAuthenticationPolicy>) -> Self {
        let step = Step::MultiFactorAuthentication(MultiFactor {
            no_devices_mode: NoDevicesMode::Block,
            devices: Devices::Policy(DevicesOfPolicy {
                device_authentication_policy: policy.into(),
            }),
        });
        Self {
            step,
            priority,
            condition: None,
        }
    }
}

impl Step {
    const fn is_same_type(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Login(_), Self::Login(_))
                | (
                    Self::MultiFactorAuthentication(_),
                    Self::MultiFactorAuthentication(_)
                )
        )
    }
}

impl Resource for SignOnAction {
    const KIND: &'static Kind = &SIGN_ON_ACTION;
    type Draft = SignOnActionDraft;
    const NEEDS_DEFAULTS: &'static [&'static Kind] = &[&DEVICE_AUTHENTICATION_POLICY];
    const GUARDED_SET: bool = true;

    fn build(
        draft: SignOnActionDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let default = (context.defaults)(&DEVICE_AUTHENTICATION_POLICY).map(Id::from_uuid);
        let (action, mut faults) = draft.complete(default, context.client_address_is_known);
        if previous.is_some_and(|previous| !previous.body.step.is_same_type(&action.step)) {
            faults.insert(0, Violation::invalid("type", "cannot be changed"));
        }
        if faults.is_empty() {
            Ok(action.into())
        } else {
            Err(faults)
        }
    }

    fn references(&self) -> Vec<Reference> {
        match &self.step {
            Step::MultiFactorAuthentication(MultiFactor {
                devices: Devices::Policy(devices),
                ..
            }) => {
                let id = devices.device_authentication_policy.id.uuid();
                vec![Reference::to(
                    &DEVICE_AUTHENTICATION_POLICY,
                    id,
                    "deviceAuthenticationPolicy.id",
                )]
            }
            Step::MultiFactorAuthentication(_) | Step::Login(_) => Vec::new(),
        }
    }

    fn may_join(&self, siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        if siblings.len() >= MAXIMUM {
            let message = format!("A policy cannot have more than {MAXIMUM} actions");
            return Err(Refusal::Invalid(Violation::constraint(
                "signOnPolicy",
                message,
            )));
        }
        Ok(())
    }

    fn may_leave(_stored: &Stored<Self>, siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        if siblings.len() <= 1 {
            let fault =
                Violation::constraint("signOnPolicy", "Cannot delete last action from the policy");
            return Err(Refusal::Invalid(fault));
        }
        Ok(())
    }

    /// Equal priorities in the order in which they were made.
    fn arrange(items: &mut [Stored<Self>]) {
        items.sort_by_key(|item| (item.body.priority, item.created_at, item.id));
    }

    fn view_members(_generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let none = json!({ "type": "array", "maxItems": 0, "items": {} });
        vec![ViewMember::sometimes("applications", none)]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = stored.body_members();
        if matches!(
            &stored.body.step,
            Step::MultiFactorAuthentication(MultiFactor {
                devices: Devices::Inline(_),
                ..
            })
        ) {
            members.insert("applications".to_owned(), Value::Array(Vec::new()));
        }
        members
    }
}

#[cfg(test)]
mod tests;
