//! Role assignments: who holds what, and that nobody hands out more than they hold. What is true of
//! an application's is true of a user's.

use std::sync::Arc;

use stepgate_domain::{
    access::{Assignment, Role, ScopeType},
    resource::{Family, Resource, Stored},
    resources::{
        application::Application,
        environment::Environment,
        organization::Organization,
        population::Population,
        role_assignment::{Holder, RoleAssignment},
        user::User,
    },
    schema,
    time::Timestamp,
    violation::Violation,
};
use stepgate_store::{
    documents,
    engine::{Statement, StoreError},
};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{
        self, Actor, Caller, Place, Target, cached, cached_children, fetch, fetch_children,
    },
};

/// Assigns a role to the holder in `place`.
pub async fn create<H: Holder>(
    app: &App,
    caller: &Caller,
    place: Place,
    body: serde_json::Value,
) -> Result<Stored<RoleAssignment<H>>, ManagementError> {
    let draft = schema::decode::<RoleAssignment<H>>(body.clone())?;
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
    management::create::<RoleAssignment<H>>(app, caller, place, body).await
}

/// What the holder may do, as the permission rules see it.
pub async fn held_by<H: Holder>(
    app: &App,
    environment: Uuid,
    holder: Uuid,
) -> Result<Vec<Assignment>, StoreError> {
    let stored = match H::ASSIGNMENTS.family {
        Family::Configuration => {
            cached_children::<RoleAssignment<H>>(app, environment, Some(holder)).await?
        }
        // There may be too many users to keep them in memory.
        Family::User | Family::Device | Family::UserRole => {
            Arc::new(fetch_children::<RoleAssignment<H>>(app, environment, Some(holder)).await?)
        }
    };
    Ok(stored.iter().filter_map(assignment).collect())
}

fn assignment<H>(stored: &Stored<RoleAssignment<H>>) -> Option<Assignment> {
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

/// Whether the caller may act as the holder, which who knows the secret of an application can, and
/// who sets the password of a user: nobody gets to what they could not have been assigned by
/// themselves.
pub async fn may_act_as<H: Holder>(
    app: &App,
    actor: &Actor,
    environment: Uuid,
    holder: Uuid,
) -> Result<bool, ManagementError> {
    let theirs = held_by::<H>(app, environment, holder).await?;
    Ok(theirs.iter().all(|it| {
        let scope = (it.scope, it.scope_id);
        actor
            .assignments
            .iter()
            .any(|held| covers(held, it.role, scope, it.environment))
    }))
}

/// Whether the holder has been assigned any role.
pub(crate) async fn has_any<H: Holder>(
    app: &App,
    environment: Uuid,
    holder: Uuid,
) -> Result<bool, StoreError> {
    documents::owns_any(&*app.engine, H::ASSIGNMENTS, environment, holder).await
}

/// The roles on a new environment for whoever makes it.
const OF_THE_MAKER: [Role; 3] = [
    Role::EnvironmentAdmin,
    Role::IdentityDataAdmin,
    Role::ClientApplicationDeveloper,
];

/// Makes the user of the token, or else its application, administrator of a new environment.
pub(crate) async fn of_maker(
    app: &App,
    maker: &Caller,
    environment: Uuid,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    if let Some(user) = maker.actor.user {
        return on_environment::<User>(app, maker, user, environment, now).await;
    }
    let application = maker.actor.application.uuid();
    on_environment::<Application>(app, maker, application, environment, now).await
}

async fn on_environment<H: Holder>(
    app: &App,
    maker: &Caller,
    holder: Uuid,
    environment: Uuid,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let place = Place {
        environment: maker.actor.environment.uuid(),
        parent: Some(holder),
    };
    let mut statements = Vec::new();
    for role in OF_THE_MAKER {
        let id = app.new_id::<RoleAssignment<H>>().uuid();
        let assignment = RoleAssignment::<H>::new(role, ScopeType::Environment, environment);
        let given = Target::new(app, maker, place, id);
        statements.extend(given.inserted(assignment, now).await?.0);
    }
    Ok(statements)
}

/// What was known of the roles of the maker of an environment is known no more.
pub(crate) fn forget_maker(app: &App, maker: &Actor) {
    let application = maker.application.uuid();
    app.cache.invalidate(
        maker.environment.uuid(),
        RoleAssignment::<Application>::KIND.name,
        application,
        Some(application),
    );
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
