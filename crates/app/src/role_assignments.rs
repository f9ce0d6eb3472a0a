//! Role assignments: who holds what, and that nobody hands out more than they hold. What is true of
//! an application's is true of a user's.

use std::sync::Arc;

use stepgate_domain::{
    access::{Access, Assignment, Reach, Role, ScopeType, may_assign_all},
    resource::{Family, Kind, Resource, Stored},
    resources::{
        application::Application,
        environment::Environment,
        organization::Organization,
        population::Population,
        role_assignment::{Holder, RoleAssignment},
        user::User,
    },
    schema,
    time::{Duration, Timestamp},
    violation::Violation,
};
use stepgate_store::{
    documents::Document,
    engine::{Statement, StoreError},
};
use uuid::Uuid;

use crate::{
    App,
    error::{Denial, ManagementError},
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
        let (scope, scope_id) = (draft.scope.scope_type, draft.scope.id.uuid());
        let wanted = Assignment {
            role,
            scope,
            scope_id,
            environment: scope_environment(app, place, (scope, scope_id)).await?,
        };
        if !may_assign_all(&caller.actor.assignments, &[wanted]) {
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

/// How long a second factor speaks for a user who holds roles and writes the own account.
const FRESH: Duration = Duration::from_minutes(5);

/// Whether the caller may touch an object that may hold roles. Who sets the password of a user or
/// pairs a device, who reads the secret of an application or sends its users elsewhere, can act with
/// their roles; who deletes them ends them. So whatever is on or below a holder of roles is written,
/// and its secret read, only by callers who could assign each of the roles themselves.
///
/// Users hold the roles that they have. By their own scopes, which any application may be granted,
/// they only touch their account when they have just proved a second factor themselves.
pub(crate) async fn permit(
    app: &App,
    caller: &Caller,
    kind: &'static Kind,
    object: &Document,
) -> Result<(), ManagementError> {
    let by_own_scope = matches!(caller.reach, Reach::Own(_));
    if caller.access == Access::Read && !by_own_scope {
        return Ok(());
    }
    let theirs = held_by_object(app, kind, object.environment, object.id).await?;
    let is_permitted = if by_own_scope {
        let proved = caller.actor.second_factor_at;
        theirs.is_empty() || proved.is_some_and(|at| app.now().since(at) <= FRESH)
    } else {
        may_assign_all(&caller.actor.assignments, &theirs)
    };
    if is_permitted {
        Ok(())
    } else if by_own_scope {
        Err(ManagementError::Forbidden(Denial::SecondFactorTooOld))
    } else {
        Err(ManagementError::Forbidden(Denial::HoldsMore))
    }
}

/// Whether the caller may end the environment: whoever holds roles in it ends with it.
pub(crate) async fn permit_end(
    app: &App,
    caller: &Caller,
    environment: Uuid,
) -> Result<(), ManagementError> {
    let (of_applications, of_users) = (
        fetch_children::<RoleAssignment<Application>>(app, environment, None).await?,
        fetch_children::<RoleAssignment<User>>(app, environment, None).await?,
    );
    let theirs: Vec<Assignment> = of_applications
        .iter()
        .filter_map(assignment)
        .chain(of_users.iter().filter_map(assignment))
        .collect();
    if may_assign_all(&caller.actor.assignments, &theirs) {
        Ok(())
    } else {
        Err(ManagementError::Forbidden(Denial::EnvironmentHoldsMore))
    }
}

/// The roles of an object, if it is of a kind that holds any.
async fn held_by_object(
    app: &App,
    kind: &'static Kind,
    environment: Uuid,
    id: Uuid,
) -> Result<Vec<Assignment>, StoreError> {
    if kind == Application::KIND {
        held_by::<Application>(app, environment, id).await
    } else if kind == User::KIND {
        held_by::<User>(app, environment, id).await
    } else {
        Ok(Vec::new())
    }
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
