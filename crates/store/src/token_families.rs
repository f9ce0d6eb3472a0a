//! What one authorization bought: every token names its family, and dies with it.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Once, Row, Statement, StoreError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFamily {
    pub environment: Uuid,
    pub id: Uuid,
    pub application: Uuid,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    pub revoked_at: Option<Timestamp>,
    /// When its last token has expired.
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

/// The columns that [`family`] decodes, from `f`.
pub(crate) const COLUMNS: &str =
    "f.environment, f.id, f.application, f.user_id, f.session, f.revoked_at, f.expires_at, f.body";

pub fn insert(family: StoredFamily) -> Statement {
    let optional = |id: Option<Uuid>| id.map(|id| id.to_string()).into();
    Statement::new(
        "INSERT INTO token_family (environment, id, application, user_id, session, revoked_at, expires_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vec![
            family.environment.to_string().into(),
            family.id.to_string().into(),
            family.application.to_string().into(),
            optional(family.user),
            optional(family.session),
            family.revoked_at.map(Timestamp::as_millis).into(),
            family.expires_at.as_millis().into(),
            family.body.into(),
        ],
    )
    .once(Fault::Missing)
}

/// The family lives at least until then. Fault: [`Fault::Consumed`] when it has been revoked.
pub fn prolong(environment: Uuid, id: Uuid, expires_at: Timestamp) -> Statement {
    Statement::new(
        "UPDATE token_family SET expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END \
         WHERE environment = $1 AND id = $2 AND revoked_at IS NULL",
        vec![environment.to_string().into(), id.to_string().into(), expires_at.as_millis().into()],
    )
    .once(Fault::Consumed(Once::TokenFamily))
}

/// Every token of the family is void from now on. Once revoked, it keeps its time.
pub fn revoke(environment: Uuid, id: Uuid, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE token_family SET revoked_at = $3 WHERE environment = $1 AND id = $2 AND revoked_at IS NULL",
        vec![
            environment.to_string().into(),
            id.to_string().into(),
            now.as_millis().into(),
        ],
    )
}

/// Every family of the user, but for those of the session that is spared.
pub fn revoke_of_user(
    environment: Uuid,
    user: Uuid,
    spared: Option<Uuid>,
    now: Timestamp,
) -> Statement {
    Statement::new(
        "UPDATE token_family SET revoked_at = $3 WHERE environment = $1 AND user_id = $2 \
         AND revoked_at IS NULL AND (session IS NULL OR session <> $4)",
        vec![
            environment.to_string().into(),
            user.to_string().into(),
            now.as_millis().into(),
            spared.map(|id| id.to_string()).unwrap_or_default().into(),
        ],
    )
}

pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    id: Uuid,
) -> Result<Option<StoredFamily>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM token_family f WHERE f.environment = $1 AND f.id = $2");
    let rows = engine
        .query(
            sql.into(),
            vec![environment.to_string().into(), id.to_string().into()],
        )
        .await?;
    rows.first().map(|row| family(row, 0)).transpose()
}

/// The family in the columns from `first` on.
pub(crate) fn family(row: &Row, first: usize) -> Result<StoredFamily, StoreError> {
    Ok(StoredFamily {
        environment: uuid(row.text(first)?)?,
        id: uuid(row.text(first + 1)?)?,
        application: uuid(row.text(first + 2)?)?,
        user: row.optional_text(first + 3)?.map(uuid).transpose()?,
        session: row.optional_text(first + 4)?.map(uuid).transpose()?,
        revoked_at: row.optional_integer(first + 5)?.map(Timestamp::from_millis),
        expires_at: Timestamp::from_millis(row.integer(first + 6)?),
        body: row.text(first + 7)?.to_owned(),
    })
}
