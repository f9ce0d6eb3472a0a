//! Messages on their way out: sealed rows of the outbox.

use stepgate_domain::{message::Message, time::Timestamp};
use stepgate_store::{
    engine::Statement,
    outbox::{self, OutboxMessage},
};
use uuid::Uuid;

use crate::{
    error::ManagementError,
    seal::{Binding, DataKey, SealError},
};

const fn binding(environment: Uuid, id: &str) -> Binding<'_> {
    Binding {
        environment,
        kind: "outbox",
        id,
        field: "payload",
    }
}

/// The write that queues a message, for the batch that says that it was sent.
pub fn enqueue(
    key: &DataKey,
    environment: Uuid,
    flow: Option<Uuid>,
    message: &Message,
    now: Timestamp,
) -> Result<Statement, ManagementError> {
    let payload = zeroize::Zeroizing::new(serde_json::to_vec(message)?);
    let payload = key.seal(binding(environment, &message.id), &payload)?;
    Ok(outbox::enqueue(OutboxMessage {
        id: message.id.clone(),
        environment,
        flow,
        due_at: now,
        attempts: 0,
        created_at: now,
        payload,
    }))
}

/// The message of a claimed row.
pub fn open(key: &DataKey, row: &OutboxMessage) -> Result<Message, SealError> {
    let payload = key.open(binding(row.environment, &row.id), &row.payload)?;
    serde_json::from_slice(payload.expose()).map_err(|_| SealError::Unopenable)
}
