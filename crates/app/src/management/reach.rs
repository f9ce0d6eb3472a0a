//! How far a call reaches: its owner in the path, and the objects within its reach.

use stepgate_domain::{
    access::Reach,
    resource::{Kind, Resource},
    resources::{environment::Environment, organization::Organization},
};
use stepgate_store::{
    documents::{self, Document},
    engine::Statement,
};
use uuid::Uuid;

use crate::{
    App,
    error::{ManagementError, Missing},
};

use super::{Caller, Place, Target};

fn missing(kind: &'static Kind, place: Place, id: Uuid) -> ManagementError {
    // An organization that is not the caller's is not to be told from one that is not there.
    if kind == Organization::KIND {
        return ManagementError::Forbidden;
    }
    ManagementError::NotFound(Some(Missing {
        kind,
        id,
        environment: place.environment,
    }))
}

/// Whether the reach of a call takes in this object, or the owner through which it is reached.
pub(crate) fn within(reach: &Reach, kind: &Kind, id: Uuid, parent: Option<Uuid>) -> bool {
    let named = |allowed: &[Uuid], id: Uuid| allowed.contains(&id);
    match reach {
        Reach::Everything => true,
        Reach::Environments(allowed) => kind.name != "environment" || named(allowed, id),
        Reach::Populations(allowed) => match kind.name {
            "population" => named(allowed, id),
            "user" => parent.is_some_and(|population| named(allowed, population)),
            _ => true,
        },
        Reach::Applications(allowed) => match kind.name {
            "application" => named(allowed, id),
            _ => parent.is_some_and(|application| named(allowed, application)),
        },
    }
}

/// The owner in the path must exist, here, and within the caller's reach.
pub(super) async fn owner<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
) -> Result<Option<Document>, ManagementError> {
    let (Some(kind), Some(parent)) = (R::KIND.parent.filter(|_| R::KIND.nested), place.parent)
    else {
        return Ok(None);
    };
    let document = documents::read(&*app.engine, kind, place.environment, parent, None).await?;
    match document {
        Some(document) if within(&caller.reach, kind, document.id, document.parent) => {
            Ok(Some(document))
        }
        Some(_) | None => Err(missing(kind, place, parent)),
    }
}

/// Raises the revision that guards a set: the owner's in the path, or the environment's.
pub(super) async fn raise_guard<R: Resource>(
    app: &App,
    place: Place,
    owner: Option<&Document>,
) -> Result<Vec<Statement>, ManagementError> {
    let now = app.now();
    if let (Some(owner), Some(kind)) = (owner, R::KIND.parent) {
        return Ok(documents::raise(
            kind,
            owner.environment,
            owner.id,
            owner.version,
            now,
        ));
    }
    let kind = Environment::KIND;
    let document = documents::read(
        &*app.engine,
        kind,
        place.environment,
        place.environment,
        None,
    )
    .await?
    .ok_or_else(|| missing(kind, place, place.environment))?;
    Ok(documents::raise(
        kind,
        document.environment,
        document.id,
        document.version,
        now,
    ))
}

pub(super) async fn read_document<R: Resource>(
    target: &Target<'_>,
) -> Result<Document, ManagementError> {
    let Target {
        app,
        caller,
        place,
        id,
        ..
    } = *target;
    owner::<R>(app, caller, place).await?;
    let environment = place.environment;
    let counted = R::COUNTED_MEMBERS;
    let document = documents::read(&*app.engine, R::KIND, environment, id, counted).await?;
    match document {
        Some(document)
            if within(&caller.reach, R::KIND, id, document.parent)
                && (!R::KIND.nested || document.parent == place.parent) =>
        {
            Ok(document)
        }
        Some(_) | None => Err(missing(R::KIND, place, id)),
    }
}
