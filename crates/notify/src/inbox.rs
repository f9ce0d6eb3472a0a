//! The developer inbox: a provider that keeps messages instead of sending them, so that a laptop
//! needs no gateway. Development only: what it keeps, it shows to anybody who asks.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use stepgate_domain::{
    message::{Channel, Message},
    secret::Secret,
    time::Timestamp,
};

use crate::provider::{Delivery, NotifyError, Provider};

/// A received message, as it is kept and as the inbox lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxMessage {
    pub id: String,
    pub to: Secret<String>,
    pub channel: Channel,
    pub text: Secret<String>,
    /// `null` when the message has no one-time code.
    pub code: Option<Secret<String>>,
    /// When the inbox received it.
    pub time: Timestamp,
}

/// Where received messages stay.
#[async_trait]
pub trait InboxStore: fmt::Debug + Send + Sync {
    /// Keeps the message, durably when this returns. A message whose id is there already is left as
    /// it was: it is the same one, sent again after a crash.
    async fn put(&self, message: InboxMessage) -> Result<(), InboxUnavailable>;
}

/// The message could not be kept. Why is for the store's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the developer inbox cannot be written")]
pub struct InboxUnavailable;

/// By what a recipient is found, as kept and as asked for: the digits of a phone number (however it
/// is spelled, and also where a `+` in a query has become a space), the folded e-mail address.
pub fn recipient_key(to: &str) -> String {
    if to.contains('@') {
        to.trim().to_lowercase()
    } else {
        to.chars().filter(char::is_ascii_digit).collect()
    }
}

pub struct Inbox {
    store: Arc<dyn InboxStore>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Inbox {
    pub fn new(
        store: Arc<dyn InboxStore>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self {
            store,
            clock: Box::new(clock),
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for Inbox {
    fn channels(&self) -> &[Channel] {
        &[Channel::Sms, Channel::Email]
    }

    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        let received = InboxMessage {
            id: message.id.clone(),
            to: message.to.clone(),
            channel: message.channel,
            text: message.text.clone(),
            code: message.code.clone(),
            time: (self.clock)(),
        };
        match self.store.put(received).await {
            Ok(()) => Ok(Delivery {
                reference: Some(message.id.clone()),
            }),
            Err(error) => Err(NotifyError::transient(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::test_message;

    #[derive(Debug, Default)]
    struct Memory {
        messages: Mutex<Vec<InboxMessage>>,
        broken: bool,
    }

    #[async_trait]
    impl InboxStore for Memory {
        async fn put(&self, message: InboxMessage) -> Result<(), InboxUnavailable> {
            if self.broken {
                return Err(InboxUnavailable);
            }
            let mut messages = self.messages.lock().unwrap();
            if messages.iter().all(|kept| kept.id != message.id) {
                messages.push(message);
            }
            Ok(())
        }
    }

    const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_123);

    #[tokio::test]
    async fn a_message_is_kept_with_its_code_and_time() {
        let store = Arc::new(Memory::default());
        let inbox = Inbox::new(store.clone(), || NOON);
        inbox.send(&test_message::by(Channel::Sms)).await.unwrap();
        inbox.send(&test_message::by(Channel::Sms)).await.unwrap();

        let kept = store.messages.lock().unwrap();
        assert_eq!(
            serde_json::to_value(&*kept).unwrap(),
            json!([{
                "id": "0198f0a0-0000-7000-8000-000000000001",
                "to": "+4712345678",
                "channel": "SMS",
                "text": "Harbor code: 482915 & more",
                "code": "482915",
                "time": "2026-01-31T12:00:00.123Z",
            }])
        );
        test_message::assert_discreet(&format!("{inbox:?} {kept:?}"));
    }

    #[tokio::test]
    async fn a_message_without_a_code_says_null() {
        let store = Arc::new(Memory::default());
        let message = Message {
            code: None,
            ..test_message::by(Channel::Email)
        };
        Inbox::new(store.clone(), || NOON)
            .send(&message)
            .await
            .unwrap();

        let kept = serde_json::to_value(&store.messages.lock().unwrap()[0]).unwrap();
        assert_eq!(kept["code"], json!(null));
        assert_eq!(kept["channel"], json!("EMAIL"));
        let read: InboxMessage = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), kept);
    }

    #[tokio::test]
    async fn an_unwritable_inbox_is_tried_again() {
        let store = Arc::new(Memory {
            broken: true,
            ..Memory::default()
        });
        let error = Inbox::new(store, || NOON)
            .send(&test_message::by(Channel::Sms))
            .await
            .unwrap_err();
        assert!(error.is_transient());
        test_message::assert_discreet(&format!("{error:?} {error}"));
    }

    #[test]
    fn recipients_are_found_however_they_are_spelled() {
        for spelling in [
            "+4712345678",
            " 4712345678",
            "47 12 34 56 78",
            "+47.12345678",
        ] {
            assert_eq!(recipient_key(spelling), "4712345678");
        }
        assert_eq!(recipient_key("Mira@Example.test"), "mira@example.test");
        assert_ne!(recipient_key("+4712345678"), recipient_key("+4712345679"));
    }
}
