//! Every write of configuration, so that a node drops just what changed from its caches. Written by
//! [`crate::documents`].

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Row, StoreError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub environment: Uuid,
    /// Sorts by time; hand it to [`since`] to go on from here.
    pub id: String,
    pub kind: String,
    pub resource: Uuid,
    pub changed_at: Timestamp,
}

/// The changes of an environment after the one with this id (`""` is before all), oldest first.
pub async fn since(
    engine: &dyn Engine,
    environment: Uuid,
    after: &str,
    at_most: u32,
) -> Result<Vec<Change>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, kind, resource, changed_at FROM change_log WHERE environment = $1 AND id > $2 \
             ORDER BY id LIMIT $3"
                .into(),
            vec![environment.to_string().into(), after.into(), i64::from(at_most).into()],
        )
        .await?;
    rows.iter().map(|row| change(environment, row)).collect()
}

fn change(environment: Uuid, row: &Row) -> Result<Change, StoreError> {
    Ok(Change {
        environment,
        id: row.text(0)?.to_owned(),
        kind: row.text(1)?.to_owned(),
        resource: uuid(row.text(2)?)?,
        changed_at: Timestamp::from_millis(row.integer(3)?),
    })
}
