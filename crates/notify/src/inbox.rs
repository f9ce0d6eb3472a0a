//! The developer inbox: a provider that keeps messages instead of sending them, so that a laptop
//! needs no gateway. Development only: what it keeps, it shows to anybody who asks.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use stepgate_domain::{
    email,
    message::{Channel, Message},
    phone,
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

/// By what a recipient is found, as kept and as asked for: the digits of a phone number (however it
/// is spelled, and also where a `+` in a query has become a space), the mailbox of an e-mail address.
pub fn recipient_key(to: &str) -> String {
    if to.contains('@') {
        email::comparable(to.trim())
    } else {
        phone::digits(&phone::destination(to))
    }
}

/// Gives each message back to whoever asked, to keep it.
pub struct Inbox {
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Inbox {
    pub fn new(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
        }
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for Inbox {
    fn name(&self) -> &'static str {
        "inbox"
    }
    fn channels(&self) -> &[Channel] {
        &[Channel::Sms, Channel::Email]
    }

    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        Ok(Delivery {
            reference: None,
            to_keep: Some(InboxMessage {
                id: message.id.clone(),
                to: message.to.clone(),
                channel: message.channel,
                text: message.text.clone(),
                code: message.code.clone(),
                time: (self.clock)(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_message;

    const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_123);

    async fn kept(message: &Message) -> InboxMessage {
        let inbox = Inbox::new(|| NOON);
        let delivery = inbox.send(message).await.unwrap();
        test_message::assert_discreet(&format!("{inbox:?} {delivery:?}"));
        delivery.to_keep.unwrap()
    }

    #[tokio::test]
    async fn a_message_is_kept_with_its_code_and_time() {
        assert_eq!(
            serde_json::to_value(kept(&test_message::by(Channel::Sms)).await).unwrap(),
            json!({
                "id": "0198f0a0-0000-7000-8000-000000000001",
                "to": "+4712345678",
                "channel": "SMS",
                "text": "Harbor code: 482915 & more",
                "code": "482915",
                "time": "2026-01-31T12:00:00.123Z",
            })
        );
    }

    #[tokio::test]
    async fn a_message_without_a_code_says_null() {
        let message = Message {
            code: None,
            ..test_message::by(Channel::Email)
        };
        let kept = serde_json::to_value(kept(&message).await).unwrap();
        assert_eq!(kept["code"], json!(null));
        assert_eq!(kept["channel"], json!("EMAIL"));
        let read: InboxMessage = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), kept);
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
