//! How an installation and its environments come to be: each in one batch.

use std::sync::Arc;

use stepgate_domain::{
    audit::Change,
    id::Id,
    profile::Profile,
    resource::{Built, Context, Kind, ORGANIZATION_SPACE, Resource, Stored},
    resources::{
        application::Application,
        birth::{self, Nursery},
        environment::{
            Deletion, Environment, EnvironmentDraft, EnvironmentStatus, Region, StatusDraft,
        },
        license::{License, Package},
        organization::Organization,
    },
    schema,
    secret::Secret,
    time::Timestamp,
    violation::Violation,
};
use stepgate_store::{
    documents,
    engine::{Batch, Statement},
    installation, tombstones,
};
use uuid::Uuid;

use crate::{
    App, audit,
    error::ManagementError,
    first_worker,
    keys::NewSigningKey,
    management::{
        self, Caller, Place, Target, fetch_children, prepare_insert, prepare_replace, typed,
    },
    random::SystemRandom,
    role_assignments,
};

/// What `init` tells once.
#[derive(Debug)]
pub struct Installation {
    pub organization: Id<Organization>,
    pub license: Id<License>,
    pub environment: Id<Environment>,
    pub client: Id<Application>,
    pub client_secret: Secret<String>,
}

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

/// An installation that nobody can use yet: whoever is to have its credentials can be given them
/// before they are true.
#[derive(Debug)]
pub struct Unborn {
    installation: Installation,
    batch: Batch,
}

impl Unborn {
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// From now on the credentials work.
    pub async fn commit(self, app: &App) -> Result<Installation, ManagementError> {
        app.commit(self.batch).await?;
        Ok(self.installation)
    }
}

/// The organization, its licences, the administrators' environment and its worker. `None` when the
/// data directory has been initialized before.
pub async fn prepare(app: &Arc<App>, region: Region) -> Result<Option<Unborn>, ManagementError> {
    if organization(app).await?.is_some() {
        return Ok(None);
    }
    let now = app.now();
    let organization = app.new_id::<Organization>();
    let environment = app.new_id::<Environment>();
    let space_key = app.seal.new_data_key(ORGANIZATION_SPACE, now)?;
    app.seal.remember(ORGANIZATION_SPACE, &space_key.key);
    let mut batch = Batch(vec![
        installation::establish(ORGANIZATION, &organization.to_string()),
        installation::establish(REGION, region.as_str()),
        space_key.statement,
    ]);

    let mut cradle = Cradle {
        app,
        environment: ORGANIZATION_SPACE,
        waiting: Vec::new(),
    };
    let born = Organization::born("Stepgate".to_owned(), app.new_id());
    cradle.put(None, organization.uuid(), born);
    let license: Id<License> = cradle.add(
        Some(organization.uuid()),
        License::born(Package::Internal, now),
    );
    let administrators: Id<License> = cradle.add(
        Some(organization.uuid()),
        License::born(Package::Admin, now),
    );
    let body = Environment::administrators(organization, administrators, region);
    cradle.put(Some(organization.uuid()), environment.uuid(), body.into());
    batch.extend(cradle.statements(now).await?);

    batch.extend(contents(app, environment.uuid(), now).await?);
    let made = first_worker::prepare(app, organization, environment, FIRST, now).await?;
    batch.extend(made.statements);
    batch.extend([
        audit::by_the_server(
            ORGANIZATION_SPACE,
            Change::Created,
            organization,
            None,
            FIRST,
            now,
        )?,
        audit::by_the_server(
            ORGANIZATION_SPACE,
            Change::Created,
            environment,
            None,
            FIRST,
            now,
        )?,
    ]);
    let installation = Installation {
        organization,
        license,
        environment,
        client: made.client,
        client_secret: made.client_secret,
    };
    Ok(Some(Unborn {
        installation,
        batch,
    }))
}

/// Why there are things that nobody asked for.
const FIRST: &str = "Made with the installation";
const RECOVERED: &str = "Made by stepgate recover";

/// A new worker beside the first one, for an installation that nobody administers any more. `None`
/// when the data directory has not been initialized.
pub async fn recover(app: &Arc<App>) -> Result<Option<Unborn>, ManagementError> {
    let Some(organization) = organization(app).await? else {
        return Ok(None);
    };
    let now = app.now();
    // The one that the installation was made with, unless that is gone.
    let all = fetch_children::<Environment>(app, ORGANIZATION_SPACE, None).await?;
    let oldest = all.into_iter().min_by_key(|it| (it.created_at, it.id));
    let home = oldest.ok_or(ManagementError::NotFound(None))?;
    let made = first_worker::prepare(app, organization, home.id, RECOVERED, now).await?;
    let mut batch = Batch(made.statements);
    if !home.body.carries(now).by_itself {
        batch.extend(reactivated(app, home.id, now).await?);
    }
    let installation = Installation {
        organization,
        license: home.body.license.id,
        environment: home.id,
        client: made.client,
        client_secret: made.client_secret,
    };
    Ok(Some(Unborn {
        installation,
        batch,
    }))
}

/// An environment that waits to be deleted gives nobody a token.
async fn reactivated(
    app: &App,
    id: Id<Environment>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let (kind, uuid) = (Environment::KIND, id.uuid());
    let document = documents::read(&*app.engine, kind, uuid, uuid, None)
        .await?
        .ok_or(ManagementError::NotFound(None))?;
    let active = StatusDraft {
        status: EnvironmentStatus::Active,
    };
    let body = typed::<Environment>(&document)?
        .body
        .with_status(active, now);
    let place = Place {
        environment: uuid,
        parent: document.parent,
    };
    let (mut statements, _) = prepare_replace(app, place, &document, body.into(), now).await?;
    let space = ORGANIZATION_SPACE;
    statements.push(audit::by_the_server(
        space,
        Change::Updated,
        id,
        None,
        RECOVERED,
        now,
    )?);
    Ok(statements)
}
