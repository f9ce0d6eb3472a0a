//! Sign-ons under way.

use std::fmt;

use stepgate_domain::{
    resource::{ORGANIZATION_SPACE, Resource},
    resources::environment::Environment,
    time::Timestamp,
};
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Row, Statement, StoreError},
};

/// A flow. Its whole state is the body.
#[derive(Clone, PartialEq)]
pub struct StoredFlow {
    pub environment: Uuid,
    pub id: Uuid,
    /// Whom it is about, once that is known: [`crate::facts`] reads the user with it.
    pub user: Option<Uuid>,
    /// 1 when new, raised by every write.
    pub version: i64,
    /// When nobody needs the row any more.
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

impl fmt::Debug for StoredFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFlow")
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// A new flow; its version is written as 1.
pub fn insert(flow: StoredFlow) -> Statement {
    Statement::new(
        "INSERT INTO flow (environment, id, user_id, version, expires_at, body) VALUES ($1, $2, $3, 1, $4, $5)",
        vec![
            flow.environment.to_string().into(),
            flow.id.to_string().into(),
            flow.user.map(|user| user.to_string()).into(),
            flow.expires_at.as_millis().into(),
            flow.body.into(),
        ],
    )
    .once(Fault::Missing)
}

/// The flow as it is given, if its version is still the one that was read.
/// Fault: [`Fault::Stale`].
pub fn update(flow: StoredFlow) -> Statement {
    Statement::new(
        "UPDATE flow SET user_id = $4, version = version + 1, expires_at = $5, body = $6 \
         WHERE environment = $1 AND id = $2 AND version = $3",
        vec![
            flow.environment.to_string().into(),
            flow.id.to_string().into(),
            flow.version.into(),
            flow.user.map(|user| user.to_string()).into(),
            flow.expires_at.as_millis().into(),
            flow.body.into(),
        ],
    )
    .once(Fault::Stale)
}

/// The flow has had its answer and goes, which happens once. Fault: [`Fault::Stale`].
pub fn consume(environment: Uuid, id: Uuid, version: i64) -> Statement {
    Statement::new(
        "DELETE FROM flow WHERE environment = $1 AND id = $2 AND version = $3",
        vec![
            environment.to_string().into(),
            id.to_string().into(),
            version.into(),
        ],
    )
    .once(Fault::Stale)
}

pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<StoredFlow>, StoreError> {
    let rows = engine
        .query(
            "SELECT id, user_id, version, expires_at, body FROM flow WHERE environment = $1 AND id = $2".into(),
            vec![environment.to_string().into(), id.to_string().into()],
        )
        .await?;
    rows.first().map(|row| flow(environment, row)).transpose()
}

/// The environment of a flow of which only the id is known. No index is kept for that: each
/// environment is asked for it, by its key.
pub async fn environment_of(engine: &dyn Engine, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    const FIND: &str = "SELECT f.environment FROM resource e \
         JOIN flow f ON f.environment = e.id AND f.id = $1 \
         WHERE e.environment = $2 AND e.kind = $3";
    let args = vec![
        id.to_string().into(),
        ORGANIZATION_SPACE.to_string().into(),
        Environment::KIND.name.into(),
    ];
    let rows = engine.query(FIND.into(), args).await?;
    rows.first().map(|row| uuid(row.text(0)?)).transpose()
}

fn flow(environment: Uuid, row: &Row) -> Result<StoredFlow, StoreError> {
    Ok(StoredFlow {
        environment,
        id: uuid(row.text(0)?)?,
        user: row.optional_text(1)?.map(uuid).transpose()?,
        version: row.integer(2)?,
        expires_at: Timestamp::from_millis(row.integer(3)?),
        body: row.text(4)?.to_owned(),
    })
}
