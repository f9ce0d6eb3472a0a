//! The schema, version by version. Migrations only go forward, each in a transaction of its own
//! that also writes down its version.

use crate::engine::StoreError;

/// Creates the table that holds the version, where there is none.
pub(crate) const PREPARE: &str =
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)";
/// The version that the database has: one row, one column.
pub(crate) const FOUND: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
/// Writes down a version.
pub(crate) const RECORD: &str = "INSERT INTO schema_version (version) VALUES ($1)";

/// In order; the version is the place in this list, counted from 1.
const ALL: &[&str] = &[
    include_str!("0001_initial.sql"),
    include_str!("0002_delivered_messages.sql"),
    include_str!("0003_user_roles.sql"),
    include_str!("0004_security_profiles.sql"),
];

/// The schema version that this binary works with.
pub fn known() -> i64 {
    i64::try_from(ALL.len()).unwrap_or(i64::MAX)
}

/// What a database of the version found is to be taken through, with the version that each leads
/// to.
pub(crate) fn pending(found: i64) -> Result<impl Iterator<Item = (i64, &'static str)>, StoreError> {
    let known = known();
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let done = usize::try_from(found).unwrap_or_default();
    Ok((1..).zip(ALL.iter().copied()).skip(done))
}
