//! What a sender is, and the set of senders that the configuration chose.

use std::{sync::Arc, time};

use async_trait::async_trait;
use stepgate_domain::{
    message::{Channel, Message},
    time::Duration,
};

use crate::inbox::InboxMessage;

/// One way to get a message to a person.
///
/// A provider may be given the same message again: after a crash, or when its answer was lost. It
/// hands `message.id` on as the idempotency key, so that the person gets one message where the
/// other side can tell.
#[async_trait]
pub trait Provider: std::fmt::Debug + Send + Sync {
    /// What its messages are counted under: one of a few, never an address.
    fn name(&self) -> &'static str {
        "other"
    }
    /// The channels it serves.
    fn channels(&self) -> &[Channel];
    /// Returns once the other side has taken the message, which is not yet the person's receipt.
    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError>;
}

/// The other side has taken the message.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// What the other side calls the message, for its support desk. It is logged, so it never holds
    /// what the message does.
    pub reference: Option<String>,
    /// The other side is whoever asked: what is to be kept, in the same breath as the fact that it
    /// was delivered.
    pub to_keep: Option<InboxMessage>,
}

/// The other side has not taken the message, as far as can be known.
///
/// A reason is made of our own words and the other side's numeric code. It never quotes the other
/// side, since gateways like to repeat the address and the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// Worth another try, not before `retry_after` where the other side asked for that.
    #[error("{reason}")]
    Transient {
        reason: String,
        retry_after: Option<Duration>,
    },
    /// The other side takes nothing from us: an operator is needed, and then another try is worth it.
    #[error("{reason}")]
    Misconfigured { reason: String },
    /// Another try would end the same.
    #[error("{reason}")]
    Permanent { reason: String },
}

impl NotifyError {
    pub(crate) fn transient(reason: impl Into<String>) -> Self {
        Self::Transient {
            reason: reason.into(),
            retry_after: None,
        }
    }
    pub(crate) fn misconfigured(reason: impl Into<String>) -> Self {
        Self::Misconfigured {
            reason: reason.into(),
        }
    }
    pub(crate) fn permanent(reason: impl Into<String>) -> Self {
        Self::Permanent {
            reason: reason.into(),
        }
    }
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Transient { .. } | Self::Misconfigured { .. } => true,
            Self::Permanent { .. } => false,
        }
    }
}

/// How long a sender waits for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: time::Duration,
    /// For the whole exchange, connecting included.
    pub total: time::Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: time::Duration::from_secs(3),
            total: time::Duration::from_secs(10),
        }
    }
}

/// The senders of an installation. The first that serves a channel gets its messages.
#[derive(Debug, Clone, Default)]
pub struct Senders(Vec<Arc<dyn Provider>>);

impl Senders {
    pub fn new(providers: Vec<Arc<dyn Provider>>) -> Self {
        Self(providers)
    }
    /// Whether a message by this channel can be sent at all.
    pub fn has(&self, channel: Channel) -> bool {
        self.serving(channel).is_some()
    }
    pub async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        match self.serving(message.channel) {
            Some(provider) => provider.send(message).await,
            None => Err(NotifyError::permanent(
                "no sender is configured for this channel",
            )),
        }
    }
    /// The name of the sender that serves a channel.
    pub fn name(&self, channel: Channel) -> &'static str {
        self.serving(channel).map_or("none", Provider::name)
    }
    fn serving(&self, channel: Channel) -> Option<&dyn Provider> {
        self.0
            .iter()
            .map(AsRef::as_ref)
            .find(|provider| provider.channels().contains(&channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_message;

    #[derive(Debug)]
    struct Named(&'static str, &'static [Channel]);

    #[async_trait]
    impl Provider for Named {
        fn channels(&self) -> &[Channel] {
            self.1
        }
        async fn send(&self, _: &Message) -> Result<Delivery, NotifyError> {
            Ok(Delivery {
                reference: Some(self.0.to_owned()),
                to_keep: None,
            })
        }
    }

    #[tokio::test]
    async fn the_first_sender_of_a_channel_gets_its_messages() {
        let senders = Senders::new(vec![
            Arc::new(Named("mail", &[Channel::Email])),
            Arc::new(Named("both", &[Channel::Sms, Channel::Email])),
        ]);
        let reference = |channel| {
            let senders = senders.clone();
            async move {
                senders
                    .send(&test_message::by(channel))
                    .await
                    .unwrap()
                    .reference
                    .unwrap()
            }
        };
        assert_eq!(reference(Channel::Email).await, "mail");
        assert_eq!(reference(Channel::Sms).await, "both");
    }

    #[tokio::test]
    async fn without_a_sender_the_message_is_refused_for_good() {
        let senders = Senders::new(vec![Arc::new(Named("mail", &[Channel::Email]))]);
        assert!(senders.has(Channel::Email));
        assert!(!senders.has(Channel::Sms));
        let error = senders
            .send(&test_message::by(Channel::Sms))
            .await
            .unwrap_err();
        assert!(!error.is_transient());
    }
}
