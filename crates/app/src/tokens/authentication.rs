//! Who calls the token and introspection endpoints (RFC 6749 §2.3).

use std::sync::Arc;

use stepgate_domain::{
    id::Id,
    oauth::{
        client::{Client, TokenEndpointAuthMethod},
        client_authentication::{ClientAuthenticationError, ClientCredentials, CredentialFault},
        error::OAuthError,
    },
    resource::{Resource, Stored},
    resources::{
        api_resource::{ApiResource, IntrospectEndpointAuthMethod, ResourceType},
        application::{Application, secret::ClientSecrets},
    },
};
use stepgate_store::engine::StoreError;
use uuid::Uuid;

use crate::{App, error::ManagementError, keys::KeyError, management::cached, seal::SealError};

use super::{
    client::{client_secrets, resource_secrets},
    secret_use::note_use,
};

/// Why an OAuth endpoint answers with an error.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// Apart from the others, because its answer may carry a challenge.
    #[error(transparent)]
    Client(#[from] ClientAuthenticationError),
    #[error(transparent)]
    Failed(ManagementError),
}

impl From<ManagementError> for TokenError {
    fn from(error: ManagementError) -> Self {
        Self::Failed(error)
    }
}
impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
impl From<KeyError> for TokenError {
    fn from(error: KeyError) -> Self {
        Self::Failed(error.into())
    }
}
impl From<SealError> for TokenError {
    fn from(error: SealError) -> Self {
        Self::Failed(error.into())
    }
}
impl From<serde_json::Error> for TokenError {
    fn from(error: serde_json::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Proves the client that the credentials name. `client` is what [`super::named_client`] found.
pub async fn authenticate(
    app: &Arc<App>,
    credentials: &ClientCredentials,
    client: Option<Client>,
) -> Result<Client, TokenError> {
    credentials.judge(client.as_ref())?;
    let Some(client) = client else {
        return Err(credentials.invalid(CredentialFault::UnknownClient).into());
    };
    if client.is_public() {
        return Ok(client);
    }
    let (environment, id) = (client.environment.uuid(), client.id.uuid());
    let secrets = client_secrets(app, environment, id).await?;
    prove::<Application>(app, credentials, secrets.as_deref(), environment, id)?;
    Ok(client)
}

/// Proves the API resource that the credentials name, which may introspect.
pub(super) async fn authenticate_resource(
    app: &Arc<App>,
    environment: Uuid,
    credentials: &ClientCredentials,
) -> Result<Arc<Stored<ApiResource>>, TokenError> {
    let id: Id<ApiResource> = credentials
        .client_id
        .parse()
        .map_err(|_| credentials.invalid(CredentialFault::UnknownClient))?;
    let resource = cached::<ApiResource>(app, environment, id.uuid())
        .await?
        .filter(|resource| resource.body.resource_type == ResourceType::Custom)
        .ok_or_else(|| credentials.invalid(CredentialFault::UnknownClient))?;
    let method = match resource
        .body
        .introspect_endpoint_auth_method
        .unwrap_or_default()
    {
        IntrospectEndpointAuthMethod::None => TokenEndpointAuthMethod::None,
        IntrospectEndpointAuthMethod::ClientSecretBasic => {
            TokenEndpointAuthMethod::ClientSecretBasic
        }
        IntrospectEndpointAuthMethod::ClientSecretPost => TokenEndpointAuthMethod::ClientSecretPost,
    };
    if !credentials.is_by(method) {
        return Err(credentials.unsupported().into());
    }
    if method != TokenEndpointAuthMethod::None {
        let secrets = resource_secrets(app, environment, id.uuid()).await?;
        prove::<ApiResource>(app, credentials, secrets.as_deref(), environment, id.uuid())?;
    }
    Ok(resource)
}

fn prove<R: Resource>(
    app: &Arc<App>,
    credentials: &ClientCredentials,
    secrets: Option<&ClientSecrets>,
    environment: Uuid,
    id: Uuid,
) -> Result<(), TokenError> {
    let secrets =
        secrets.ok_or_else(|| credentials.invalid(CredentialFault::ClientWithoutSecret))?;
    let (matched, candidates): (Vec<_>, Vec<_>) = secrets
        .candidates(app.now())
        .map(|(matched, secret)| (matched, secret.clone()))
        .unzip();
    let index = credentials
        .matching(&candidates)
        .ok_or_else(|| credentials.invalid(CredentialFault::WrongSecret))?;
    if let Some(&used) = matched.get(index) {
        note_use::<R>(app, environment, id, secrets, used);
    }
    Ok(())
}
