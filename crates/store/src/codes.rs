//! Authorization codes (RFC 6749 §4.1.2), by their hashes.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Engine, Fault, Statement, StoreError},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    pub environment: Uuid,
    pub hash: String,
    /// When it was redeemed.
    pub consumed_at: Option<Timestamp>,
    /// The token family that it bought: revoked when the code comes a second time.
    pub family: Option<Uuid>,
    /// Until when the row is kept; the code's own lifetime is in the body.
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

pub fn insert(environment: Uuid, hash: &str, expires_at: Timestamp, body: String) -> Statement {
    Statement::new(
        "INSERT INTO authorization_code (environment, hash, expires_at, body) VALUES ($1, $2, $3, $4)",
        vec![environment.to_string().into(), hash.into(), expires_at.as_millis().into(), body.into()],
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
    .once(Fault::Consumed)
}

pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    hash: &str,
) -> Result<Option<StoredCode>, StoreError> {
    let rows = engine
        .query(
            "SELECT consumed_at, family, expires_at, body FROM authorization_code \
             WHERE environment = $1 AND hash = $2"
                .into(),
            vec![environment.to_string().into(), hash.into()],
        )
        .await?;
    rows.first()
        .map(|row| {
            Ok(StoredCode {
                environment,
                hash: hash.to_owned(),
                consumed_at: row.optional_integer(0)?.map(Timestamp::from_millis),
                family: row.optional_text(1)?.map(uuid).transpose()?,
                expires_at: Timestamp::from_millis(row.integer(2)?),
                body: row.text(3)?.to_owned(),
            })
        })
        .transpose()
}
