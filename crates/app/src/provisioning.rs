//! How an installation and its environments come to be: each in one batch.

mod unborn;

use stepgate_domain::{
    id::Id,
    profile::Profile,
    resource::{Built, Context, Kind, ORGANIZATION_SPACE, Resource, Stored},
    resources::{
        birth::{self, Nursery},
        environment::{
            Deletion, Environment, EnvironmentDraft, EnvironmentStatus, Region, StatusDraft,
        },
        license::License,
        organization::Organization,
    },
    schema,
    time::Timestamp,
    violation::Violation,
};
use stepgate_store::{
    documents,
    engine::{Batch, Statement},
    installation, tombstones,
};
use uuid::Uuid;

pub use self::unborn::{Installation, Unborn, prepare, recover};
use crate::{
    App,
    error::ManagementError,
    keys::NewSigningKey,
    management::{self, Caller, Place, Target, prepare_insert},
    random::SystemRandom,
    role_assignments,
};

const ORGANIZATION: &str = "organization";
const REGION: &str = "region";

/// The organization of this installation, when it has been initialized.
pub async fn organization(app: &App) -> Result<Option<Id<Organization>>, ManagementError> {
    let id = installation::read(&*app.engine, ORGANIZATION).await?;
    Ok(id.and_then(|id| id.parse().ok()))
}

/// Where the installation is said to be, and its environments with it.
async fn region(app: &App) -> Result<Region, ManagementError> {
    let name = installation::read(&*app.engine, REGION).await?;
    Ok(name
        .and_then(|name| Region::named(&name))
        .unwrap_or_default())
}

/// An object that is to be inserted once its secrets can be sealed.
struct Newborn<R> {
    place: Place,
    id: Uuid,
    built: Built<R>,
}

/// Collects the objects of an environment in order of birth, to be prepared afterwards.
struct Cradle<'a> {
    app: &'a App,
    environment: Uuid,
    waiting: Vec<Box<dyn Prepare + Send>>,
}

/// Turns a newborn into statements. Sealing is async, so it cannot happen while it is born.
#[async_trait::async_trait]
trait Prepare {
    async fn prepare(
        self: Box<Self>,
        app: &App,
        now: Timestamp,
    ) -> Result<Vec<Statement>, ManagementError>;
}

#[async_trait::async_trait]
impl<R: Resource> Prepare for Newborn<R> {
    async fn prepare(
        self: Box<Self>,
        app: &App,
        now: Timestamp,
    ) -> Result<Vec<Statement>, ManagementError> {
        Ok(prepare_insert(app, self.place, self.id, self.built, now)
            .await?
            .0)
    }
}

impl Cradle<'_> {
    fn put<R: Resource>(&mut self, parent: Option<Uuid>, id: Uuid, built: Built<R>) {
        let place = Place {
            environment: self.environment,
            parent,
        };
        self.waiting.push(Box::new(Newborn { place, id, built }));
    }

    async fn statements(self, now: Timestamp) -> Result<Vec<Statement>, ManagementError> {
        let mut statements = Vec::new();
        for newborn in self.waiting {
            statements.extend(newborn.prepare(self.app, now).await?);
        }
        Ok(statements)
    }
}

impl Nursery for Cradle<'_> {
    fn add<R: Resource>(&mut self, parent: Option<Uuid>, built: Built<R>) -> Id<R> {
        let id = self.app.new_id::<R>();
        self.put(parent, id.uuid(), built);
        id
    }
}

/// The keys and the objects that an environment is born with.
async fn contents(
    app: &App,
    environment: Uuid,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let data_key = app.seal.new_data_key(environment, now)?;
    let signing_key = NewSigningKey::generate(now).await?;
    let mut statements = vec![
        data_key.statement,
        signing_key.statement(environment, &data_key.key, now)?,
    ];
    app.seal.remember(environment, &data_key.key);
    let mut cradle = Cradle {
        app,
        environment,
        waiting: Vec::new(),
    };
    birth::environment(&mut cradle);
    statements.extend(cradle.statements(now).await?);
    Ok(statements)
}

/// Makes an environment, with `maker` as its administrator.
pub async fn create_environment(
    app: &App,
    maker: &Caller,
    body: serde_json::Value,
) -> Result<Stored<Environment>, ManagementError> {
    let now = app.now();
    let id = app.new_id::<Environment>().uuid();
    let draft = schema::decode::<EnvironmentDraft>(body)?;
    let (draft, misplaced) = draft.located(region(app).await?);
    let license = documents::default_of(&*app.engine, License::KIND, ORGANIZATION_SPACE).await?;
    let organization = organization(app).await?;
    let built = {
        let defaults = |kind: &Kind| match kind.name {
            "license" => license.as_ref().map(|license| license.id),
            "organization" => organization.map(Id::uuid),
            _ => None,
        };
        let mut context = Context {
            now,
            entropy: &mut SystemRandom,
            environment: Id::from_uuid(id),
            id,
            parent: organization.map(Id::uuid),
            defaults: &defaults,
            parent_body: None,
            profile: Profile::default(),
            client_address_is_known: app.settings.client_address_is_known,
        };
        Environment::build(draft, None, &mut context)
    };
    let built = match (built, misplaced) {
        (Ok(built), None) => built,
        (built, misplaced) => {
            let mut faults: Vec<_> = misplaced.into_iter().collect();
            faults.extend(built.err().unwrap_or_default());
            return Err(faults.into());
        }
    };
    let place = Place {
        environment: id,
        parent: organization.map(Id::uuid),
    };
    let target = Target::new(app, maker, place, id);
    let (statements, stored) = target.inserted(built, now).await?;
    let mut batch = Batch(statements);
    let outcome = async {
        batch.extend(contents(app, id, now).await?);
        batch.extend(role_assignments::of_maker(app, maker, id, now).await?);
        Ok::<_, ManagementError>(app.commit(batch).await?)
    }
    .await;
    match outcome {
        Ok(()) => {
            app.cache
                .invalidate(ORGANIZATION_SPACE, Environment::KIND.name, id, place.parent);
            role_assignments::forget_maker(app, &maker.actor);
            Ok(stored)
        }
        Err(error) => {
            app.seal.forget(id);
            Err(error)
        }
    }
}

/// Deletes an environment: unknown at once, its rows removed little by little. A production
/// environment is only marked until its time of grace is over.
pub async fn delete_environment(target: &Target<'_>) -> Result<(), ManagementError> {
    let Target {
        app, caller, id, ..
    } = *target;
    let stored = management::read::<Environment>(target).await?;
    role_assignments::permit_end(app, caller, id).await?;
    if caller.actor.environment.uuid() == id {
        let message = "holds the application that asks for its deletion";
        return Err(Violation::constraint("id", message).into());
    }
    let now = app.now();
    match stored.body.deletion(now) {
        Deletion::Later(_) => {
            let status = StatusDraft {
                status: EnvironmentStatus::DeletePending,
            };
            changed_status(target, status).await?;
        }
        Deletion::Now => {
            let mark = tombstones::mark(id, now);
            management::remove_with::<Environment>(target, vec![mark]).await?;
            app.cache.forget(id);
            app.seal.forget(id);
            app.deletions.notify_one();
        }
    }
    Ok(())
}

/// Marks an environment as one to be deleted, or not.
pub async fn set_status(
    target: &Target<'_>,
    draft: StatusDraft,
) -> Result<Stored<Environment>, ManagementError> {
    if draft.status == EnvironmentStatus::DeletePending {
        management::read::<Environment>(target).await?;
        role_assignments::permit_end(target.app, target.caller, target.id).await?;
    }
    changed_status(target, draft).await
}

async fn changed_status(
    target: &Target<'_>,
    draft: StatusDraft,
) -> Result<Stored<Environment>, ManagementError> {
    management::change_with(target, Vec::new(), |environment: Environment, now| {
        Ok(environment.with_status(draft, now))
    })
    .await
}
