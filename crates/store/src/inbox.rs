//! What the developer inbox has received.

use std::fmt;

use stepgate_domain::time::Timestamp;

use crate::{
    engine::{Engine, Row, Statement, StoreError},
    sql::Sql,
};

#[derive(Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// The outbox row's: receiving it twice is receiving it once.
    pub id: String,
    pub recipient: String,
    pub received_at: Timestamp,
    /// JSON.
    pub body: String,
}

impl fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxMessage")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub fn insert(message: InboxMessage) -> Statement {
    Statement::new(
        "INSERT INTO inbox_message (id, recipient, received_at, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
        vec![
            message.id.into(),
            message.recipient.into(),
            message.received_at.as_millis().into(),
            message.body.into(),
        ],
    )
}

/// The newest `at_most` messages, newest first, to one recipient or to all.
pub async fn list(
    engine: &dyn Engine,
    recipient: Option<&str>,
    at_most: u32,
) -> Result<Vec<InboxMessage>, StoreError> {
    let mut sql = Sql::default();
    let to = recipient.map_or_else(String::new, |recipient| {
        format!("WHERE recipient = {}", sql.bind(recipient))
    });
    let limit = sql.bind(i64::from(at_most));
    let text = format!(
        "SELECT id, recipient, received_at, body FROM inbox_message {to} \
         ORDER BY received_at DESC, id DESC LIMIT {limit}"
    );
    let rows = engine.query(text.into(), sql.args).await?;
    rows.iter().map(message).collect()
}

fn message(row: &Row) -> Result<InboxMessage, StoreError> {
    Ok(InboxMessage {
        id: row.text(0)?.to_owned(),
        recipient: row.text(1)?.to_owned(),
        received_at: Timestamp::from_millis(row.integer(2)?),
        body: row.text(3)?.to_owned(),
    })
}
