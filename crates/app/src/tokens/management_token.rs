//! Whose token carries administration: only one issued to a worker application.

use stepgate_domain::{
    access::{Assignment, ScopeType},
    id::Id,
    resource::Stored,
    resources::{
        application::{Application, ApplicationType},
        role_assignment::RoleAssignment,
    },
};
use stepgate_store::engine::StoreError;
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    keys::KeyError,
    management::{Actor, cached, cached_children},
    origin::Origin,
};

use super::{introspection::is_alive, verification::verify};

impl From<KeyError> for ManagementError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Store(error) => error.into(),
            other @ (KeyError::Missing
            | KeyError::Malformed
            | KeyError::Failed
            | KeyError::Seal(_)) => Self::Internal(Box::new(other)),
        }
    }
}

/// The actor behind a bearer token of the management API, or `None` when the token is not valid
/// for it.
pub async fn verify_management(
    app: &App,
    origin: &Origin,
    token: &str,
) -> Result<Option<Actor>, ManagementError> {
    let Some(token) = verify(app, token, app.now()).await? else {
        return Ok(None);
    };
    if token.typ != "at+jwt" || !token.is_for(&app.settings.origins.api_audience(origin)) {
        return Ok(None);
    }
    let Some(client) = token.client() else {
        return Ok(None);
    };
    let environment = token.environment;
    let Some(application) = cached::<Application>(app, environment.uuid(), client.uuid()).await?
    else {
        return Ok(None);
    };
    if !application.body.enabled {
        return Ok(None);
    }
    let user: Option<Id<()>> = token.id("sub");
    if user.is_some() && !is_alive(app, &token).await? {
        return Ok(None);
    }
    let assignments = match (application.body.application_type, user) {
        (ApplicationType::Worker, None) => {
            assignments(app, environment.uuid(), client.uuid()).await?
        }
        // A user's own roles count only with worker and console applications, and users hold none yet.
        _ => Vec::new(),
    };
    Ok(Some(Actor {
        application: client,
        environment,
        user: user.map(Id::uuid),
        scopes: token.scopes().map(str::to_owned).collect(),
        assignments,
    }))
}

/// What the application may do, as the permission rules see it.
pub async fn assignments(
    app: &App,
    environment: Uuid,
    application: Uuid,
) -> Result<Vec<Assignment>, StoreError> {
    let stored = cached_children::<RoleAssignment>(app, environment, Some(application)).await?;
    Ok(stored.iter().filter_map(assignment).collect())
}

fn assignment(stored: &Stored<RoleAssignment>) -> Option<Assignment> {
    let role = stored.body.role()?;
    let scope = stored.body.scope.scope_type;
    let scope_id = stored.body.scope.id.uuid();
    let environment = match scope {
        ScopeType::Environment | ScopeType::Organization => scope_id,
        // Populations and applications are assigned within the environment of the holder.
        ScopeType::Population | ScopeType::Application => stored.environment.uuid(),
    };
    Some(Assignment {
        role,
        scope,
        scope_id,
        environment,
    })
}
