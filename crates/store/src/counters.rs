//! Facts that attempts and sends are judged by.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    engine::{Engine, Expect, Fault, Once, Row, Statement, StoreError},
    sql::Sql,
};

/// A counter, named by what it counts for: `device:{id}`, `user:{id}`, `address:{keyed hash}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCounter {
    pub environment: Uuid,
    pub subject: String,
    /// 0 when it was not there.
    pub version: i64,
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

/// The counter as it is given, if its version is still the one that was read: 0 means that there
/// was none. Fault: [`Fault::Stale`].
pub fn write(counter: StoredCounter) -> Statement {
    Statement::new(
        "INSERT INTO counter (environment, subject, version, expires_at, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (environment, subject) DO UPDATE \
         SET version = excluded.version, expires_at = excluded.expires_at, body = excluded.body \
         WHERE counter.version = $6",
        vec![
            counter.environment.to_string().into(),
            counter.subject.into(),
            counter.version.saturating_add(1).into(),
            counter.expires_at.as_millis().into(),
            counter.body.into(),
            counter.version.into(),
        ],
    )
    .once(Fault::Stale)
}

/// The counter must still have the version that was read, and stays as it is; 0 means that there must
/// be none. Fault: [`Fault::Stale`].
pub fn check(environment: Uuid, subject: &str, version: i64) -> Statement {
    let mut args = vec![environment.to_string().into(), subject.into()];
    if version == 0 {
        return Statement {
            expect: Expect::Exactly(0),
            otherwise: Fault::Stale,
            ..Statement::new(
                "UPDATE counter SET version = version WHERE environment = $1 AND subject = $2",
                args,
            )
        };
    }
    args.push(version.into());
    Statement::new(
        "UPDATE counter SET version = version WHERE environment = $1 AND subject = $2 AND version = $3",
        args,
    )
    .once(Fault::Stale)
}

/// The counter says this from now on, whatever it said before, if it is there. Whoever judged by
/// what it said before finds it stale.
pub fn reset(environment: Uuid, subject: &str, body: String, expires_at: Timestamp) -> Statement {
    Statement::new(
        "UPDATE counter SET version = version + 1, body = $3, expires_at = $4 \
         WHERE environment = $1 AND subject = $2",
        vec![
            environment.to_string().into(),
            subject.into(),
            body.into(),
            expires_at.as_millis().into(),
        ],
    )
}

/// Keeps in mind that a hint was used which may be used once, until it could be used no more.
/// Fault: [`Fault::Consumed`], when it was used before.
pub fn consume_hint(environment: Uuid, subject: &str, expires_at: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO counter (environment, subject, version, expires_at, body) \
         VALUES ($1, $2, 1, $3, '{}') ON CONFLICT DO NOTHING",
        vec![
            environment.to_string().into(),
            subject.into(),
            expires_at.as_millis().into(),
        ],
    )
    .once(Fault::Consumed(Once::Hint))
}

/// The counter goes with what it counted for.
pub fn delete(environment: Uuid, subject: &str) -> Statement {
    Statement::new(
        "DELETE FROM counter WHERE environment = $1 AND subject = $2",
        vec![environment.to_string().into(), subject.into()],
    )
}

/// The counters there are of these subjects, in order of subject.
pub async fn read(
    engine: &dyn Engine,
    environment: Uuid,
    subjects: &[String],
) -> Result<Vec<StoredCounter>, StoreError> {
    if subjects.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::with_args(vec![environment.to_string().into()]);
    let among = sql.among("subject", subjects.iter().map(String::as_str));
    let text = format!(
        "SELECT subject, version, expires_at, body FROM counter WHERE environment = $1 AND {among} ORDER BY subject"
    );
    let rows = engine.query(text.into(), sql.args).await?;
    rows.iter().map(|row| counter(environment, row)).collect()
}

fn counter(environment: Uuid, row: &Row) -> Result<StoredCounter, StoreError> {
    Ok(StoredCounter {
        environment,
        subject: row.text(0)?.to_owned(),
        version: row.integer(1)?,
        expires_at: Timestamp::from_millis(row.integer(2)?),
        body: row.text(3)?.to_owned(),
    })
}
