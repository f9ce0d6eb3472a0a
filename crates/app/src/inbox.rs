//! The developer inbox's messages, kept in the store so that they stay through crashes.

use std::sync::Arc;

use async_trait::async_trait;
use stepgate_notify::inbox::{InboxMessage, InboxStore, InboxUnavailable, recipient_key};
use stepgate_store::{
    engine::{Batch, Engine, StoreError},
    inbox,
};

use crate::App;

/// How many messages are listed, the newest first.
const LISTED: u32 = 100;

#[derive(Debug)]
pub struct StoredInbox {
    engine: Arc<dyn Engine>,
}

impl StoredInbox {
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }
}

#[async_trait]
impl InboxStore for StoredInbox {
    async fn put(&self, message: InboxMessage) -> Result<(), InboxUnavailable> {
        let body = serde_json::to_string(&message).map_err(|_| InboxUnavailable)?;
        let row = inbox::InboxMessage {
            id: message.id,
            recipient: recipient_key(message.to.expose()),
            received_at: message.time,
            body,
        };
        self.engine
            .commit(Batch(vec![inbox::insert(row)]))
            .await
            .map_err(|error| {
                tracing::error!(error = ?error, "the developer inbox cannot be written");
                InboxUnavailable
            })
    }
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
