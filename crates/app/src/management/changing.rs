//! The writes of the one mechanism: insert, change, remove.

use stepgate_domain::{
    access::Carries,
    resource::{Built, Context, Resource, Stored},
    time::Timestamp,
};
use stepgate_store::{
    documents::{Document, space},
    engine::{Batch, Statement},
};
use uuid::Uuid;

use crate::{
    administrators::{self, Loss},
    error::{Denial, ManagementError},
};

use super::{
    Change, Target,
    generic::with_context,
    loading::fetch_children,
    naming,
    reach::{owner, raise_guard, reaches_below},
    settle, settle_within,
};

/// Stores a new object that has been built, with what belongs to it.
pub async fn insert<R: Resource>(
    target: &Target<'_>,
    change: Change<R>,
) -> Result<Stored<R>, ManagementError> {
    let Target {
        app, caller, place, ..
    } = *target;
    let now = app.now();
    let Change { built, with } = change;
    let reached = built
        .body
        .parent()
        .map(|(parent, _)| parent)
        .or(place.parent);
    if !reaches_below(app, caller, R::KIND, place.environment, reached).await? {
        return Err(ManagementError::Forbidden(Denial::OutOfReach));
    }
    naming::judge::<R>(target, None, &built.body).await?;
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
        let (statements, stored) = target.inserted(built, now).await?;
        batch.extend(statements);
        batch.extend(with.iter().cloned());
        Ok((batch, stored))
    })
    .await?;
    forget::<R>(target, stored.parent);
    Ok(stored)
}

/// Where roles work less through an object than before: that somebody is left who administers.
async fn kept<R: Resource>(
    target: &Target<'_>,
    document: &Document,
    stored: &Stored<R>,
    left: Carries,
) -> Result<Vec<Statement>, ManagementError> {
    let now = target.app.now();
    if !left.is_less_than(stored.body.carries(now)) {
        return Ok(Vec::new());
    }
    let loss = Loss {
        kind: R::KIND,
        environment: document.environment,
        id: document.id,
        parent: document.parent,
        left,
    };
    administrators::keep_one(target.app, loss).await
}

pub(crate) fn forget<R: Resource>(target: &Target<'_>, parent: Option<Uuid>) {
    let Target { app, place, id, .. } = *target;
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
pub async fn change<R, F>(target: &Target<'_>, rule: F) -> Result<Stored<R>, ManagementError>
where
    R: Resource,
    F: Fn(&Stored<R>, &mut Context<'_>) -> Result<Change<R>, ManagementError> + Send + Sync,
{
    let Target {
        app, caller, place, ..
    } = *target;
    let stored = settle_within(app, R::KIND.scope, || async {
        let now = app.now();
        let (document, previous) = target.load::<R>().await?;
        let parent = owner::<R>(app, caller, place).await?;
        let change =
            with_context::<R, _>(target, parent.as_ref(), |context| rule(&previous, context))
                .await??;
        let moved_to = change.built.body.parent().map(|(parent, _)| parent);
        if moved_to.is_some()
            && moved_to != document.parent
            && !reaches_below(app, caller, R::KIND, place.environment, moved_to).await?
        {
            return Err(ManagementError::Forbidden(Denial::OutOfReach));
        }
        naming::judge(target, Some(&previous), &change.built.body).await?;
        let left = change.built.body.carries(now);
        let mut batch = Batch(kept(target, &document, &previous, left).await?);
        let (statements, stored) = target.replaced(&document, change.built, now).await?;
        batch.extend(statements);
        batch.extend(change.with);
        Ok((batch, stored))
    })
    .await?;
    forget::<R>(target, stored.parent);
    Ok(stored)
}

/// Changes one object by a rule that needs no more than what it holds, together with writes that
/// belong to the change.
pub async fn change_with<R: Resource>(
    target: &Target<'_>,
    with: Vec<Statement>,
    rule: impl Fn(R, Timestamp) -> Result<R, ManagementError> + Send + Sync,
) -> Result<Stored<R>, ManagementError> {
    change(target, |previous: &Stored<R>, context| {
        Ok(Change {
            built: rule(previous.body.clone(), context.now)?.into(),
            with: with.clone(),
        })
    })
    .await
}

pub async fn remove<R: Resource>(target: &Target<'_>) -> Result<(), ManagementError> {
    remove_with::<R>(target, Vec::new()).await
}

/// Deletes an object together with writes that belong to its end.
pub async fn remove_with<R: Resource>(
    target: &Target<'_>,
    with: Vec<Statement>,
) -> Result<(), ManagementError> {
    let Target {
        app, caller, place, ..
    } = *target;
    let parent = settle(app, || async {
        let now = app.now();
        let (document, stored) = target.load::<R>().await?;
        let left = Carries::default();
        let mut batch = Batch(kept(target, &document, &stored, left).await?);
        let mut siblings = Vec::new();
        if R::GUARDED_SET {
            let parent = owner::<R>(app, caller, place).await?;
            batch.extend(raise_guard::<R>(app, place, parent.as_ref()).await?);
            siblings = fetch_children::<R>(app, place.environment, place.parent).await?;
        }
        R::may_leave(&stored, &siblings)?;
        batch.extend(target.removed(&document, &stored, now)?);
        batch.extend(with.iter().cloned());
        Ok((batch, document.parent))
    })
    .await?;
    forget::<R>(target, parent);
    Ok(())
}
