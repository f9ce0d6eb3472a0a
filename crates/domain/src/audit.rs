//! What is written down of every change and every sign-on. Events name things by id and by masked
//! address, and never hold a code, a secret, a token or a whole telephone number.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::skip_serializing_none;

use crate::{
    id::{Id, Ref},
    resource::Kind,
    resources::{environment::Environment, population::Population},
};

/// The name of an action, such as `USER.CREATED`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Action(Cow<'static, str>);

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Created,
    Updated,
    Deleted,
}

impl Action {
    pub const FLOW_CREATED: Self = Self::named("FLOW.CREATED");
    pub const FLOW_UPDATED: Self = Self::named("FLOW.UPDATED");
    pub const AUTHENTICATION_CREATED: Self = Self::named("AUTHENTICATION.CREATED");
    pub const USER_ACCESS_ALLOWED: Self = Self::named("USER.ACCESS_ALLOWED");
    pub const USER_ACCESS_DENIED: Self = Self::named("USER.ACCESS_DENIED");
    pub const SESSION_CREATED: Self = Self::named("SESSION.CREATED");
    pub const SESSION_UPDATED: Self = Self::named("SESSION.UPDATED");
    /// All sessions of a user were ended by somebody else's doing.
    pub const SESSION_DELETED: Self = Self::named("SESSION.DELETED");
    pub const PASSWORD_CHECK_SUCCEEDED: Self = Self::named("PASSWORD.CHECK_SUCCEEDED");
    pub const PASSWORD_CHECK_FAILED: Self = Self::named("PASSWORD.CHECK_FAILED");
    pub const PASSWORD_FORCE_CHANGE: Self = Self::named("PASSWORD.FORCE_CHANGE");
    pub const PASSWORD_RESET: Self = Self::named("PASSWORD.RESET");
    pub const PASSWORD_SET: Self = Self::named("PASSWORD.SET");
    pub const PASSWORD_UNSET: Self = Self::named("PASSWORD.UNSET");
    pub const PASSWORD_UNLOCKED: Self = Self::named("PASSWORD.UNLOCKED");
    pub const USER_LOCKED: Self = Self::named("USER.LOCKED");
    pub const USER_UNLOCKED: Self = Self::named("USER.UNLOCKED");
    pub const USER_MOVED: Self = Self::named("USER.MOVED");
    pub const OTP_CHECK_SUCCESS: Self = Self::named("OTP.CHECK_SUCCESS");
    /// A wrong code.
    pub const OTP_CHECK_INVALID: Self = Self::named("OTP.CHECK_INVALID");
    /// A wrong code, and no attempt left.
    pub const OTP_CHECK_FAILED: Self = Self::named("OTP.CHECK_FAILED");
    pub const DEVICE_ACTIVATED: Self = Self::named("DEVICE.ACTIVATED");
    pub const DEVICE_ACTIVATION_OTP_INVALID: Self = Self::named("DEVICE.ACTIVATION_OTP_INVALID");
    pub const DEVICE_ACTIVATION_OTP_FAILED: Self = Self::named("DEVICE.ACTIVATION_OTP_FAILED");
    pub const DEVICE_NICKNAME_UPDATED: Self = Self::named("DEVICE.NICKNAME_UPDATED");
    pub const DEVICE_BLOCKED: Self = Self::named("DEVICE.BLOCKED");
    pub const DEVICE_UNBLOCKED: Self = Self::named("DEVICE.UNBLOCKED");
    pub const DEVICE_LOCKED: Self = Self::named("DEVICE.LOCKED");
    pub const DEVICE_UNLOCKED: Self = Self::named("DEVICE.UNLOCKED");
    pub const DEVICES_ORDER_UPDATED: Self = Self::named("DEVICES.ORDER_UPDATED");
    pub const DEVICES_ORDER_DELETED: Self = Self::named("DEVICES.ORDER_DELETED");
    /// A message was queued.
    pub const NOTIFICATION_CREATED: Self = Self::named("NOTIFICATION.CREATED");
    /// A message was delivered, or not.
    pub const NOTIFICATION_UPDATED: Self = Self::named("NOTIFICATION.UPDATED");
    /// Tokens were issued for a user.
    pub const TOKEN_CREATED: Self = Self::named("TOKEN.CREATED");
    /// A code or a token came twice: all that it bought is void.
    pub const TOKEN_REVOKED: Self = Self::named("TOKEN.REVOKED");
    pub const SECRET_READ: Self = Self::named("SECRET.READ");
    pub const SECRET_UPDATED: Self = Self::named("SECRET.UPDATED");
    /// A client did not prove who it is.
    pub const CLIENT_REFUSED: Self = Self::named("CLIENT.AUTHENTICATION_FAILED");
    pub const HINT_REFUSED: Self = Self::named("LOGIN_HINT.REFUSED");
    /// Whoever asked has no right to it.
    pub const ACCESS_DENIED: Self = Self::named("ACCESS.DENIED");

    const fn named(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// `NOTIFICATION_POLICY.UPDATED`: a change by the generic operations.
    pub fn of(kind: &Kind, change: Change) -> Self {
        let change = match change {
            Change::Created => "CREATED",
            Change::Updated => "UPDATED",
            Change::Deleted => "DELETED",
        };
        Self(Cow::Owned(format!("{}.{change}", resource_type(kind))))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kind as events name it.
pub fn resource_type(kind: &Kind) -> Cow<'static, str> {
    match kind.name {
        "signOnPolicy" => Cow::Borrowed("POLICY"),
        "signOnAction" => Cow::Borrowed("ACTION"),
        "notificationsPolicy" => Cow::Borrowed("NOTIFICATION_POLICY"),
        name => {
            let mut words = String::with_capacity(name.len() + 4);
            for character in name.chars() {
                if character.is_ascii_uppercase() {
                    words.push('_');
                }
                words.push(character.to_ascii_uppercase());
            }
            Cow::Owned(words)
        }
    }
}

/// One event, as it is stored: all that its row does not say. The row has its id, its time, its action
/// and its environment.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// As in the answer's `Correlation-Id`.
    pub correlation_id: String,
    #[serde(default)]
    pub actors: Actors,
    /// None: the action says it all.
    pub description: Option<Cow<'static, str>>,
    pub status: AuditStatus,
    pub resources: Vec<AuditedResource>,
    /// The members that a change touched: their names, never what they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// How often the same happened since it was last written down, where that is more than once.
    pub count: Option<u64>,
    pub source: Option<Source>,
}

/// How many members an event names.
const CHANGED_AT_MOST: usize = 64;

/// Which members differ, those of an object each by itself: `enabled`, `name.given`.
pub fn changed_members(before: &Value, after: &Value) -> Vec<String> {
    let mut changed = Vec::new();
    differing(before, after, "", &mut changed);
    changed.truncate(CHANGED_AT_MOST);
    changed
}

fn differing(before: &Value, after: &Value, within: &str, changed: &mut Vec<String>) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return;
    };
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    for name in after.keys().chain(gone) {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        match (old, new) {
            (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) if within.is_empty() => {
                differing(old, new, &format!("{name}."), changed);
            }
            _ => changed.push(format!("{within}{name}")),
        }
    }
}

/// Who did it. Nobody: the server itself.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Actors {
    pub client: Option<Actor>,
    pub user: Option<Actor>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub id: Id<()>,
    /// The application's name, or the username.
    pub name: Option<String>,
    /// None: the event's own.
    pub environment: Option<Ref<Environment>>,
    pub population: Option<Ref<Population>>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedResource {
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    pub id: Id<()>,
    /// A name, or a masked address.
    pub name: Option<String>,
    /// None: the event's own.
    pub environment: Option<Ref<Environment>>,
    pub population: Option<Ref<Population>>,
}

impl AuditedResource {
    /// Of the event's own environment.
    pub fn new<T>(kind: &Kind, id: Id<T>) -> Self {
        Self {
            kind: resource_type(kind),
            id: id.cast(),
            name: None,
            environment: None,
            population: None,
        }
    }

    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    #[must_use]
    pub fn maybe_named(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }

    #[must_use]
    pub fn in_population(self, population: Ref<Population>) -> Self {
        Self {
            population: Some(population),
            ..self
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditStatus {
    Success,
    Failed,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    pub ip_address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::resources::{
        device::DEVICE, device_authentication_policy::DEVICE_AUTHENTICATION_POLICY,
        notifications_policy::NOTIFICATIONS_POLICY,
    };

    #[test]
    fn a_change_is_named_by_its_kind() {
        let name = |kind, change| Action::of(kind, change).as_str().to_owned();
        assert_eq!(name(&DEVICE, Change::Created), "DEVICE.CREATED");
        assert_eq!(
            name(&DEVICE_AUTHENTICATION_POLICY, Change::Updated),
            "DEVICE_AUTHENTICATION_POLICY.UPDATED"
        );
        assert_eq!(
            name(&NOTIFICATIONS_POLICY, Change::Deleted),
            "NOTIFICATION_POLICY.DELETED"
        );
    }

    #[test]
    fn a_change_names_its_members_and_not_what_they_hold() {
        let before = json!({ "username": "a", "name": { "given": "G", "family": "F" }, "email": "x",
            "enabled": true, "address": { "country": { "code": "NO" } } });
        let after = json!({ "username": "b", "name": { "given": "G", "family": "H" }, "enabled": true,
            "mfaEnabled": true, "address": { "country": { "code": "SE" } } });
        assert_eq!(
            changed_members(&before, &after),
            [
                "username",
                "name.family",
                "mfaEnabled",
                "address.country",
                "email"
            ]
        );
        assert!(changed_members(&after, &after).is_empty());
    }

    #[test]
    fn an_event_is_stored_without_what_its_row_says() {
        let elsewhere = Id::from_uuid(Uuid::from_u128(1));
        let event = AuditEvent {
            correlation_id: "c".to_owned(),
            actors: Actors {
                client: Some(Actor {
                    id: Id::from_uuid(Uuid::from_u128(2)),
                    name: None,
                    environment: Some(elsewhere.into()),
                    population: None,
                }),
                user: None,
            },
            description: Some("Passcode accepted".into()),
            status: AuditStatus::Success,
            resources: vec![
                AuditedResource::new(&DEVICE, Id::<()>::from_uuid(Uuid::from_u128(3)))
                    .named("+47 ••• 23"),
            ],
            changed: Vec::new(),
            count: None,
            source: None,
        };
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(
            written,
            json!({
                "correlationId": "c",
                "actors": { "client": { "id": "00000000-0000-0000-0000-000000000002",
                    "environment": { "id": "00000000-0000-0000-0000-000000000001" } } },
                "description": "Passcode accepted",
                "status": "SUCCESS",
                "resources": [{ "type": "DEVICE", "id": "00000000-0000-0000-0000-000000000003",
                    "name": "+47 ••• 23" }],
            })
        );
        assert_eq!(
            serde_json::from_value::<AuditEvent>(written).unwrap(),
            event
        );
    }
}
