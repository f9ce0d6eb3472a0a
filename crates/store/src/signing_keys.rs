//! The signing keys of an environment: documents whose private half is sealed.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::engine::{Engine, Statement, StoreError, Value};

const KIND: &str = "key";

pub fn insert(environment: Uuid, id: &str, sealed: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO resource (environment, id, kind, parent, version, created_at, updated_at, body, secrets) \
         VALUES ($1, $2, $3, NULL, 1, $4, $4, $5, $6)",
        vec![
            environment.to_string().into(),
            id.into(),
            KIND.into(),
            now.as_millis().into(),
            r#"{"algorithm":"RS256"}"#.into(),
            sealed.into(),
        ],
    )
}

/// Ids and sealed private keys, the oldest first.
pub async fn list(
    engine: &dyn Engine,
    environment: Uuid,
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, secrets FROM resource WHERE environment = $1 AND kind = $2 ORDER BY id"
                .into(),
            vec![environment.to_string().into(), Value::from(KIND)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
        .collect()
}
