//! The audit trail, as it is written: in the batch of what it tells about.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Row, Statement, StoreError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    pub environment: Uuid,
    /// Time-ordered.
    pub id: Uuid,
    pub recorded_at: Timestamp,
    pub action: String,
    /// JSON.
    pub body: String,
}

pub fn insert(event: StoredEvent) -> Statement {
    Statement::new(
        "INSERT INTO audit_event (environment, id, recorded_at, action, body) VALUES ($1, $2, $3, $4, $5)",
        vec![
            event.environment.to_string().into(),
            event.id.to_string().into(),
            event.recorded_at.as_millis().into(),
            event.action.into(),
            event.body.into(),
        ],
    )
    .once(Fault::Missing)
}

/// The newest `at_most` events of an environment, newest first.
pub async fn list(
    engine: &dyn Engine,
    environment: Uuid,
    at_most: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, recorded_at, action, body FROM audit_event WHERE environment = $1 \
             ORDER BY id DESC LIMIT $2"
                .into(),
            vec![environment.to_string().into(), i64::from(at_most).into()],
        )
        .await?;
    rows.iter().map(|row| event(environment, row)).collect()
}

fn event(environment: Uuid, row: &Row) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        environment,
        id: uuid(row.text(0)?)?,
        recorded_at: Timestamp::from_millis(row.integer(1)?),
        action: row.text(2)?.to_owned(),
        body: row.text(3)?.to_owned(),
    })
}
