//! The client credentials grant (RFC 6749 §4.4).

use super::GrantError;
use crate::{
    id::Id,
    oauth::{
        client::{ApplicationType, Client},
        scope::{Allowance, GrantedScopes, Scopes},
    },
    time::Duration,
};

/// What to issue to a client for itself: an access token and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIssue {
    pub client: Id<Client>,
    /// Empty for a worker, whose permissions are its roles at the time of each call.
    pub granted: GrantedScopes,
    pub access_token_lifetime: Duration,
}

/// Judges a request that [`super::TokenRequest::read`] has let pass. `has_role` tells whether any
/// role is assigned to the application: a worker without one could do nothing with its token.
pub fn judge(
    allowance: &Allowance<'_>,
    scope: Option<&Scopes>,
    has_role: bool,
) -> Result<ClientIssue, GrantError> {
    if allowance.client.application_type == ApplicationType::Worker && !has_role {
        return Err(GrantError::NoRole);
    }
    let granted = allowance.for_client(scope).map_err(GrantError::Scope)?;
    Ok(ClientIssue {
        client: allowance.client.id,
        access_token_lifetime: granted.access_token_lifetime(),
        granted,
    })
}
