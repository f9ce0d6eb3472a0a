//! The installation: the organization, its licences, the administrators' environment and its worker.

use std::sync::Arc;

use stepgate_domain::{
    audit::Change,
    id::Id,
    resource::{ORGANIZATION_SPACE, Resource},
    resources::{
        application::Application,
        birth::Nursery,
        environment::{Environment, EnvironmentStatus, Region, StatusDraft},
        license::{License, Package},
        organization::Organization,
    },
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{
    documents,
    engine::{Batch, Statement},
    installation,
};

use super::{Cradle, ORGANIZATION, REGION, contents, organization};
use crate::{
    App, audit,
    error::ManagementError,
    first_worker,
    management::{Place, fetch_children, prepare_replace, typed},
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
