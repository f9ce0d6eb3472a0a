//! Whose token carries administration: only one issued to a worker application.

use stepgate_domain::{
    id::Id,
    resources::{
        application::{Application, ApplicationType},
        user::User,
    },
};

use crate::{
    App,
    error::ManagementError,
    keys::KeyError,
    management::{Actor, cached},
    origin::Origin,
    role_assignments::held_by,
};

use super::{
    introspection::sign_on,
    verification::{TokenFault, verify},
};

impl From<KeyError> for ManagementError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            KeyError::Seal(error) => error.into(),
            KeyError::NotDone(error) => error.into(),
            other @ (KeyError::Missing | KeyError::Malformed | KeyError::Failed) => {
                Self::Internal(Box::new(other))
            }
        }
    }
}

/// The actor behind a bearer token of the management API, or why the token is not valid for it.
pub async fn verify_management(
    app: &App,
    origin: &Origin,
    token: &str,
) -> Result<Result<Actor, TokenFault>, ManagementError> {
    let token = match verify(app, token, app.now()).await? {
        Ok(token) => token,
        Err(fault) => return Ok(Err(fault)),
    };
    let is_meant = |audience: &str| app.settings.origins.accepts_audience(origin, audience);
    if !token.is_access_token() || !token.is_for(is_meant) {
        return Ok(Err(TokenFault::WrongUse));
    }
    let Some(client) = token.client() else {
        return Ok(Err(TokenFault::WrongUse));
    };
    let environment = token.environment;
    let Some(application) = cached::<Application>(app, environment.uuid(), client.uuid()).await?
    else {
        return Ok(Err(TokenFault::ClientGone));
    };
    if !application.body.enabled {
        return Ok(Err(TokenFault::ClientGone));
    }
    let user: Option<Id<()>> = token.id("sub");
    let sign_on = match user {
        Some(_) => sign_on(app, &token).await?,
        None => None,
    };
    if user.is_some() && sign_on.is_none() {
        return Ok(Err(TokenFault::Revoked));
    }
    // In the hands of a user a worker application is that user, whatever it may do by itself.
    let assignments = match (application.body.application_type, user) {
        (ApplicationType::Worker, None) => {
            held_by::<Application>(app, environment.uuid(), client.uuid()).await?
        }
        (ApplicationType::Worker, Some(user)) => {
            held_by::<User>(app, environment.uuid(), user.uuid()).await?
        }
        (
            ApplicationType::WebApp
            | ApplicationType::NativeApp
            | ApplicationType::SinglePageApp
            | ApplicationType::Service,
            _,
        ) => Vec::new(),
    };
    Ok(Ok(Actor {
        application: client,
        environment,
        user: user.map(Id::uuid),
        scopes: token.scopes().map(str::to_owned).collect(),
        second_factor_at: sign_on.and_then(|sign_on| sign_on.second_factor_at),
        assignments,
    }))
}
