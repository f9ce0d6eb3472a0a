//! Changes that are judged by more than one object, or by facts that have to be waited for.

use stepgate_domain::resource::Scope;
use stepgate_store::engine::{Batch, Fault, StoreError};

use crate::{App, error::ManagementError};

/// How often a write is judged anew because something it was judged by changed meanwhile.
/// Of all who try at once one gets through, so this is how many may.
const ATTEMPTS: usize = 128;

/// Judges and commits, and begins again when something that it was judged by changed meanwhile.
/// An attempt that has nothing to write is over.
pub(crate) async fn settle<T, F>(
    app: &App,
    attempt: impl FnMut() -> F,
) -> Result<T, ManagementError>
where
    F: Future<Output = Result<(Batch, T), ManagementError>>,
{
    settle_within(app, Scope::Environment, attempt).await
}

/// As [`settle`], for objects that may stand within the organization.
pub(crate) async fn settle_within<T, F>(
    app: &App,
    within: Scope,
    mut attempt: impl FnMut() -> F,
) -> Result<T, ManagementError>
where
    F: Future<Output = Result<(Batch, T), ManagementError>>,
{
    for _ in 0..ATTEMPTS {
        let (batch, outcome) = attempt().await?;
        if batch.0.is_empty() {
            return Ok(outcome);
        }
        match app.commit(batch).await {
            Ok(()) => return Ok(outcome),
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(ManagementError::of_write(error, within)),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}
