//! What a condition asks for: `${name}`.

use serde_json::Value;

use super::Scope;
use crate::time::Timestamp;

/// The attributes of a user that a condition can ask for. A complex attribute is asked for by what
/// it is made of.
pub const USER_ATTRIBUTES: [&str; 36] = [
    "account.canAuthenticate",
    "account.status",
    "accountId",
    "address.countryCode",
    "address.locality",
    "address.postalCode",
    "address.region",
    "address.streetAddress",
    "email",
    "emailVerified",
    "enabled",
    "externalId",
    "id",
    "identityProvider.type",
    "lastSignOn.at",
    "lastSignOn.remoteIp",
    "lifecycle.status",
    "locale",
    "mfaEnabled",
    "mobilePhone",
    "name.family",
    "name.formatted",
    "name.given",
    "name.honorificPrefix",
    "name.honorificSuffix",
    "name.middle",
    "nickname",
    "photo.href",
    "population.id",
    "preferredLanguage",
    "primaryPhone",
    "timezone",
    "title",
    "type",
    "username",
    "verifyStatus",
];

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Variable {
    PasswordAt,
    MfaAt,
    RemoteIp,
    Identifier,
    /// The path of an attribute of the user.
    User(Vec<String>),
}

impl Variable {
    /// Reads `${name}`, or tells what is wrong with it.
    pub(super) fn parse(reference: &Value) -> Result<Self, &'static str> {
        let unknown = "is not a known variable";
        let name = reference.as_str().ok_or(unknown)?;
        let name = name
            .strip_prefix("${")
            .and_then(|name| name.strip_suffix('}'))
            .ok_or(unknown)?;
        Ok(match name {
            "session.lastSignOn.withAuthenticator.pwd.at" => Self::PasswordAt,
            "session.lastSignOn.withAuthenticator.mfa.at" => Self::MfaAt,
            "flow.request.http.remoteIp" => Self::RemoteIp,
            "identifier" => Self::Identifier,
            other => {
                let attribute = other.strip_prefix("user.").ok_or(unknown)?;
                if !USER_ATTRIBUTES.contains(&attribute) {
                    let below = format!("{attribute}.");
                    let is_complex = USER_ATTRIBUTES.iter().any(|name| name.starts_with(&below));
                    return Err(if is_complex {
                        "is made of attributes, of which one must be named"
                    } else {
                        unknown
                    });
                }
                Self::User(attribute.split('.').map(str::to_owned).collect())
            }
        })
    }

    pub(super) fn time(&self, scope: &Scope<'_>) -> Option<Timestamp> {
        match self {
            Self::PasswordAt => scope.password_at,
            Self::MfaAt => scope.mfa_at,
            Self::RemoteIp | Self::Identifier => None,
            Self::User(_) => self.value(scope)?.as_str()?.parse().ok(),
        }
    }

    pub(super) fn value(&self, scope: &Scope<'_>) -> Option<Value> {
        match self {
            Self::PasswordAt => scope.password_at.map(|time| time.to_string().into()),
            Self::MfaAt => scope.mfa_at.map(|time| time.to_string().into()),
            Self::RemoteIp => scope.remote_ip.map(|address| address.to_string().into()),
            Self::Identifier => scope.identifier.map(Value::from),
            Self::User(path) => {
                let mut value = scope.user;
                for step in path {
                    value = value.get(step)?;
                }
                if value.is_null() {
                    None
                } else {
                    Some(value.clone())
                }
            }
        }
    }
}
