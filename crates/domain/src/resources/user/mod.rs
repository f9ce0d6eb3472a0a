//! Users: who they are, and what is known of their credentials.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;
use uuid::Uuid;

use super::population::{POPULATION, Population};
use crate::{
    access::{Area, Carries},
    hidden::Hidden,
    id::Ref,
    name,
    resource::{
        Built, Context, Family, FilterAttribute, FilterSource, Kind, Link, OrderAttribute, Paging,
        Resource, Stored, Term, UniqueKey, ViewMember,
    },
    scim::Operator,
    time::Timestamp,
    violation::Violation,
};

mod account;
mod draft;
mod import;
mod profile;
#[cfg(test)]
mod tests;
mod verbs;

pub use account::{Account, AccountStatus, Credentials, Lock, Locks};
pub use draft::{ProviderDraft, UserDraft};
pub use import::{ImportDraft, Imported, LifecycleDraft, PasswordDraft, PasswordImport, import};
pub use profile::{Address, Name, Photo, Profile};
pub use verbs::{
    BypassMfaDraft, EnabledDraft, LockDraft, MfaEnabledDraft, MoveDraft, VerifyStatusDraft,
};

pub static USER: Kind = Kind {
    family: Family::User,
    parent: Some(&POPULATION),
    ..Kind::new("user", "users", Area::User)
};

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub username: String,
    #[serde(flatten)]
    pub profile: Profile,
    pub email_verified: bool,
    pub population: Ref<Population>,
    pub enabled: bool,
    pub lifecycle: Lifecycle,
    pub mfa_enabled: bool,
    pub verify_status: VerifyStatus,
    pub last_sign_on: Option<SignOn>,
    #[serde(default)]
    #[schemars(skip)]
    pub credentials: Hidden<Credentials>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Lifecycle {
    pub status: LifecycleStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum LifecycleStatus {
    #[default]
    AccountOk,
    /// May not sign on before the e-mail address is proved.
    VerificationRequired,
}

/// How far the identity of the person has been proved elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum VerifyStatus {
    #[default]
    NotInitiated,
    Enabled,
    Disabled,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct SignOn {
    pub at: Timestamp,
    pub remote_ip: Option<String>,
}

const fn text(name: &'static str) -> FilterAttribute {
    FilterAttribute::new(name, &[Operator::Eq, Operator::Sw], FilterSource::Term)
}

impl Resource for User {
    const KIND: &'static Kind = &USER;
    type Draft = UserDraft;

    const PAGING: Paging = Paging::Pages {
        default: 100,
        maximum: 1_000,
    };
    const PATCHABLE: bool = true;
    const NEEDS_DEFAULTS: &'static [&'static Kind] = &[&POPULATION];
    const FILTER: &'static [FilterAttribute] = &[
        FilterAttribute::exact("id", FilterSource::Id),
        FilterAttribute::exact("population.id", FilterSource::Parent),
        FilterAttribute::new(
            "enabled",
            &[Operator::Eq, Operator::Sw],
            FilterSource::BooleanTerm,
        ),
        text("username"),
        text("accountId"),
        text("address.streetAddress"),
        text("address.locality"),
        text("address.region"),
        text("address.postalCode"),
        text("address.countryCode"),
        text("email"),
        text("externalId"),
        text("locale"),
        text("mobilePhone"),
        text("name.formatted"),
        text("name.given"),
        text("name.middle"),
        text("name.family"),
        text("name.honorificPrefix"),
        text("name.honorificSuffix"),
        text("nickname"),
        text("photo.href"),
        text("preferredLanguage"),
        text("primaryPhone"),
        text("timezone"),
        text("title"),
        text("type"),
    ];
    const ORDER: &'static [OrderAttribute] = &[
        OrderAttribute::new("username", FilterSource::Term),
        OrderAttribute::new("createdAt", FilterSource::CreatedAt),
        OrderAttribute::new("updatedAt", FilterSource::UpdatedAt),
        OrderAttribute::new("email", FilterSource::Term),
        OrderAttribute::new("name.family", FilterSource::Term),
    ];

    fn carries(&self, now: Timestamp) -> Carries {
        Carries {
            by_itself: self.may_sign_on(now),
            ..Carries::default()
        }
    }

    fn build(
        draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        draft.build(previous, context).map(Built::from)
    }

    fn parent(&self) -> Option<(Uuid, &'static str)> {
        Some((self.population.id.uuid(), "population.id"))
    }

    fn taken_for(&self) -> Option<(Uuid, &'static str)> {
        Some((name::as_uuid(&self.username)?, "username"))
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::named("username", &self.username)]
    }

    fn terms(&self) -> Vec<Term> {
        let mut terms: Vec<_> = self
            .profile
            .attributes()
            .map(|(name, value)| Term::new(name, value))
            .collect();
        terms.push(Term::new("username", &self.username));
        terms.push(Term::new(
            "enabled",
            if self.enabled { "true" } else { "false" },
        ));
        terms
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let provider = json!({
            "type": "object",
            "required": ["type"],
            "properties": { "type": { "type": "string", "const": "PING_ONE" } },
        });
        vec![
            ViewMember::always("account", generator.subschema_for::<Account>()),
            ViewMember::always("identityProvider", provider),
        ]
    }

    fn view(stored: &Stored<Self>, now: Timestamp) -> Map<String, Value> {
        let mut members = stored.body_members();
        members.insert("account".to_owned(), json!(stored.body.account(now)));
        members.insert("identityProvider".to_owned(), json!({ "type": "PING_ONE" }));
        members
    }

    fn links(_stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        vec![
            ("devices", Link::Below("/devices")),
            ("roleAssignments", Link::Below("/roleAssignments")),
            ("password", Link::Below("/password")),
            ("password.reset", Link::Below("/password")),
            ("password.set", Link::Below("/password")),
            ("password.check", Link::Below("/password")),
        ]
    }
}
