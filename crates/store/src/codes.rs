//! Authorization codes (RFC 6749 §4.1.2), by their hashes.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Once, Row, Statement, StoreError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    pub environment: Uuid,
    pub hash: String,
    /// Who signed on, and in which session: what [`crate::standing`] is looked up by.
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
    /// When it was redeemed.
    pub consumed_at: Option<Timestamp>,
    /// The token family that it bought: revoked when the code comes a second time.
    pub family: Option<Uuid>,
    /// Until when the row is kept; the code's own lifetime is in the body.
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

/// The columns that [`code`] decodes, from `c`.
pub(crate) const COLUMNS: &str =
    "c.environment, c.hash, c.user_id, c.session, c.consumed_at, c.family, c.expires_at, c.body";

/// A new code; neither `consumed_at` nor `family` is written.
pub fn insert(code: StoredCode) -> Statement {
    let optional = |id: Option<Uuid>| id.map(|id| id.to_string()).into();
    Statement::new(
        "INSERT INTO authorization_code (environment, hash, user_id, session, expires_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        vec![
            code.environment.to_string().into(),
            code.hash.into(),
            optional(code.user),
            optional(code.session),
            code.expires_at.as_millis().into(),
            code.body.into(),
        ],
    )
    .once(Fault::Missing)
}

/// Redeems the code, which works once. The row is kept until `keep_until`, when what it bought has
/// expired. Fault: [`Fault::Consumed`].
pub fn consume(
    environment: Uuid,
    hash: &str,
    now: Timestamp,
    family: Option<Uuid>,
    keep_until: Timestamp,
) -> Statement {
    Statement::new(
        "UPDATE authorization_code SET consumed_at = $3, family = $4, expires_at = $5 \
         WHERE environment = $1 AND hash = $2 AND consumed_at IS NULL",
        vec![
            environment.to_string().into(),
            hash.into(),
            now.as_millis().into(),
            family.map(|family| family.to_string()).into(),
            keep_until.as_millis().into(),
        ],
    )
    .once(Fault::Consumed(Once::AuthorizationCode))
}

pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    hash: &str,
) -> Result<Option<StoredCode>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM authorization_code c WHERE c.environment = $1 AND c.hash = $2"
    );
    let args = vec![environment.to_string().into(), hash.into()];
    let rows = engine.query(sql.into(), args).await?;
    rows.first().map(|row| code(row, 0)).transpose()
}

/// The code in the columns from `first` on.
pub(crate) fn code(row: &Row, first: usize) -> Result<StoredCode, StoreError> {
    Ok(StoredCode {
        environment: uuid(row.text(first)?)?,
        hash: row.text(first + 1)?.to_owned(),
        user: row.optional_text(first + 2)?.map(uuid).transpose()?,
        session: row.optional_text(first + 3)?.map(uuid).transpose()?,
        consumed_at: row.optional_integer(first + 4)?.map(Timestamp::from_millis),
        family: row.optional_text(first + 5)?.map(uuid).transpose()?,
        expires_at: Timestamp::from_millis(row.integer(first + 6)?),
        body: row.text(first + 7)?.to_owned(),
    })
}
