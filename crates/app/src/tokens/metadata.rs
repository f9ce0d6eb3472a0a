//! What everybody may know of an environment's provider: its keys and its metadata.

use std::sync::Arc;

use serde_json::{Value, json};
use stepgate_domain::{
    id::Id,
    oidc::discovery::Discovery,
    resource::Stored,
    resources::{
        environment::{Environment, EnvironmentStatus},
        sign_on_policy::SignOnPolicy,
    },
};

use crate::{
    App,
    error::ManagementError,
    management::{cached, cached_children},
    origin::Origin,
};

/// An environment that serves sign-ons. One that waits for its deletion does not.
pub async fn serving_environment(
    app: &App,
    id: Id<Environment>,
) -> Result<Option<Arc<Stored<Environment>>>, ManagementError> {
    let environment = cached::<Environment>(app, id.uuid(), id.uuid()).await?;
    Ok(environment.filter(|environment| environment.body.status == EnvironmentStatus::Active))
}

/// The keys that verify (RFC 7517 §5).
pub async fn jwks(app: &App, environment: Id<Environment>) -> Result<Value, ManagementError> {
    let keys = app.signing_keys(environment.uuid()).await?;
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    Ok(json!({ "keys": keys }))
}

/// The provider's metadata (OIDC Discovery §4, RFC 8414 §3).
pub async fn discovery(
    app: &App,
    environment: Id<Environment>,
    origin: &Origin,
) -> Result<Value, ManagementError> {
    let policies = cached_children::<SignOnPolicy>(app, environment.uuid(), None).await?;
    let mut names: Vec<&str> = policies
        .iter()
        .map(|policy| policy.body.name.as_str())
        .collect();
    names.sort_unstable();
    let issuer = origin.issuer(environment);
    let discovery = Discovery {
        issuer: &issuer,
        acr_values: &names,
    };
    Ok(discovery.document())
}
