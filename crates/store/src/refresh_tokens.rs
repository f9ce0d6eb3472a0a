//! Refresh tokens (RFC 6749 §1.5), by their hashes: each is used once and replaced (RFC 9700
//! §4.14.2).

use stepgate_domain::time::{SLACK, Timestamp};
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Once, Row, Statement, StoreError},
    token_families::{self, StoredFamily},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefreshToken {
    pub environment: Uuid,
    pub hash: String,
    pub consumed_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
    pub family: StoredFamily,
}

/// A new token of a family. Fault: [`Fault::Consumed`] when the family has been revoked.
pub fn insert(
    environment: Uuid,
    hash: &str,
    family: Uuid,
    expires_at: Timestamp,
    body: String,
) -> Statement {
    Statement::new(
        "INSERT INTO refresh_token (environment, hash, family, expires_at, body) \
         SELECT $1, $2, f.id, CAST($4 AS BIGINT), $5 FROM token_family f \
         WHERE f.environment = $1 AND f.id = $3 AND f.revoked_at IS NULL",
        vec![
            environment.to_string().into(),
            hash.into(),
            family.to_string().into(),
            expires_at.as_millis().into(),
            body.into(),
        ],
    )
    .once(Fault::Consumed(Once::TokenFamily))
}

/// A token that was consumed in the future is consumed now: the clock ran ahead. Fault:
/// [`Fault::Consumed`], also when the family has been revoked meanwhile.
pub fn consume(environment: Uuid, hash: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE refresh_token SET consumed_at = $3 \
         WHERE environment = $1 AND hash = $2 AND (consumed_at IS NULL OR consumed_at > $4) AND EXISTS \
         (SELECT 1 FROM token_family f WHERE f.environment = refresh_token.environment \
         AND f.id = refresh_token.family AND f.revoked_at IS NULL)",
        vec![
            environment.to_string().into(),
            hash.into(),
            now.as_millis().into(),
            (now + SLACK).as_millis().into(),
        ],
    )
    .once(Fault::Consumed(Once::RefreshToken))
}

/// The token with its family: one query.
pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    hash: &str,
) -> Result<Option<StoredRefreshToken>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, {} FROM {JOINED} WHERE t.environment = $1 AND t.hash = $2",
        token_families::COLUMNS
    );
    let args = vec![environment.to_string().into(), hash.into()];
    let rows = engine.query(sql.into(), args).await?;
    rows.first().map(|row| token(row, 0)).transpose()
}

/// The columns that [`token`] decodes, from [`JOINED`], with those of the family behind them.
pub(crate) const COLUMNS: &str = "t.environment, t.hash, t.consumed_at, t.expires_at, t.body";
pub(crate) const COLUMN_COUNT: usize = 5;
pub(crate) const JOINED: &str =
    "refresh_token t JOIN token_family f ON f.environment = t.environment AND f.id = t.family";

/// The token with its family in the columns from `first` on.
pub(crate) fn token(row: &Row, first: usize) -> Result<StoredRefreshToken, StoreError> {
    Ok(StoredRefreshToken {
        environment: uuid(row.text(first)?)?,
        hash: row.text(first + 1)?.to_owned(),
        consumed_at: row.optional_integer(first + 2)?.map(Timestamp::from_millis),
        expires_at: Timestamp::from_millis(row.integer(first + 3)?),
        body: row.text(first + 4)?.to_owned(),
        family: token_families::family(row, first + COLUMN_COUNT)?,
    })
}
