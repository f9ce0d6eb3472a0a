//! The developer inbox's messages, kept in the store so that they stay through crashes.

use stepgate_notify::inbox::{InboxMessage, recipient_key};
use stepgate_store::{
    engine::{Statement, StoreError},
    inbox,
};

use crate::App;

/// How many messages are listed, the newest first.
const LISTED: u32 = 100;

/// The write that keeps a received message.
pub(crate) fn keep(message: InboxMessage) -> Result<Statement, serde_json::Error> {
    let body = serde_json::to_string(&message)?;
    Ok(inbox::insert(inbox::InboxMessage {
        id: message.id,
        recipient: recipient_key(message.to.expose()),
        received_at: message.time,
        body,
    }))
}

/// The newest messages, of everybody or of one recipient.
pub async fn messages(app: &App, to: Option<&str>) -> Result<Vec<InboxMessage>, StoreError> {
    let recipient = to.map(recipient_key);
    let rows = inbox::list(&*app.engine, recipient.as_deref(), LISTED).await?;
    rows.iter()
        .map(|row| {
            serde_json::from_str(&row.body)
                .map_err(|_| StoreError::Decode("a message of the inbox".to_owned()))
        })
        .collect()
}
