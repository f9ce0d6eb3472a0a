//! The schema, version by version. Migrations only go forward, each in a transaction of its own
//! that also writes down its version.

use crate::engine::{Row, Statement, StoreError, Value};

mod folded_names;

/// Creates the table that holds the version, where there is none.
pub(crate) const PREPARE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)";
/// The version that the database has: one row, one column.
pub(crate) const FOUND: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
/// Writes down a version.
pub(crate) const RECORD: &str = "INSERT INTO schema_version (version) VALUES ($1)";

/// Reads within the transaction of a migration.
pub(crate) type Read<'a> = &'a dyn Fn(&str, &[Value]) -> Result<Vec<Row>, StoreError>;

#[derive(Clone, Copy)]
pub(crate) enum Migration {
    /// Statements, one after the other.
    Sql(&'static str),
    /// What SQL has no words for: the writes that follow from what is read.
    Rust(fn(Read<'_>) -> Result<Vec<Statement>, StoreError>),
}

/// In order; the version is the place in this list, counted from 1.
const ALL: &[Migration] = &[
    Migration::Sql(include_str!("0001_initial.sql")),
    Migration::Sql(include_str!("0002_delivered_messages.sql")),
    Migration::Sql(include_str!("0003_user_roles.sql")),
    Migration::Sql(include_str!("0004_security_profiles.sql")),
    Migration::Rust(folded_names::migrate),
];

/// The schema version that this binary works with.
pub fn known() -> i64 {
    i64::try_from(ALL.len()).unwrap_or(i64::MAX)
}

/// What a database of the version found is to be taken through, with the version that each leads
/// to.
pub(crate) fn pending(found: i64) -> Result<impl Iterator<Item = (i64, Migration)>, StoreError> {
    let known = known();
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let done = usize::try_from(found).unwrap_or_default();
    Ok((1..).zip(ALL.iter().copied()).skip(done))
}
