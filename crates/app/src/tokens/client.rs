//! Applications and API resources as the protocol sees them, from cached configuration.

use std::sync::Arc;

use stepgate_domain::{
    id::Id,
    oauth::{
        client::{
            ApplicationType, Client, Cors, GrantType, PkceEnforcement, Protocol, RefreshTokenRules,
            ResponseType, TokenEndpointAuthMethod,
        },
        cors::{self, Admission, EndpointKind},
        scope::{Allowance, ResourceGrant, ResourceKind},
    },
    resource::{Resource, Stored},
    resources::{
        api_resource::{ApiResource, ResourceType},
        application::{
            self, Application, CorsBehavior,
            secret::{self, ClientSecrets},
        },
        environment::Environment,
        grant::Grant,
        scope::Scope,
    },
    time::Duration,
};
use stepgate_store::{
    documents::{self, space},
    engine::StoreError,
};
use uuid::Uuid;

use crate::{
    App,
    configuration_cache::Entry,
    error::ManagementError,
    management::{cached, cached_children},
    origin::Origin,
};

/// The client of this id, enabled or not.
pub async fn client(app: &App, environment: Uuid, id: Uuid) -> Result<Option<Client>, StoreError> {
    let application = cached::<Application>(app, environment, id).await?;
    Ok(application.map(|application| as_client(&application)))
}

/// The client that a request names: as [`client`], and `None` for what is no id.
pub async fn named_client(
    app: &App,
    environment: Uuid,
    client_id: &str,
) -> Result<Option<Client>, StoreError> {
    match client_id.parse::<Id<Client>>() {
        Ok(id) => client(app, environment, id.uuid()).await,
        Err(_) => Ok(None),
    }
}

/// The environment of the application that a request names.
pub async fn environment_of_client(
    app: &App,
    client_id: &str,
) -> Result<Option<Id<Environment>>, StoreError> {
    environment_of::<Application>(app, client_id).await
}

/// The environment of whoever asks about a token: an application, or an API resource.
pub async fn environment_of_introspector(
    app: &App,
    id: &str,
) -> Result<Option<Id<Environment>>, StoreError> {
    match environment_of::<Application>(app, id).await? {
        Some(environment) => Ok(Some(environment)),
        None => environment_of::<ApiResource>(app, id).await,
    }
}

async fn environment_of<R: Resource>(
    app: &App,
    id: &str,
) -> Result<Option<Id<Environment>>, StoreError> {
    let Ok(id) = id.parse::<Id<R>>() else {
        return Ok(None);
    };
    let found = documents::environment_of(&*app.engine, R::KIND, id.uuid()).await?;
    Ok(found.map(Id::from_uuid))
}

/// What a page of this origin may be told before it is known for which application it asks: a
/// preflight names none, and neither does a token that is void.
pub async fn judge_unnamed_page(
    app: &App,
    environment: Uuid,
    kind: EndpointKind,
    origin: &str,
) -> Result<Admission, StoreError> {
    let applications = cached_children::<Application>(app, environment, None).await?;
    let clients: Vec<Client> = applications.iter().map(as_client).collect();
    Ok(cors::judge_unnamed(&clients, kind, origin))
}

fn as_client(stored: &Stored<Application>) -> Client {
    let application = &stored.body;
    let oidc = &application.oidc;
    let seconds = |value: u32| Duration::from_seconds(i64::from(value));
    let defaults = RefreshTokenRules::default();
    Client {
        id: stored.id.cast(),
        environment: stored.environment.cast(),
        name: application.name.clone(),
        enabled: application.enabled,
        application_type: match application.application_type {
            application::ApplicationType::WebApp => ApplicationType::WebApp,
            application::ApplicationType::NativeApp => ApplicationType::NativeApp,
            application::ApplicationType::SinglePageApp => ApplicationType::SinglePageApp,
            application::ApplicationType::Service => ApplicationType::Service,
            application::ApplicationType::Worker => ApplicationType::Worker,
        },
        protocol: match application.protocol {
            application::Protocol::OpenidConnect => Protocol::OpenidConnect,
        },
        grant_types: oidc.grant_types.iter().copied().map(grant_type).collect(),
        response_types: oidc
            .response_types
            .iter()
            .flatten()
            .map(|known| match known {
                application::ResponseType::Code => ResponseType::Code,
            })
            .collect(),
        token_endpoint_auth_method: match oidc.token_endpoint_auth_method {
            application::TokenEndpointAuthMethod::None => TokenEndpointAuthMethod::None,
            application::TokenEndpointAuthMethod::ClientSecretBasic => {
                TokenEndpointAuthMethod::ClientSecretBasic
            }
            application::TokenEndpointAuthMethod::ClientSecretPost => {
                TokenEndpointAuthMethod::ClientSecretPost
            }
        },
        redirect_uris: oidc.redirect_uris.clone().unwrap_or_default(),
        pages: [&application.login_page_url, &oidc.initiate_login_uri]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        allow_wildcard_in_redirect_uris: oidc.allow_wildcard_in_redirect_uris,
        pkce_enforcement: match oidc.pkce_enforcement {
            application::PkceEnforcement::Optional => PkceEnforcement::Optional,
            application::PkceEnforcement::Required => PkceEnforcement::Required,
            application::PkceEnforcement::S256Required => PkceEnforcement::S256Required,
        },
        key_rotation_policy: None,
        refresh_tokens: RefreshTokenRules {
            duration: oidc
                .refresh_token_duration
                .map_or(defaults.duration, seconds),
            rolling_duration: oidc.refresh_token_rolling_duration.map(seconds),
            grace_period: oidc
                .refresh_token_rolling_grace_period_duration
                .map_or(defaults.grace_period, seconds),
            replay_protection: oidc.additional_refresh_token_replay_protection_enabled,
        },
        // Management refuses the settings that would turn these on.
        request_scopes_for_multiple_resources: false,
        requires_pushed_authorization_requests: false,
        require_signed_request_object: false,
        cors: match &oidc.cors_settings {
            None => Cors::Unset,
            Some(settings) => match settings.behavior {
                CorsBehavior::AllowNoOrigins => Cors::NoOrigins,
                CorsBehavior::AllowSpecificOrigins => {
                    Cors::Origins(settings.origins.clone().unwrap_or_default())
                }
            },
        },
    }
}

const fn grant_type(grant_type: application::GrantType) -> GrantType {
    match grant_type {
        application::GrantType::AuthorizationCode => GrantType::AuthorizationCode,
        application::GrantType::RefreshToken => GrantType::RefreshToken,
        application::GrantType::ClientCredentials => GrantType::ClientCredentials,
    }
}

/// What [`Allowance`] borrows.
#[derive(Debug, Clone)]
pub struct AllowanceFacts {
    pub grants: Vec<ResourceGrant>,
    /// The audience of the platform's API.
    pub platform_audience: String,
}

impl AllowanceFacts {
    pub fn allowance<'a>(&'a self, client: &'a Client) -> Allowance<'a> {
        Allowance {
            client,
            grants: &self.grants,
            platform_audience: &self.platform_audience,
        }
    }
}

/// The grants of a client, resolved to resources and names of scopes.
pub async fn allowance_facts(
    app: &App,
    origin: &Origin,
    client: &Client,
) -> Result<AllowanceFacts, StoreError> {
    let environment = client.environment.uuid();
    let platform_audience = app.settings.origins.api_audience(origin);
    let stored = cached_children::<Grant>(app, environment, Some(client.id.uuid())).await?;
    let mut grants = Vec::with_capacity(stored.len());
    for grant in stored.iter() {
        let resource = grant.body.resource.id.uuid();
        let Some(resource) = cached::<ApiResource>(app, environment, resource).await? else {
            continue;
        };
        let scopes = cached_children::<Scope>(app, environment, Some(resource.id.uuid())).await?;
        let named = scopes.iter().filter(|scope| {
            grant
                .body
                .scopes
                .iter()
                .any(|granted| granted.id == scope.id)
        });
        let lifetime = resource.body.access_token_validity_seconds;
        grants.push(ResourceGrant {
            resource: resource.id.cast(),
            kind: match resource.body.resource_type {
                ResourceType::OpenidConnect => ResourceKind::OpenidConnect,
                ResourceType::PlatformApi => ResourceKind::PlatformApi,
                ResourceType::Custom => ResourceKind::Custom,
            },
            audience: match resource.body.resource_type {
                ResourceType::Custom => audience(&resource.body),
                ResourceType::OpenidConnect | ResourceType::PlatformApi => {
                    platform_audience.clone()
                }
            },
            access_token_lifetime: lifetime.map_or(Duration::from_hours(1), |seconds| {
                Duration::from_seconds(i64::from(seconds))
            }),
            scopes: named.map(|scope| scope.body.name.clone()).collect(),
        });
    }
    Ok(AllowanceFacts {
        grants,
        platform_audience,
    })
}

/// The audience of a custom resource: its name, where it has no other.
pub(super) fn audience(resource: &ApiResource) -> String {
    let audience = resource.audience.as_ref().unwrap_or(&resource.name);
    audience.clone()
}

/// The secrets of an application: what its hints and its token requests are proved by.
pub async fn client_secrets(
    app: &App,
    environment: Uuid,
    application: Uuid,
) -> Result<Option<Arc<ClientSecrets>>, ManagementError> {
    secrets::<Application>(app, environment, application).await
}

/// The secrets of an API resource: what it introspects with.
pub async fn resource_secrets(
    app: &App,
    environment: Uuid,
    resource: Uuid,
) -> Result<Option<Arc<ClientSecrets>>, ManagementError> {
    secrets::<ApiResource>(app, environment, resource).await
}

async fn secrets<R: Resource>(
    app: &App,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<Arc<ClientSecrets>>, ManagementError> {
    let key = space(R::KIND, environment);
    let found =
        app.cache
            .get::<Option<Arc<ClientSecrets>>, ManagementError, _>(
                key,
                R::KIND.name,
                Entry::Secrets(id),
                || async {
                    let document =
                        documents::read(&*app.engine, R::KIND, environment, id, None).await?;
                    let Some(document) = document else {
                        return Ok(None);
                    };
                    let mut members = app
                        .open_members(
                            document.environment,
                            R::KIND.name,
                            id,
                            document.secrets.as_deref(),
                        )
                        .await?;
                    let previous = members.remove(secret::PREVIOUS);
                    let current = members.remove(secret::CURRENT);
                    Ok(current
                        .map(|current| Arc::new(ClientSecrets::open(current, previous.as_ref()))))
                },
            )
            .await?;
    Ok((*found).clone())
}
