//! Removal of rows that ended by themselves, a few at a time so that the writer is never held up.

use stepgate_domain::time::Timestamp;

use crate::engine::{Engine, Statement, StoreError};

/// A table whose rows expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiring {
    Flow,
    Counter,
    Session,
    AuthorizationCode,
    TokenFamily,
    RefreshToken,
}

impl Expiring {
    /// In an order in which what belongs to others goes first.
    pub const ALL: [Self; 6] = [
        Self::Flow,
        Self::Counter,
        Self::Session,
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::TokenFamily,
    ];

    /// The table, and what identifies a row within its environment.
    const fn table(self) -> (&'static str, &'static str) {
        match self {
            Self::Flow => ("flow", "id"),
            Self::Counter => ("counter", "subject"),
            Self::Session => ("session", "id"),
            Self::AuthorizationCode => ("authorization_code", "hash"),
            Self::TokenFamily => ("token_family", "id"),
            Self::RefreshToken => ("refresh_token", "hash"),
        }
    }
}

/// Removes at most `at_most` rows that expired before `before`.
pub fn delete(table: Expiring, before: Timestamp, at_most: u32) -> Statement {
    let (table, key) = table.table();
    Statement::new(
        format!(
            "DELETE FROM {table} WHERE (environment, {key}) IN (SELECT environment, {key} FROM {table} \
             WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
        ),
        vec![before.as_millis().into(), i64::from(at_most).into()],
    )
}

/// Ends at most `at_most` rows at `latest` which end later than that, though none can: the clock ran
/// ahead when they were written. What never ends by itself is left alone.
pub fn pull_back(table: Expiring, latest: Timestamp, at_most: u32) -> Statement {
    let (table, key) = table.table();
    Statement::new(
        format!(
            "UPDATE {table} SET expires_at = $1 WHERE (environment, {key}) IN (SELECT environment, {key} FROM {table} \
             WHERE expires_at > $1 AND expires_at < $2 ORDER BY expires_at LIMIT $3)"
        ),
        vec![
            latest.as_millis().into(),
            i64::MAX.into(),
            i64::from(at_most).into(),
        ],
    )
}

/// Whether a row ends later than `latest`, but does end.
pub async fn outlasts(
    engine: &dyn Engine,
    table: Expiring,
    latest: Timestamp,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT expires_at FROM {} WHERE expires_at > $1 AND expires_at < $2 LIMIT 1",
        table.table().0
    );
    let args = vec![latest.as_millis().into(), i64::MAX.into()];
    Ok(!engine.query(sql.into(), args).await?.is_empty())
}

/// When the first row of the table expires, to know when there is work.
pub async fn next(engine: &dyn Engine, table: Expiring) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!("SELECT MIN(expires_at) FROM {}", table.table().0);
    let rows = engine.query(sql.into(), Vec::new()).await?;
    Ok(match rows.first() {
        Some(row) => row.optional_integer(0)?.map(Timestamp::from_millis),
        None => None,
    })
}
