//! The writes of the one mechanism: insert, change, remove.

use stepgate_domain::resource::{Built, Context, Resource, Stored};
use stepgate_store::{
    documents::{self, space},
    engine::{Batch, Statement},
};
use uuid::Uuid;

use crate::{App, error::ManagementError};

use super::{
    Caller, Change, Place, Target,
    audit::{Deed, event},
    generic::with_context,
    loading::{fetch_children, typed},
    prepare_insert,
    reach::{owner, raise_guard, within},
    settle, settle_within,
};

/// Stores a new object that has been built, with what belongs to it.
pub async fn insert<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    change: Change<R>,
) -> Result<Stored<R>, ManagementError> {
    let now = app.now();
    let Change { built, with } = change;
    let reached = built
        .body
        .parent()
        .map(|(parent, _)| parent)
        .or(place.parent);
    if !within(&caller.reach, R::KIND, id, reached) {
        return Err(ManagementError::Forbidden);
    }
    let stored = settle_within(app, R::KIND.scope, || async {
        let mut batch = Batch::default();
        let parent = owner::<R>(app, caller, place).await?;
        if R::GUARDED_SET {
            // The revision first: what the set holds is then at least as new as what guards it.
            batch.extend(raise_guard::<R>(app, place, parent.as_ref()).await?);
            let siblings = fetch_children::<R>(app, place.environment, place.parent).await?;
            built.body.may_join(&siblings)?;
        }
        let built = Built {
            body: built.body.clone(),
            default: built.default,
            secrets: built.secrets.clone(),
        };
        let (statements, stored) = prepare_insert(app, place, id, built, now).await?;
        batch.extend(statements);
        batch.extend(with.iter().cloned());
        let environment = space(R::KIND, place.environment);
        batch.push(event(caller, environment, R::KIND, id, Deed::Created, now));
        Ok((batch, stored))
    })
    .await?;
    forget::<R>(app, place, id, stored.parent);
    Ok(stored)
}

fn forget<R: Resource>(app: &App, place: Place, id: Uuid, parent: Option<Uuid>) {
    app.cache
        .invalidate(space(R::KIND, place.environment), R::KIND.name, id, parent);
    if let Some(owner) = R::KIND.parent.filter(|_| R::GUARDED_SET)
        && let Some(owner_id) = parent
    {
        app.cache
            .invalidate(space(owner, place.environment), owner.name, owner_id, None);
    }
}

/// Changes one object by a rule: reads it, applies the rule, writes it if nothing changed
/// meanwhile, and otherwise begins again.
///
/// `if_match` is the version that the client insists on.
pub async fn change<R, F>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    rule: F,
) -> Result<Stored<R>, ManagementError>
where
    R: Resource,
    F: Fn(&Stored<R>, &mut Context<'_>) -> Result<Change<R>, ManagementError> + Send + Sync,
{
    let target = Target {
        app,
        caller,
        place,
        id,
        if_match,
    };
    let stored = settle_within(app, R::KIND.scope, || async {
        let now = app.now();
        let document = target.document::<R>().await?;
        let previous = typed::<R>(&document)?;
        let parent = owner::<R>(app, caller, place).await?;
        let change = with_context::<R, _>(app, place, id, parent.as_ref(), |context| {
            rule(&previous, context)
        })
        .await??;
        let moved_to = change.built.body.parent().map(|(parent, _)| parent);
        if !within(&caller.reach, R::KIND, id, moved_to.or(document.parent)) {
            return Err(ManagementError::Forbidden);
        }
        let (statements, stored) = target.replaced(&document, change.built, now).await?;
        let mut batch = Batch(statements);
        batch.extend(change.with);
        Ok((batch, stored))
    })
    .await?;
    forget::<R>(app, place, id, stored.parent);
    Ok(stored)
}

pub async fn remove<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
) -> Result<(), ManagementError> {
    remove_with::<R>(app, caller, place, id, if_match, Vec::new()).await
}

/// Deletes an object together with writes that belong to its end.
pub async fn remove_with<R: Resource>(
    app: &App,
    caller: &Caller,
    place: Place,
    id: Uuid,
    if_match: Option<i64>,
    with: Vec<Statement>,
) -> Result<(), ManagementError> {
    let target = Target {
        app,
        caller,
        place,
        id,
        if_match,
    };
    let parent = settle(app, || async {
        let now = app.now();
        let document = target.document::<R>().await?;
        let mut batch = Batch::default();
        let mut siblings = Vec::new();
        if R::GUARDED_SET {
            let parent = owner::<R>(app, caller, place).await?;
            batch.extend(raise_guard::<R>(app, place, parent.as_ref()).await?);
            siblings = fetch_children::<R>(app, place.environment, place.parent).await?;
        }
        R::may_leave(&typed::<R>(&document)?, &siblings)?;
        batch.extend(documents::delete(R::KIND, &document, now));
        batch.extend(with.iter().cloned());
        batch.push(event(
            caller,
            document.environment,
            R::KIND,
            id,
            Deed::Deleted,
            now,
        ));
        Ok((batch, document.parent))
    })
    .await?;
    forget::<R>(app, place, id, parent);
    Ok(())
}
