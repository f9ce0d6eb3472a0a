//! How far a call reaches: its owner in the path, and the objects within its reach. Whatever a use
//! case touches it gets from here, and with it the judgement of who may touch a holder of roles.

use stepgate_domain::{
    access::Limit,
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
    error::{Denial, ManagementError, Missing},
    role_assignments,
};

use super::{Caller, Place, Target};

fn missing(kind: &'static Kind, place: Place, id: Uuid) -> ManagementError {
    // An organization that is not the caller's is not to be told from one that is not there.
    if kind == Organization::KIND {
        return ManagementError::Forbidden(Denial::Organization);
    }
    ManagementError::NotFound(Some(Missing {
        kind,
        id,
        environment: place.environment,
    }))
}

/// The owner in the path must exist, here, and within the caller's reach.
pub(crate) async fn owner<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
) -> Result<Option<Document>, ManagementError> {
    let (Some(kind), Some(parent)) = (R::KIND.parent.filter(|_| R::KIND.nested), place.parent)
    else {
        return Ok(None);
    };
    let (engine, reach) = (&*app.engine, &caller.reach);
    let document = documents::read_within(engine, kind, place.environment, parent, None, reach)
        .await?
        .ok_or_else(|| missing(kind, place, parent))?;
    role_assignments::permit(app, caller, kind, &document).await?;
    Ok(Some(document))
}

/// Whether an object of the kind is within reach that is to be there, or to go there, below this
/// owner.
pub(crate) async fn reaches_below(
    app: &App,
    caller: &Caller,
    kind: &'static Kind,
    environment: Uuid,
    owner: Option<Uuid>,
) -> Result<bool, ManagementError> {
    let (engine, reach) = (&*app.engine, &caller.reach);
    match (reach.limit(kind), kind.parent, owner) {
        (Limit::Unlimited, _, _) => Ok(true),
        // The owner is then one that is named, or below one.
        (
            Limit::Among {
                owners_above: 1.., ..
            },
            Some(kind),
            Some(owner),
        ) => {
            let found = documents::read_within(engine, kind, environment, owner, None, reach);
            Ok(found.await?.is_some())
        }
        (Limit::Among { .. } | Limit::Nothing, _, _) => Ok(false),
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
    let (engine, environment) = (&*app.engine, place.environment);
    let counted = R::COUNTED_MEMBERS;
    let document =
        documents::read_within(engine, R::KIND, environment, id, counted, &caller.reach).await?;
    let document = document
        .filter(|document| !R::KIND.nested || document.parent == place.parent)
        .ok_or_else(|| missing(R::KIND, place, id))?;
    role_assignments::permit(app, caller, R::KIND, &document).await?;
    Ok(document)
}
