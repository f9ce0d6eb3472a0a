//! Browser sessions, found by the hash of their cookie.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Row, Statement, StoreError},
    sql::Sql,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    pub environment: Uuid,
    pub id: Uuid,
    pub token_hash: String,
    pub user: Option<Uuid>,
    /// 1 when new, raised by every write.
    pub version: i64,
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

const COLUMNS: &str =
    "SELECT environment, id, token_hash, user_id, version, expires_at, body FROM session";

/// A new session; its version is written as 1. Fault: [`Fault::NotUnique`] when its cookie is
/// taken.
pub fn insert(session: StoredSession) -> Statement {
    Statement::new(
        "INSERT INTO session (environment, id, token_hash, user_id, version, expires_at, body) \
         VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT DO NOTHING",
        vec![
            session.environment.to_string().into(),
            session.id.to_string().into(),
            session.token_hash.into(),
            session.user.map(|user| user.to_string()).into(),
            session.expires_at.as_millis().into(),
            session.body.into(),
        ],
    )
    .once(Fault::NotUnique {
        target: "token_hash".to_owned(),
    })
}

/// The session as it is given (its cookie too), if its version is still the one that was read.
/// Fault: [`Fault::Stale`].
pub fn update(session: StoredSession) -> Statement {
    Statement::new(
        "UPDATE session SET token_hash = $4, user_id = $5, version = version + 1, expires_at = $6, body = $7 \
         WHERE environment = $1 AND id = $2 AND version = $3",
        vec![
            session.environment.to_string().into(),
            session.id.to_string().into(),
            session.version.into(),
            session.token_hash.into(),
            session.user.map(|user| user.to_string()).into(),
            session.expires_at.as_millis().into(),
            session.body.into(),
        ],
    )
    .once(Fault::Stale)
}

pub fn delete(environment: Uuid, id: Uuid) -> Statement {
    Statement::new(
        "DELETE FROM session WHERE environment = $1 AND id = $2",
        vec![environment.to_string().into(), id.to_string().into()],
    )
}

/// All sessions of a user, but for the one that is spared.
pub fn delete_of_user(environment: Uuid, user: Uuid, spared: Option<Uuid>) -> Statement {
    Statement::new(
        "DELETE FROM session WHERE environment = $1 AND user_id = $2 AND id <> $3",
        vec![
            environment.to_string().into(),
            user.to_string().into(),
            spared.map(|id| id.to_string()).unwrap_or_default().into(),
        ],
    )
}

/// Ends the sessions of this one's user that were not used for the longest time, so that `most`
/// stay, this one among them.
pub fn keep_latest(session: &StoredSession, most: u32) -> Statement {
    // A session expires a fixed time after its last use.
    Statement::new(
        "DELETE FROM session WHERE environment = $1 AND user_id = $2 AND id <> $3 AND id NOT IN \
         (SELECT s.id FROM session s WHERE s.environment = $1 AND s.user_id = $2 AND s.id <> $3 \
         ORDER BY s.expires_at DESC, s.id LIMIT $4)",
        vec![
            session.environment.to_string().into(),
            session.user.map(|user| user.to_string()).into(),
            session.id.to_string().into(),
            i64::from(most.saturating_sub(1)).into(),
        ],
    )
}

pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<StoredSession>, StoreError> {
    let sql = format!("{COLUMNS} WHERE environment = $1 AND id = $2");
    let rows = engine
        .query(
            sql.into(),
            vec![environment.to_string().into(), id.to_string().into()],
        )
        .await?;
    rows.first().map(session).transpose()
}

pub async fn find(
    engine: &dyn Engine,
    environment: Uuid,
    token_hash: &str,
) -> Result<Option<StoredSession>, StoreError> {
    let found = find_any(engine, environment, &[token_hash.to_owned()]).await?;
    Ok(found.into_iter().next())
}

/// The sessions whose cookies these are.
pub async fn find_any(
    engine: &dyn Engine,
    environment: Uuid,
    token_hashes: &[String],
) -> Result<Vec<StoredSession>, StoreError> {
    if token_hashes.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::with_args(vec![environment.to_string().into()]);
    let among = sql.among("token_hash", token_hashes.iter().map(String::as_str));
    let text = format!("{COLUMNS} WHERE environment = $1 AND {among} ORDER BY id");
    let rows = engine.query(text.into(), sql.args).await?;
    rows.iter().map(session).collect()
}

fn session(row: &Row) -> Result<StoredSession, StoreError> {
    Ok(StoredSession {
        environment: uuid(row.text(0)?)?,
        id: uuid(row.text(1)?)?,
        token_hash: row.text(2)?.to_owned(),
        user: row.optional_text(3)?.map(uuid).transpose()?,
        version: row.integer(4)?,
        expires_at: Timestamp::from_millis(row.integer(5)?),
        body: row.text(6)?.to_owned(),
    })
}
