//! Senders of messages: SMS by HTTP, e-mail by SMTP, and the developer inbox.
//!
//! Nothing here knows of flows, users or queues. The outbox worker gives a rendered message to
//! [`Senders`] and is told whether it was taken, whether to try again, or to give up.

mod cause;
pub mod email;
pub mod inbox;
pub mod provider;
pub mod retry;
pub mod sms;
#[cfg(test)]
mod test_message;

pub use email::{EmailSender, EmailSettings, SmtpTls};
pub use inbox::{Inbox, InboxMessage};
pub use provider::{Delivery, NotifyError, Provider, Senders, Timeouts};
pub use retry::next_attempt;
pub use sms::{SmsSender, SmsSettings};
