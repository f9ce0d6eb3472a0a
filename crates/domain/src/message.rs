//! A message to a person: what is sent, by which channel, to which address.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    Sms,
    Email,
}

/// A rendered message, as a provider is given it and as the outbox holds it, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The outbox row's id: the idempotency key.
    pub id: String,
    pub channel: Channel,
    /// A phone number in E.164 form, or an e-mail address. Empty where there is nobody to send it to,
    /// and nobody may learn that.
    pub to: Secret<String>,
    /// Only for e-mail.
    pub subject: Option<String>,
    pub text: Secret<String>,
    /// The one-time code in the text, when there is one: shown apart by the developer inbox.
    pub code: Option<Secret<String>>,
    /// The sender name or number that the template asks for.
    pub sender: Option<String>,
}

impl Message {
    pub fn is_for_nobody(&self) -> bool {
        self.to.expose().is_empty()
    }
}
