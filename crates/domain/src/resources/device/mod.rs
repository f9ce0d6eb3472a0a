//! Devices: what a user proves a second factor with. Each belongs to one user.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use super::{
    device_authentication_policy::{DEVICE_AUTHENTICATION_POLICY, DeviceAuthenticationPolicy},
    user::USER,
};
use crate::{
    access::Area,
    authenticator::DeviceType,
    email,
    hidden::Hidden,
    id::Ref,
    phone,
    resource::{
        Built, Context, Family, FilterAttribute, FilterSource, Kind, Link, Reference, Resource,
        Stored, Term, UniqueKey, ViewMember,
    },
    secret::Secret,
    time::Timestamp,
    violation::Violation,
};

mod draft;
mod limits;
pub mod order;
mod pairing;
#[cfg(test)]
mod tests;
mod verbs;

pub use draft::{DeviceDraft, Enroller, NotificationDraft};
pub use limits::{may_activate, may_create, method, permits_pairing};
pub use order::ReorderDraft;
pub use pairing::{ActivateDraft, Pairing, PairingOutcome};
pub use verbs::NicknameDraft;

pub static DEVICE: Kind = Kind {
    family: Family::Device,
    parent: Some(&USER),
    nested: true,
    ..Kind::new("device", "devices", Area::Device)
};

#[skip_serializing_none]
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    #[serde(rename = "type")]
    pub kind: DeviceType,
    pub status: DeviceStatus,
    /// As it was typed.
    pub phone: Option<String>,
    pub email: Option<String>,
    pub nickname: Option<String>,
    /// Whose rules held at pairing. Absent: the default one's.
    pub policy: Option<Ref<DeviceAuthenticationPolicy>>,
    pub block: Block,
    /// Set by too many wrong codes. Shown as the state it has at the moment.
    #[schemars(skip)]
    pub lock: Option<DeviceLock>,
    #[serde(default)]
    #[schemars(skip)]
    pub pairing: Hidden<Option<Pairing>>,
    /// New devices take their place in the order by it.
    #[serde(default)]
    #[schemars(skip)]
    pub activated_at: Hidden<Option<Timestamp>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum DeviceStatus {
    Active,
    /// Not usable before a pairing code has proved it.
    ActivationRequired,
}

impl DeviceStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::ActivationRequired => "ACTIVATION_REQUIRED",
        }
    }
}

/// An administrator's ban.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Block {
    pub status: BlockStatus,
    pub blocked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum BlockStatus {
    Blocked,
    Unblocked,
}

impl Block {
    const fn none() -> Self {
        Self {
            status: BlockStatus::Unblocked,
            blocked_at: None,
        }
    }
}

#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceLock {
    /// Absent: until an administrator unlocks.
    pub expires_at: Option<Timestamp>,
}

/// Without the address.
impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("type", &self.kind)
            .field("status", &self.status)
            .field("block", &self.block)
            .field("lock", &self.lock)
            .field("pairing", &self.pairing)
            .finish_non_exhaustive()
    }
}

impl Device {
    /// Where messages go: the number as a gateway wants it (ITU-T E.164), or the e-mail address.
    pub fn recipient(&self) -> Secret<String> {
        let address = self.address();
        Secret::new(match self.kind {
            DeviceType::Sms => phone::destination(address),
            DeviceType::Email => address.to_owned(),
        })
    }

    pub fn is_blocked(&self) -> bool {
        self.block.status == BlockStatus::Blocked
    }

    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.lock
            .is_some_and(|lock| lock.expires_at.is_none_or(|end| end > now))
    }

    /// Whether a sign-on may use it, as far as the device itself goes.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == DeviceStatus::Active && !self.is_blocked() && !self.is_locked(now)
    }

    /// Where its codes go.
    pub fn address(&self) -> &str {
        match self.kind {
            DeviceType::Sms => self.phone.as_deref(),
            DeviceType::Email => self.email.as_deref(),
        }
        .unwrap_or_default()
    }
}

impl Resource for Device {
    const KIND: &'static Kind = &DEVICE;
    type Draft = DeviceDraft;

    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::exact("status", FilterSource::Term),
        FilterAttribute::exact("type", FilterSource::Term),
    ];
    const GUARDED_SET: bool = true;

    fn build(
        draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        draft.build(previous, context.now).map(Built::from)
    }

    fn address(&self) -> Option<String> {
        Some(self.recipient().expose().clone())
    }

    fn unique(&self) -> Vec<UniqueKey> {
        let key = |target: &'static str, value: String| UniqueKey {
            name: target,
            value,
            within_parent: true,
            target,
        };
        match self.kind {
            DeviceType::Sms => {
                let digits = phone::digits(self.recipient().expose());
                vec![key("phone", format!("{}:{digits}", self.kind.as_str()))]
            }
            DeviceType::Email => vec![key("email", email::comparable(self.address()))],
        }
    }

    fn references(&self) -> Vec<Reference> {
        let policy = self.policy.iter();
        policy
            .map(|policy| Reference {
                weak: true,
                ..Reference::to(&DEVICE_AUTHENTICATION_POLICY, policy.id.uuid(), "policy.id")
            })
            .collect()
    }

    fn terms(&self) -> Vec<Term> {
        vec![
            Term::new("status", self.status.as_str()),
            Term::new("type", self.kind.as_str()),
        ]
    }

    /// By activation, which is the order unless the user has another ([`order::arrange`]).
    fn arrange(items: &mut [Stored<Self>]) {
        items.sort_by_key(|device| {
            (
                device.body.activated_at.is_none(),
                *device.body.activated_at,
                device.created_at,
                device.id,
            )
        });
    }

    fn view_members(_generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let lock = json!({
            "type": "object",
            "required": ["status"],
            "properties": {
                "status": { "type": "string", "enum": ["LOCKED", "UNLOCKED"] },
                "expiresAt": { "type": "string", "format": "date-time" },
            },
        });
        vec![ViewMember::always("lock", lock)]
    }

    fn view(stored: &Stored<Self>, now: Timestamp) -> Map<String, Value> {
        let mut members = stored.body_members();
        let device = &stored.body;
        let lock = match device.lock.filter(|_| device.is_locked(now)) {
            Some(DeviceLock {
                expires_at: Some(end),
            }) => json!({ "status": "LOCKED", "expiresAt": end }),
            Some(DeviceLock { expires_at: None }) => json!({ "status": "LOCKED" }),
            None => json!({ "status": "UNLOCKED" }),
        };
        members.insert("lock".to_owned(), lock);
        members
    }

    fn links(stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        match stored.body.status {
            DeviceStatus::ActivationRequired => vec![("activate", Link::Below(""))],
            DeviceStatus::Active => Vec::new(),
        }
    }
}
