//! The resource: an API that access tokens are for. Two are built in, `openid` and `PingOne API`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::{application::secret::ClientSecrets, fixed};
use crate::{
    access::Area,
    name,
    resource::{Built, Context, Kind, Link, Refusal, Resource, Stored, UniqueKey},
    time::Timestamp,
    violation::Violation,
};

pub static RESOURCE: Kind = Kind::new("resource", "resources", Area::Resource);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ResourceType {
    #[serde(rename = "OPENID_CONNECT")]
    OpenidConnect,
    /// The management API, as users reach their own data by it.
    #[serde(rename = "PINGONE_API")]
    PlatformApi,
    #[serde(rename = "CUSTOM")]
    Custom,
}

/// How the resource authenticates itself when it introspects a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum IntrospectEndpointAuthMethod {
    None,
    #[default]
    ClientSecretBasic,
    ClientSecretPost,
}

/// `typ` of the access tokens for the resource, where they are to have one (RFC 9068 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AccessTokenType {
    #[serde(rename = "at+jwt")]
    AtJwt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ApplicationPermissionsSettings {
    #[serde(default)]
    pub claim_enabled: bool,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiResource {
    pub name: String,
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub resource_type: ResourceType,
    /// `aud` of the access tokens. A built-in resource has none of its own, nor any of the following.
    pub audience: Option<String>,
    pub access_token_validity_seconds: Option<u32>,
    /// Of this server's own: answered when it was sent.
    pub access_token_type: Option<AccessTokenType>,
    pub introspect_endpoint_auth_method: Option<IntrospectEndpointAuthMethod>,
    pub application_permissions_settings: Option<ApplicationPermissionsSettings>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiResourceDraft {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    #[serde(rename = "type")]
    pub resource_type: Option<ResourceType>,
    /// Absent: the name.
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub audience: Option<String>,
    #[serde(default = "access_token_validity_seconds")]
    #[schemars(range(min = 300, max = 2_592_000))]
    pub access_token_validity_seconds: u32,
    pub access_token_type: Option<AccessTokenType>,
    #[serde(default)]
    pub introspect_endpoint_auth_method: IntrospectEndpointAuthMethod,
    #[serde(default)]
    pub application_permissions_settings: ApplicationPermissionsSettings,
    /// An import needs the secret with the id, and is not offered.
    #[schemars(skip)]
    client_id: Option<Value>,
    #[schemars(skip)]
    client_secret: Option<Value>,
}

const fn access_token_validity_seconds() -> u32 {
    3_600
}

impl ApiResource {
    fn built_in(name: &str, description: &str, resource_type: ResourceType) -> Self {
        Self {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            resource_type,
            audience: None,
            access_token_validity_seconds: None,
            access_token_type: None,
            introspect_endpoint_auth_method: None,
            application_permissions_settings: None,
        }
    }

    /// The resource whose scopes are those of OpenID Connect.
    pub fn openid() -> Self {
        Self::built_in(
            "openid",
            "Claims about the user who signed on",
            ResourceType::OpenidConnect,
        )
    }

    /// The resource whose scopes let users reach their own data.
    pub fn platform_api() -> Self {
        Self::built_in(
            "PingOne API",
            "Self-management by users",
            ResourceType::PlatformApi,
        )
    }

    pub fn is_built_in(&self) -> bool {
        self.resource_type != ResourceType::Custom
    }
}

impl ApiResourceDraft {
    fn check(&self, audience: &str, is_new: bool) -> Vec<Violation> {
        let mut faults = Vec::new();
        if self
            .resource_type
            .is_some_and(|kind| kind != ResourceType::Custom)
        {
            faults.push(Violation::not_allowed("type", &["CUSTOM"]));
        }
        let folded = name::fold(audience);
        if ["pingone", "pingidentity"]
            .iter()
            .any(|reserved| folded.contains(reserved))
        {
            faults.push(Violation::invalid(
                "audience",
                "must not contain pingone or pingidentity",
            ));
        }
        if is_issuer(&folded) {
            faults.push(Violation::invalid("audience", "must not be an issuer"));
        }
        if self.application_permissions_settings.claim_enabled {
            let target = "applicationPermissionsSettings.claimEnabled";
            faults.push(fixed::only(target, &false.into()));
        }
        for (target, sent) in [
            ("clientId", &self.client_id),
            ("clientSecret", &self.client_secret),
        ] {
            if is_new && sent.is_some() {
                faults.push(Violation::unavailable(target));
            }
        }
        faults
    }
}

/// Whether tokens with this audience would be for whoever issues tokens for an environment, on
/// whatever host.
fn is_issuer(audience: &str) -> bool {
    audience
        .trim_end_matches('/')
        .strip_suffix("/as")
        .and_then(|rest| rest.rsplit('/').next())
        .is_some_and(|environment| name::as_id(environment).is_some())
}

impl Resource for ApiResource {
    const KIND: &'static Kind = &RESOURCE;
    type Draft = ApiResourceDraft;

    fn build(
        draft: ApiResourceDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        if let Some(before) = previous
            .map(|previous| &previous.body)
            .filter(|before| before.is_built_in())
        {
            let is_same = draft.name == before.name
                && draft.description == before.description
                && draft
                    .resource_type
                    .is_none_or(|kind| kind == before.resource_type);
            return if is_same {
                Ok(before.clone().into())
            } else {
                Err(vec![Violation::constraint(
                    "type",
                    "a built-in resource cannot be changed",
                )])
            };
        }
        let audience = draft.audience.clone().unwrap_or_else(|| draft.name.clone());
        let faults = draft.check(&audience, previous.is_none());
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut built = Built::from(Self {
            name: draft.name,
            description: draft.description,
            resource_type: ResourceType::Custom,
            audience: Some(audience),
            access_token_validity_seconds: Some(draft.access_token_validity_seconds),
            access_token_type: draft.access_token_type,
            introspect_endpoint_auth_method: Some(draft.introspect_endpoint_auth_method),
            application_permissions_settings: Some(draft.application_permissions_settings),
        });
        if previous.is_none() {
            built.secrets = ClientSecrets::new(context.entropy).seal();
        }
        Ok(built)
    }

    fn audience(&self) -> Option<&str> {
        self.audience.as_deref()
    }

    fn unique(&self) -> Vec<UniqueKey> {
        let audience = self.audience.iter();
        let audience = audience.map(|audience| UniqueKey::named("audience", audience));
        std::iter::once(UniqueKey::name(&self.name))
            .chain(audience)
            .collect()
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        if stored.body.is_built_in() {
            let fault = Violation::constraint("type", "a built-in resource cannot be deleted");
            return Err(Refusal::Invalid(fault));
        }
        Ok(())
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        stored.body_members()
    }

    fn links(stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        let mut links = vec![("scopes", Link::Below("/scopes"))];
        if !stored.body.is_built_in() {
            links.push(("secret", Link::Below("/secret")));
        }
        links
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::trial::{NOW, build, rebuild, stored, targets};

    #[test]
    fn a_custom_resource_gets_defaults_and_a_secret() {
        let built = build::<ApiResource>(json!({ "name": "payments" })).unwrap();
        assert!(
            built
                .secrets
                .iter()
                .any(|(name, secret)| *name == "secret" && secret.is_some())
        );
        assert_eq!(
            Value::Object(ApiResource::view(&stored(built.body), NOW)),
            json!({
                "name": "payments", "type": "CUSTOM", "audience": "payments",
                "accessTokenValiditySeconds": 3600, "introspectEndpointAuthMethod": "CLIENT_SECRET_BASIC",
                "applicationPermissionsSettings": { "claimEnabled": false }
            })
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let body = json!({
            "name": "My PingOne", "type": "OPENID_CONNECT", "clientSecret": "12345678",
            "clientId": "imported-client",
            "applicationPermissionsSettings": { "claimEnabled": true }
        });
        assert_eq!(
            targets(build::<ApiResource>(body)),
            [
                "type",
                "audience",
                "applicationPermissionsSettings.claimEnabled",
                "clientId",
                "clientSecret"
            ]
        );
        let short = json!({ "name": "a", "accessTokenValiditySeconds": 299 });
        assert_eq!(
            targets(build::<ApiResource>(short)),
            ["accessTokenValiditySeconds"]
        );
    }

    #[test]
    fn an_audience_is_nobody_elses() {
        let audience = |body: Value| {
            let keys = build::<ApiResource>(body).unwrap().body.unique();
            keys.into_iter().find(|key| key.name == "audience").unwrap()
        };
        assert_eq!(
            audience(json!({ "name": "Payments " })),
            audience(json!({ "name": "other", "audience": "payments" }))
        );
        for issuer in [
            "https://id.example.test/9e0a1111-2222-4333-8444-555566667777/as",
            "https://ID.example.test/9E0A1111-2222-4333-8444-555566667777/AS/",
        ] {
            let body = json!({ "name": "a", "audience": issuer });
            assert_eq!(targets(build::<ApiResource>(body)), ["audience"]);
        }
        let body = json!({ "name": "a", "audience": "https://a.test/as" });
        assert!(build::<ApiResource>(body).is_ok());
    }

    #[test]
    fn a_built_in_resource_neither_changes_nor_goes() {
        let before = stored(ApiResource::openid());
        let answer = Value::Object(ApiResource::view(&before, NOW));
        assert_eq!(rebuild(answer, &before).unwrap().body, before.body);
        assert_eq!(
            targets(rebuild(json!({ "name": "other" }), &before)),
            ["type"]
        );
        assert!(ApiResource::may_leave(&before, &[]).is_err());
        let custom = stored(build::<ApiResource>(json!({ "name": "a" })).unwrap().body);
        assert!(ApiResource::may_leave(&custom, &[]).is_ok());
    }
}
