//! The application: an OAuth client, under the name that the management API has for it.

use std::{collections::BTreeMap, fmt};

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::{
    access::{Area, Carries},
    id::Id,
    profile::Profile,
    resource::{Built, Context, Kind, Link, Resource, Stored, ViewMember},
    time::Timestamp,
    uri,
    violation::Violation,
};

mod oidc;
mod refused;
pub mod secret;

pub use oidc::{
    CorsBehavior, CorsSettings, GrantType, Oidc, PkceEnforcement, ResponseType,
    TokenEndpointAuthMethod,
};

pub static APPLICATION: Kind = Kind {
    not_found: Some(|id, environment| {
        format!("Unable to find Application with ID: '{id}' in Environment '{environment}'")
    }),
    ..Kind::new("application", "applications", Area::Application)
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ApplicationType {
    WebApp,
    NativeApp,
    SinglePageApp,
    Service,
    Worker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Protocol {
    OpenidConnect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum AccessRoleType {
    AdminUsersOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AccessRole {
    #[serde(rename = "type")]
    pub role_type: AccessRoleType,
}

/// Who may sign on: everybody, or only users who hold a role.
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AccessControl {
    pub role: Option<AccessRole>,
}

impl AccessControl {
    const ADMINISTRATORS: Self = Self {
        role: Some(AccessRole {
            role_type: AccessRoleType::AdminUsersOnly,
        }),
    };
}

/// An image somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Icon {
    pub id: Id<Self>,
    #[schemars(url, length(max = 2048))]
    pub href: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Tag {
    PingFedConnectionIntegration,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    pub enabled: bool,
    #[serde(default)]
    pub hidden_from_app_portal: bool,
    #[serde(rename = "type")]
    pub application_type: ApplicationType,
    pub protocol: Protocol,
    pub access_control: Option<AccessControl>,
    pub icon: Option<Icon>,
    /// A page of the client's own, which is given `environmentId` and `flowId`.
    #[schemars(url, length(max = 2048))]
    pub login_page_url: Option<String>,
    /// Whether a sign-on that would begin with a second factor needs a signed hint, so that nobody
    /// can have codes sent by typing a name. Absent: as the security profile says.
    pub signed_hint_required: Option<bool>,
    #[schemars(length(max = 10))]
    pub tags: Option<Vec<Tag>>,
    #[serde(flatten)]
    pub oidc: Oidc,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationDraft {
    #[serde(flatten)]
    pub application: Application,
    /// All other members, to refuse those that ask for what is not there.
    #[schemars(skip)]
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

/// The other members may hold secrets.
impl fmt::Debug for ApplicationDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationDraft")
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

impl From<Application> for ApplicationDraft {
    fn from(application: Application) -> Self {
        Self {
            application,
            others: BTreeMap::new(),
        }
    }
}

impl Application {
    fn check(&self, faults: &mut Vec<Violation>) {
        let is_worker = self.application_type == ApplicationType::Worker;
        if self.tags.as_ref().is_some_and(|tags| !tags.is_empty()) && !is_worker {
            faults.push(Violation::invalid(
                "tags",
                "are only for applications of type WORKER",
            ));
        }
        if let Some(icon) = &self.icon
            && !icon.href.starts_with("https://")
            && !icon.href.starts_with("http://")
        {
            faults.push(Violation::invalid("icon.href", "must be a URL of the web"));
        }
        if let Some(Err(message)) = self.login_page_url.as_deref().map(uri::parse_page) {
            faults.push(Violation::invalid("loginPageUrl", message));
        }
        self.oidc.check(faults);
    }

    /// Whether only users who hold a role may sign on.
    pub fn admits_only_administrators(&self) -> bool {
        let role = self.access_control.and_then(|control| control.role);
        role.is_some_and(|role| role.role_type == AccessRoleType::AdminUsersOnly)
    }

    pub fn requires_signed_hint(&self, profile: Profile) -> bool {
        self.signed_hint_required
            .unwrap_or(profile == Profile::Strict)
    }

    fn fill(&mut self) {
        if self.application_type == ApplicationType::Worker {
            let control = self
                .access_control
                .get_or_insert(AccessControl::ADMINISTRATORS);
            control.role = control.role.or(AccessControl::ADMINISTRATORS.role);
        }
        self.oidc.fill();
    }
}

impl Resource for Application {
    const KIND: &'static Kind = &APPLICATION;
    type Draft = ApplicationDraft;

    fn build(
        draft: ApplicationDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let ApplicationDraft {
            mut application,
            others,
        } = draft;
        let mut faults = Vec::new();
        if let Some(previous) = previous {
            if previous.body.application_type != application.application_type {
                faults.push(Violation::invalid("type", "cannot be changed"));
            }
            if previous.body.protocol != application.protocol {
                faults.push(Violation::invalid("protocol", "cannot be changed"));
            }
        }
        let named = others.get("clientId").filter(|_| previous.is_some());
        if named.is_some_and(|named| named.as_str() != Some(&context.id.to_string())) {
            faults.push(Violation::invalid("clientId", "cannot be changed"));
        }
        let application_type = application.application_type;
        refused::check(others, application_type, previous.is_none(), &mut faults);
        application.check(&mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        application.fill();
        let mut built = Built::from(application);
        if previous.is_none() {
            built.secrets = secret::ClientSecrets::new(context.entropy).seal();
        }
        Ok(built)
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        let mut members = refused::shown_members();
        let id = generator.subschema_for::<Id<Self>>();
        members.push(ViewMember::always("clientId", id));
        members
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("clientId".to_owned(), stored.id.to_string().into());
        members.append(&mut stored.body_members());
        members.append(&mut refused::shown(stored.body.application_type));
        members
    }

    fn carries(&self, _now: Timestamp) -> Carries {
        let is_worker = self.enabled && self.application_type == ApplicationType::Worker;
        let grants = |wanted| is_worker && self.oidc.grant_types.contains(&wanted);
        let is_public = self.oidc.token_endpoint_auth_method == TokenEndpointAuthMethod::None;
        Carries {
            by_itself: grants(GrantType::ClientCredentials) && !is_public,
            for_users: grants(GrantType::AuthorizationCode),
        }
    }

    fn links(_stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        vec![
            ("secret", Link::Below("/secret")),
            ("grants", Link::Below("/grants")),
            (
                "signOnPolicyAssignments",
                Link::Below("/signOnPolicyAssignments"),
            ),
            ("roleAssignments", Link::Below("/roleAssignments")),
        ]
    }
}

#[cfg(test)]
mod tests;
