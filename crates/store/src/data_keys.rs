//! Data keys, sealed by the master key.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Row, Statement, StoreError},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataKey {
    pub environment: Uuid,
    pub id: String,
    /// The key under the master key.
    pub sealed: String,
    pub created_at: Timestamp,
}

/// Fault: [`Fault::NotUnique`] when the environment has a key of this id, made by someone faster.
pub fn insert(key: DataKey) -> Statement {
    Statement::new(
        "INSERT INTO data_key (environment, id, sealed, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        vec![
            key.environment.to_string().into(),
            key.id.into(),
            key.sealed.into(),
            key.created_at.as_millis().into(),
        ],
    )
    .once(Fault::NotUnique { target: "id".to_owned() })
}

/// The keys of an environment, oldest first.
pub async fn list(engine: &dyn Engine, environment: Uuid) -> Result<Vec<DataKey>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, sealed, created_at FROM data_key WHERE environment = $1 ORDER BY created_at, id".into(),
            vec![environment.to_string().into()],
        )
        .await?;
    rows.iter().map(|row| key(environment, row)).collect()
}

/// One of all keys, where there is any.
pub async fn first(engine: &dyn Engine) -> Result<Option<DataKey>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, sealed, created_at, environment FROM data_key ORDER BY environment, id LIMIT 1".into(),
            Vec::new(),
        )
        .await?;
    rows.first()
        .map(|row| key(uuid(row.text(3)?)?, row))
        .transpose()
}

fn key(environment: Uuid, row: &Row) -> Result<DataKey, StoreError> {
    Ok(DataKey {
        environment,
        id: row.text(0)?.to_owned(),
        sealed: row.text(1)?.to_owned(),
        created_at: Timestamp::from_millis(row.integer(2)?),
    })
}
