//! That somebody is left who administers the organization.

use stepgate_domain::{
    access::{Carries, Role},
    id::Id,
    resource::{Kind, ORGANIZATION_SPACE, Resource},
    resources::{
        application::Application,
        environment::Environment,
        organization::Organization,
        role_assignment::{Holder, RoleAssignment},
        user::User,
    },
    time::Timestamp,
    violation::Violation,
};
use stepgate_store::{documents, engine::Statement};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{fetch, fetch_children},
    provisioning,
    role_assignments::held_by,
};

/// An object through which roles work less than before, or no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loss {
    pub(crate) kind: &'static Kind,
    pub(crate) environment: Uuid,
    pub(crate) id: Uuid,
    pub(crate) parent: Option<Uuid>,
    /// What still works through it.
    pub(crate) left: Carries,
}

impl Loss {
    /// What the object carries afterwards, which carries this much now.
    fn left_of(&self, kind: &'static Kind, id: Uuid, now: Carries) -> Carries {
        if self.kind == kind && self.id == id {
            self.left
        } else {
            now
        }
    }

    /// Whether it is the end of somebody's role.
    fn withdraws_from(&self, holder: Uuid) -> bool {
        self.parent == Some(holder)
            && self.kind == RoleAssignment::<User>::KIND
            && !self.left.by_itself
    }
}

/// What makes it certain that somebody is left who holds Organization Admin and can get a token: the
/// writes for it, or the refusal. Two losses at once are judged one after the other, because each
/// raises the organization's revision.
pub(crate) async fn keep_one(app: &App, loss: Loss) -> Result<Vec<Statement>, ManagementError> {
    if loss.kind == User::KIND {
        let held = held_by::<User>(app, loss.environment, loss.id).await?;
        if held.iter().all(|it| it.role != Role::OrganizationAdmin) {
            return Ok(Vec::new());
        }
    }
    let Some(organization) = provisioning::organization(app).await? else {
        return Ok(Vec::new());
    };
    // The revision first: whoever is counted was there then, or came later.
    let kind = Organization::KIND;
    let id = organization.uuid();
    let document = documents::read(&*app.engine, kind, ORGANIZATION_SPACE, id, None)
        .await?
        .ok_or(ManagementError::NotFound(None))?;
    let now = app.now();
    if !is_one_left::<Application>(app, organization, &loss, now).await?
        && !is_one_left::<User>(app, organization, &loss, now).await?
    {
        let message = "would leave nobody who administers the organization and can get a token";
        return Err(Violation::constraint("id", message).into());
    }
    Ok(documents::raise(
        kind,
        ORGANIZATION_SPACE,
        id,
        document.version,
        now,
    ))
}

async fn is_one_left<H: Holder>(
    app: &App,
    organization: Id<Organization>,
    loss: &Loss,
    now: Timestamp,
) -> Result<bool, ManagementError> {
    let role = RoleAssignment::<H>::key(Role::OrganizationAdmin, organization.uuid());
    let found = documents::owners_with(&*app.engine, H::ASSIGNMENTS, &role).await?;
    for (environment, holder) in found {
        if !loss.withdraws_from(holder)
            && is_served(app, environment, loss, now).await?
            && can_get_token::<H>(app, (environment, holder), loss, now).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn is_served(
    app: &App,
    id: Uuid,
    loss: &Loss,
    now: Timestamp,
) -> Result<bool, ManagementError> {
    let environment = fetch::<Environment>(app, id, id).await?;
    let carries = environment.map(|environment| environment.body.carries(now));
    let left = carries.map(|carries| loss.left_of(Environment::KIND, id, carries));
    Ok(left.is_some_and(|left| left.by_itself))
}

/// By itself; a user at an application of the environment that signs administrators on.
async fn can_get_token<H: Holder>(
    app: &App,
    (environment, holder): (Uuid, Uuid),
    loss: &Loss,
    now: Timestamp,
) -> Result<bool, ManagementError> {
    let Some(stored) = fetch::<H>(app, environment, holder).await? else {
        return Ok(false);
    };
    let left = loss.left_of(H::KIND, holder, stored.body.carries(now));
    if !left.by_itself || H::KIND == Application::KIND {
        return Ok(left.by_itself);
    }
    let consoles = fetch_children::<Application>(app, environment, None).await?;
    Ok(consoles.iter().any(|console| {
        let carries = console.body.carries(now);
        loss.left_of(Application::KIND, console.id.uuid(), carries)
            .for_users
    }))
}
