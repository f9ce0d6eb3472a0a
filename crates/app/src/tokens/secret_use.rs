//! When a previous secret was last used, which tells who rotates whether it may go.

use std::sync::Arc;

use stepgate_domain::{
    resource::Resource,
    resources::application::secret::{self, ClientSecrets, Matched},
    time::{Duration, Timestamp},
};
use stepgate_store::{
    documents,
    engine::{Batch, Fault, StoreError},
};
use uuid::Uuid;

use crate::{App, error::ManagementError};

/// A previous secret that is used all the time is written down once in a while.
const NOTE_INTERVAL: Duration = Duration::from_minutes(1);

/// Notes the use of a secret of an application or a resource, if it was the previous one and the
/// last note is old. Nobody waits for it; a rotation that comes between makes it pointless.
pub(crate) fn note_use<R: Resource>(
    app: &Arc<App>,
    environment: Uuid,
    id: Uuid,
    secrets: &ClientSecrets,
    used: Matched,
) {
    if used == Matched::Current || !is_note_due(secrets, app.now()) {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = note_previous_used::<R>(&app, environment, id).await {
            tracing::warn!(%error, kind = R::KIND.name, %id, "the use of a previous secret was not noted");
        }
    });
}

fn is_note_due(secrets: &ClientSecrets, now: Timestamp) -> bool {
    secrets.previous.as_ref().is_some_and(|previous| {
        previous.last_used.is_none_or(|last_used| {
            last_used.is_yet_to_come(now) || now >= last_used + NOTE_INTERVAL
        })
    })
}

async fn note_previous_used<R: Resource>(
    app: &App,
    environment: Uuid,
    id: Uuid,
) -> Result<(), ManagementError> {
    let document = documents::read(&*app.engine, R::KIND, environment, id, None).await?;
    let Some(document) = document else {
        return Ok(());
    };
    let mut members = app
        .open_members(
            document.environment,
            R::KIND.name,
            id,
            document.secrets.as_deref(),
        )
        .await?;
    let Some(current) = members.get(secret::CURRENT).cloned() else {
        return Ok(());
    };
    let now = app.now();
    let secrets = ClientSecrets::open(current, members.get(secret::PREVIOUS));
    if !is_note_due(&secrets, now) {
        return Ok(());
    }
    for (name, value) in secrets.with_previous_used(now).seal() {
        match value {
            Some(value) => members.insert(name.to_owned(), value),
            None => members.remove(name),
        };
    }
    let sealed = app
        .seal_members(document.environment, R::KIND.name, id, &members)
        .await?;
    if let Some(sealed) = sealed {
        let note = Batch(vec![documents::reseal(&document, R::KIND, sealed)]);
        match app.commit(note).await {
            // The object was changed meanwhile: the next use will be noted.
            Ok(()) | Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
        app.cache
            .invalidate(document.environment, R::KIND.name, id, document.parent);
    }
    Ok(())
}
