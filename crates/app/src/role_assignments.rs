//! Role assignments: nobody hands out more than they hold.

use stepgate_domain::{
    access::{Assignment, Role, ScopeType},
    resource::{Resource, Stored},
    resources::{
        application::Application, environment::Environment, organization::Organization,
        population::Population, role_assignment::RoleAssignment,
    },
    schema,
    violation::Violation,
};
use stepgate_store::{documents, engine::StoreError};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{self, Caller, Place, cached, fetch},
    tokens::assignments,
};

/// Assigns a role to the application in `place`.
pub async fn create(
    app: &App,
    caller: &Caller,
    place: Place,
    body: serde_json::Value,
) -> Result<Stored<RoleAssignment>, ManagementError> {
    let draft = schema::decode::<RoleAssignment>(body.clone())?;
    if let Some(role) = draft
        .role()
        .filter(|role| role.applicable_to().contains(&draft.scope.scope_type))
    {
        let scope = (draft.scope.scope_type, draft.scope.id.uuid());
        let environment = scope_environment(app, place, scope).await?;
        let held = &caller.actor.assignments;
        if !held
            .iter()
            .any(|held| covers(held, role, scope, environment))
        {
            return Err(
                Violation::invalid("scope", "Must have role at the same or broader scope").into(),
            );
        }
    }
    management::create::<RoleAssignment>(app, caller, place, body).await
}

/// Whether the caller may act as the application, which who knows its secret can: nobody gets to
/// what they could not have been assigned by themselves.
pub(crate) async fn may_act_as(
    app: &App,
    caller: &Caller,
    environment: Uuid,
    application: Uuid,
) -> Result<bool, ManagementError> {
    let own = &caller.actor.assignments;
    let theirs = assignments(app, environment, application).await?;
    Ok(theirs.iter().all(|it| {
        let scope = (it.scope, it.scope_id);
        own.iter()
            .any(|held| covers(held, it.role, scope, it.environment))
    }))
}

/// Whether the holder, an application or a user, has been assigned any role.
pub(crate) async fn has_any(
    app: &App,
    environment: Uuid,
    holder: Uuid,
) -> Result<bool, StoreError> {
    documents::owns_any(&*app.engine, RoleAssignment::KIND, environment, holder).await
}

/// The environment that the scope lies in; the scope must exist.
async fn scope_environment(
    app: &App,
    place: Place,
    scope: (ScopeType, Uuid),
) -> Result<Uuid, ManagementError> {
    let (scope_type, id) = scope;
    let unknown = || {
        ManagementError::from(Violation::invalid(
            "scope.id",
            "names an object that does not exist",
        ))
    };
    let (exists, environment) = match scope_type {
        ScopeType::Organization => (cached::<Organization>(app, id, id).await?.is_some(), id),
        ScopeType::Environment => (cached::<Environment>(app, id, id).await?.is_some(), id),
        ScopeType::Population => (
            fetch::<Population>(app, place.environment, id)
                .await?
                .is_some(),
            place.environment,
        ),
        ScopeType::Application => (
            cached::<Application>(app, place.environment, id)
                .await?
                .is_some(),
            place.environment,
        ),
    };
    if exists {
        Ok(environment)
    } else {
        Err(unknown())
    }
}

/// Whether what somebody holds takes in what is to be assigned.
fn covers(held: &Assignment, role: Role, scope: (ScopeType, Uuid), environment: Uuid) -> bool {
    let as_broad = match held.scope {
        ScopeType::Organization => true,
        ScopeType::Environment => {
            scope.0 != ScopeType::Organization && held.environment == environment
        }
        ScopeType::Population | ScopeType::Application => (held.scope, held.scope_id) == scope,
    };
    held.role.can_assign(role) && as_broad
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);
    const THERE: Uuid = Uuid::from_u128(2);

    fn held(role: Role, scope: ScopeType, id: Uuid) -> Assignment {
        Assignment {
            role,
            scope,
            scope_id: id,
            environment: id,
        }
    }

    #[test]
    fn nobody_assigns_more_than_they_hold() {
        let admin = held(Role::EnvironmentAdmin, ScopeType::Environment, HERE);
        let own = (ScopeType::Environment, HERE);
        assert!(covers(&admin, Role::EnvironmentAdmin, own, HERE));
        assert!(covers(&admin, Role::ConfigurationReadOnly, own, HERE));
        for (role, scope, environment) in [
            (
                Role::EnvironmentAdmin,
                (ScopeType::Environment, THERE),
                THERE,
            ),
            (
                Role::EnvironmentAdmin,
                (ScopeType::Organization, HERE),
                HERE,
            ),
            (
                Role::OrganizationAdmin,
                (ScopeType::Organization, HERE),
                HERE,
            ),
            (Role::IdentityDataAdmin, own, HERE),
            (Role::ClientApplicationDeveloper, own, HERE),
        ] {
            assert!(!covers(&admin, role, scope, environment), "{role:?}");
        }
        let developer = held(
            Role::ClientApplicationDeveloper,
            ScopeType::Environment,
            HERE,
        );
        for role in Role::ALL {
            let may = matches!(
                role,
                Role::ClientApplicationDeveloper | Role::ApplicationOwner
            );
            assert_eq!(covers(&developer, role, own, HERE), may, "{role:?}");
        }
    }
}
