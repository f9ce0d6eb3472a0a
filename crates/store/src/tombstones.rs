//! Environments that are being deleted: unknown at once, removed little by little.

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Batch, Engine, Statement, StoreError},
};

/// The tables of an environment and what identifies a row in them. What belongs to others goes
/// first, so that no deletion cascades far; mentions go before what they mention. The audit trail is
/// not among them: what was done in an environment is known as long as its events are kept.
const TABLES: [(&str, &str); 17] = [
    ("outbox", "id"),
    ("flow", "id"),
    ("counter", "subject"),
    ("session", "id"),
    ("authorization_code", "hash"),
    ("refresh_token", "hash"),
    ("token_family", "id"),
    ("device", "id"),
    ("user_role", "id"),
    ("user_account", "id"),
    ("resource_reference", "id"),
    ("resource_term", "id"),
    ("resource_key", "id"),
    ("resource", "id"),
    ("tally", "kind"),
    ("change_log", "id"),
    ("data_key", "id"),
];

/// Belongs in the batch that deletes the environment itself.
pub fn mark(environment: Uuid, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO tombstone (environment, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        vec![environment.to_string().into(), now.as_millis().into()],
    )
}

/// The environments whose rows are not all gone yet.
pub async fn list(engine: &dyn Engine) -> Result<Vec<Uuid>, StoreError> {
    let rows = engine
        .query(
            "SELECT environment FROM tombstone ORDER BY deleted_at".into(),
            Vec::new(),
        )
        .await?;
    rows.iter().map(|row| uuid(row.text(0)?)).collect()
}

/// Whether there is more to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    More,
    Done,
}

/// Removes some rows (about `at_most`) of a deleted environment, and at last its tombstone. Call it
/// again until it is done.
pub async fn remove(
    engine: &dyn Engine,
    environment: Uuid,
    at_most: u32,
) -> Result<Progress, StoreError> {
    let environment = environment.to_string();
    for (table, key) in TABLES {
        let some = format!("SELECT 1 FROM {table} WHERE environment = $1 LIMIT 1");
        if engine
            .query(some.into(), vec![environment.as_str().into()])
            .await?
            .is_empty()
        {
            continue;
        }
        let delete = Statement::new(
            format!(
                "DELETE FROM {table} WHERE environment = $1 AND {key} IN \
                 (SELECT {key} FROM {table} WHERE environment = $1 LIMIT $2)"
            ),
            vec![environment.into(), i64::from(at_most).into()],
        );
        engine.commit(Batch(vec![delete])).await?;
        return Ok(Progress::More);
    }
    let delete = Statement::new(
        "DELETE FROM tombstone WHERE environment = $1",
        vec![environment.into()],
    );
    engine.commit(Batch(vec![delete])).await?;
    Ok(Progress::Done)
}
