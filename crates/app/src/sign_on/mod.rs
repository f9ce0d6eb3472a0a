//! The shell around the flow engine: load facts, step, commit the outcome with its effects.

use stepgate_store::engine::{Batch, Statement};
use uuid::Uuid;

use crate::{App, error::ManagementError};

/// The worker found out that a message of this flow cannot be delivered: `dead` is committed with
/// what the flow makes of it.
pub async fn delivery_failed(
    app: &App,
    _environment: Uuid,
    _flow: Uuid,
    _message: &str,
    dead: Statement,
) -> Result<(), ManagementError> {
    Ok(app.commit(Batch(vec![dead])).await?)
}
