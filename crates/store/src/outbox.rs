//! Messages to be sent: written in the batch that caused them, sent at least once.
//!
//! A worker claims what is due by writing its lease into the rows. Every outcome names the lease,
//! so that a worker that was too slow cannot overwrite what its successor did.

use std::fmt;

use stepgate_domain::time::Timestamp;
use uuid::Uuid;

use crate::{
    documents::uuid,
    engine::{Batch, Engine, Fault, Row, Statement, StoreError, Value},
};

/// How many messages are in each state.
pub async fn counts(engine: &dyn Engine) -> Result<[(OutboxState, i64); 2], StoreError> {
    let rows = engine
        .query(
            "SELECT state, COUNT(*) FROM outbox GROUP BY state".into(),
            Vec::new(),
        )
        .await?;
    let mut counts = [(OutboxState::Pending, 0), (OutboxState::Dead, 0)];
    for row in &rows {
        let state = OutboxState::parse(row.text(0)?)?;
        for (known, count) in &mut counts {
            if *known == state {
                *count = row.integer(1)?;
            }
        }
    }
    Ok(counts)
}

/// A message that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// The provider's idempotency key.
    pub id: String,
    pub environment: Uuid,
    /// The flow to be told when it cannot be delivered.
    pub flow: Option<Uuid>,
    pub due_at: Timestamp,
    /// How often it was claimed.
    pub attempts: i64,
    pub created_at: Timestamp,
    /// Sealed.
    pub payload: String,
}

impl fmt::Debug for OutboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxMessage")
            .field("id", &self.id)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Where a message is that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    Pending,
    /// Given up, and kept for an administrator to see.
    Dead,
}

impl OutboxState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Dead => "DEAD",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Pending, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| StoreError::Decode("a state of the outbox expected".to_owned()))
    }
}

/// What is known of a message that was not delivered, without what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxStatus {
    pub state: OutboxState,
    pub due_at: Timestamp,
    pub attempts: i64,
    pub failure: Option<String>,
    /// A dead message must have none.
    pub has_payload: bool,
}

/// Who sends a message now, and until when nobody else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub id: String,
    pub until: Timestamp,
}

/// A new message, with no attempts; or, born under a lease, in its first, by whoever holds that.
pub fn enqueue(message: OutboxMessage, lease: Option<Lease>) -> Statement {
    let (due_at, attempts) = match &lease {
        Some(lease) => (lease.until, 1),
        None => (message.due_at, 0),
    };
    Statement::new(
        "INSERT INTO outbox (id, environment, flow, state, lease, due_at, attempts, created_at, payload) \
         VALUES ($1, $2, $3, 'PENDING', $4, $5, $6, $7, $8)",
        vec![
            message.id.into(),
            message.environment.to_string().into(),
            message.flow.map(|flow| flow.to_string()).into(),
            lease.map(|lease| lease.id).into(),
            due_at.as_millis().into(),
            Value::Integer(attempts),
            message.created_at.as_millis().into(),
            message.payload.into(),
        ],
    )
    .once(Fault::Missing)
}

/// Claims at most `at_most` due messages until `until`, when they fall due again. `lease` must be
/// new each time. Costs no commit when nothing is due.
pub async fn claim(
    engine: &dyn Engine,
    lease: &str,
    now: Timestamp,
    until: Timestamp,
    at_most: u32,
) -> Result<Vec<OutboxMessage>, StoreError> {
    if next_due(engine).await?.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    // The outer condition is checked again on the row as another worker left it.
    let claim = Statement::new(
        "UPDATE outbox SET lease = $1, due_at = $2, attempts = attempts + 1 \
         WHERE state = 'PENDING' AND due_at <= $3 AND id IN (SELECT id FROM outbox \
         WHERE state = 'PENDING' AND due_at <= $3 ORDER BY due_at, id LIMIT $4)",
        vec![
            lease.into(),
            until.as_millis().into(),
            now.as_millis().into(),
            i64::from(at_most).into(),
        ],
    );
    engine.commit(Batch(vec![claim])).await?;
    let rows = engine
        .query(
            "SELECT id, environment, flow, due_at, attempts, created_at, payload FROM outbox \
             WHERE state = 'PENDING' AND due_at = $1 AND lease = $2 ORDER BY created_at, id"
                .into(),
            vec![until.as_millis().into(), lease.into()],
        )
        .await?;
    rows.iter().map(message).collect()
}

/// Makes what was under way due again. Only for who knows that every holder of a lease is gone.
pub(crate) const RELEASE_LEASES: &str = "UPDATE outbox SET lease = NULL, due_at = created_at \
     WHERE state = 'PENDING' AND lease IS NOT NULL";

/// Sent: nothing is left of it here. Does nothing when the lease is lost, so that the outcomes of
/// many messages can be written together.
pub fn delivered(id: &str, lease: &str) -> Statement {
    Statement::new(
        "DELETE FROM outbox WHERE id = $1 AND lease = $2 AND state = 'PENDING'",
        vec![id.into(), lease.into()],
    )
}

/// Given back, to be claimed at once. Does nothing when the lease is lost.
pub fn release(id: &str, lease: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE outbox SET due_at = $3, lease = NULL \
         WHERE id = $1 AND lease = $2 AND state = 'PENDING'",
        vec![id.into(), lease.into(), now.as_millis().into()],
    )
}

/// To be tried again. Fault: [`Fault::Stale`] when the lease is lost.
pub fn retry(id: &str, lease: &str, due_at: Timestamp, failure: &str) -> Statement {
    Statement::new(
        "UPDATE outbox SET due_at = $3, failure = $4, lease = NULL \
         WHERE id = $1 AND lease = $2 AND state = 'PENDING'",
        vec![
            id.into(),
            lease.into(),
            due_at.as_millis().into(),
            failure.into(),
        ],
    )
    .once(Fault::Stale)
}

/// Given up: what it said is erased, why is kept. Fault: [`Fault::Stale`] when the lease is lost.
pub fn dead(id: &str, lease: &str, failure: &str) -> Statement {
    Statement::new(
        "UPDATE outbox SET state = 'DEAD', payload = NULL, failure = $3, lease = NULL \
         WHERE id = $1 AND lease = $2 AND state = 'PENDING'",
        vec![id.into(), lease.into(), failure.into()],
    )
    .once(Fault::Stale)
}

/// When the next message falls due.
pub async fn next_due(engine: &dyn Engine) -> Result<Option<Timestamp>, StoreError> {
    let rows = engine
        .query(
            "SELECT MIN(due_at) FROM outbox WHERE state = 'PENDING'".into(),
            Vec::new(),
        )
        .await?;
    Ok(match rows.first() {
        Some(row) => row.optional_integer(0)?.map(Timestamp::from_millis),
        None => None,
    })
}

/// Whether a message waits until after `latest`, which none does: the clock ran ahead.
pub async fn outlasts(engine: &dyn Engine, latest: Timestamp) -> Result<bool, StoreError> {
    let rows = engine
        .query(
            "SELECT id FROM outbox WHERE state = 'PENDING' AND due_at > $1 LIMIT 1".into(),
            vec![latest.as_millis().into()],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Makes at most `at_most` of those due now.
pub fn pull_back(now: Timestamp, latest: Timestamp, at_most: u32) -> Statement {
    Statement::new(
        "UPDATE outbox SET due_at = $1, lease = NULL WHERE state = 'PENDING' AND id IN \
         (SELECT id FROM outbox WHERE state = 'PENDING' AND due_at > $2 ORDER BY due_at LIMIT $3)",
        vec![
            now.as_millis().into(),
            latest.as_millis().into(),
            i64::from(at_most).into(),
        ],
    )
}

pub async fn status(engine: &dyn Engine, id: &str) -> Result<Option<OutboxStatus>, StoreError> {
    let rows = engine
        .query(
            "SELECT state, due_at, attempts, failure, CASE WHEN payload IS NULL THEN 0 ELSE 1 END \
             FROM outbox WHERE id = $1"
                .into(),
            vec![id.into()],
        )
        .await?;
    rows.first()
        .map(|row| {
            Ok(OutboxStatus {
                state: OutboxState::parse(row.text(0)?)?,
                due_at: Timestamp::from_millis(row.integer(1)?),
                attempts: row.integer(2)?,
                failure: row.optional_text(3)?.map(str::to_owned),
                has_payload: row.integer(4)? != 0,
            })
        })
        .transpose()
}

fn message(row: &Row) -> Result<OutboxMessage, StoreError> {
    Ok(OutboxMessage {
        id: row.text(0)?.to_owned(),
        environment: uuid(row.text(1)?)?,
        flow: row.optional_text(2)?.map(uuid).transpose()?,
        due_at: Timestamp::from_millis(row.integer(3)?),
        attempts: row.integer(4)?,
        created_at: Timestamp::from_millis(row.integer(5)?),
        payload: row.text(6)?.to_owned(),
    })
}
