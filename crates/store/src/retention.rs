//! What is kept for a time after it was written, and then forgotten: a few rows at a time, so that
//! the writer is never held up.
//!
//! Rows of a trail have ids that begin with their time, so the oldest of an environment are found by
//! the key that is there anyway: an index over times would cost every sign-on several writes.

use stepgate_domain::time::Timestamp;

use crate::engine::{Engine, Statement, StoreError};

/// A table that is only ever written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    Audit,
    Changes,
}

impl Trail {
    pub const ALL: [Self; 2] = [Self::Audit, Self::Changes];

    const fn table(self) -> &'static str {
        match self {
            Self::Audit => "audit_event",
            Self::Changes => "change_log",
        }
    }

    /// Sorts before every id of this time or later, and after those that are older.
    fn first_id(self, time: Timestamp) -> String {
        let millis = time.as_millis().max(0);
        match self {
            // The first 48 bits of a UUID.
            Self::Audit => format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff),
            Self::Changes => format!("{millis:015}"),
        }
    }
}

/// An environment in which the trail reaches back to before `before`, if there is one.
pub async fn reaching_back(
    engine: &dyn Engine,
    trail: Trail,
    before: Timestamp,
) -> Result<Option<String>, StoreError> {
    let first = trail.first_id(before);
    let sql = format!(
        "SELECT environment, id FROM {} WHERE environment > $1 ORDER BY environment, id LIMIT 1",
        trail.table()
    );
    let mut environment = String::new();
    loop {
        let args = vec![environment.into()];
        let mut rows = engine.query(sql.clone().into(), args).await?;
        let Some(oldest) = rows.first_mut() else {
            return Ok(None);
        };
        environment = oldest.take_text(0)?;
        if oldest.text(1)? < first.as_str() {
            return Ok(Some(environment));
        }
    }
}

/// Removes at most `at_most` rows of an environment from before `before`, the oldest first.
pub fn forget(trail: Trail, environment: &str, before: Timestamp, at_most: u32) -> Statement {
    let table = trail.table();
    Statement::new(
        format!(
            "DELETE FROM {table} WHERE environment = $1 AND id IN (SELECT id FROM {table} \
             WHERE environment = $1 AND id < $2 ORDER BY id LIMIT $3)"
        ),
        vec![
            environment.into(),
            trail.first_id(before).into(),
            i64::from(at_most).into(),
        ],
    )
}

/// Whether there are messages that were given up before `before`.
pub async fn has_dead_messages(engine: &dyn Engine, before: Timestamp) -> Result<bool, StoreError> {
    let rows = engine
        .query(
            "SELECT id FROM outbox WHERE state = 'DEAD' AND due_at < $1 LIMIT 1".into(),
            vec![before.as_millis().into()],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Removes at most `at_most` messages that were given up before `before`: they are not due any more,
/// so the time of their last attempt stays.
pub fn forget_dead_messages(before: Timestamp, at_most: u32) -> Statement {
    Statement::new(
        "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox \
         WHERE state = 'DEAD' AND due_at < $1 ORDER BY due_at LIMIT $2)",
        vec![before.as_millis().into(), i64::from(at_most).into()],
    )
}
