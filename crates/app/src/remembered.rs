//! What a clock that ran ahead has left in the store: events that are yet to come. They count as
//! happening now, and that is written down where it is found, so that they grow old from now on. It
//! costs a commit, but only then.

use stepgate_domain::{
    flow::CounterState,
    time::{Remembered, Timestamp},
};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::{Batch, Fault, Statement, StoreError},
};

use crate::{App, error::ManagementError};

/// The counters as they count now. Those that are ahead are corrected first.
pub(crate) async fn counters(
    app: &App,
    rows: Vec<StoredCounter>,
    now: Timestamp,
) -> Result<Vec<StoredCounter>, ManagementError> {
    let mut corrections = Vec::new();
    let mut counting = Vec::with_capacity(rows.len());
    for row in rows {
        let state = CounterState::read(&row.subject, &row.body)?;
        let Some(state) = state.filter(|state| state.is_ahead(now)) else {
            counting.push(row);
            continue;
        };
        let state = state.believed_at(now);
        let corrected = StoredCounter {
            expires_at: state.expires_at(now),
            body: serde_json::to_string(&state)?,
            ..row
        };
        counting.push(StoredCounter {
            version: corrected.version.saturating_add(1),
            ..corrected.clone()
        });
        corrections.push(counters::write(corrected));
    }
    correct(app, corrections).await?;
    Ok(counting)
}

/// Writes corrections down, if there are any.
pub(crate) async fn correct(app: &App, corrections: Vec<Statement>) -> Result<(), ManagementError> {
    if corrections.is_empty() {
        return Ok(());
    }
    tracing::warn!(
        count = corrections.len(),
        "times that lie in the future were corrected: the clock ran ahead when they were written"
    );
    match app.commit(Batch(corrections)).await {
        // Whoever was faster has corrected it; what is judged by the old version is judged anew.
        Ok(()) | Err(StoreError::Refused(Fault::Stale)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
