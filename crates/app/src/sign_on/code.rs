//! One-time codes: drawn, and compared by keyed hashes that bind each to its flow and message.

use stepgate_domain::{
    entropy::Entropy,
    flow::{Flow, NewCode, Status, Verdict},
    ids::{FlowId, MessageId},
    otp::{self, CodeHash, DRAWN_DIGITS},
    secret::Secret,
};

use crate::{App, random::SystemRandom, seal::DataKey};

/// Digits in case that a step sends a code.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    digits: Secret<String>,
    key: &'a DataKey,
    flow: FlowId,
    message: MessageId,
}

impl<'a> Drawn<'a> {
    pub(super) fn new(app: &App, key: &'a DataKey, flow: FlowId) -> Self {
        Self {
            digits: Secret::new(<dyn Entropy>::digits(&mut SystemRandom, DRAWN_DIGITS)),
            key,
            flow,
            message: app.new_id(),
        }
    }

    pub(super) fn code(&self, length: u8) -> &str {
        otp::prefix(&self.digits, length)
    }
}

impl NewCode for Drawn<'_> {
    fn message(&self) -> MessageId {
        self.message
    }
    fn hash(&self, length: u8) -> CodeHash {
        hash(self.key, self.flow, self.message, self.code(length))
    }
}

/// Whether it is the code that the flow waits for. Spaces do not matter.
pub(super) fn verdict(key: &DataKey, flow: &Flow, submitted: &Secret<String>) -> Verdict {
    let (Status::OtpRequired { challenge, .. }, Some(outstanding)) =
        (&flow.status, flow.outstanding_code())
    else {
        return Verdict::Wrong;
    };
    let code: zeroize::Zeroizing<String> = submitted
        .expose()
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect::<String>()
        .into();
    if outstanding.matches(&hash(key, flow.id, challenge.message, &code)) {
        Verdict::Matched
    } else {
        Verdict::Wrong
    }
}

fn hash(key: &DataKey, flow: FlowId, message: MessageId, code: &str) -> CodeHash {
    let (flow, message) = (flow.uuid(), message.uuid());
    CodeHash::new(key.hash(
        "one-time code",
        &[flow.as_bytes(), message.as_bytes(), code.as_bytes()],
    ))
}

#[cfg(test)]
mod tests {
    use stepgate_domain::{entropy::Seeded, id::Id};

    use super::*;

    #[test]
    fn the_same_digits_are_another_code_in_another_flow_message_or_environment() {
        let key = |byte| DataKey::for_tests([byte; 32]);
        let entropy: &mut dyn Entropy = &mut Seeded(5);
        let (flow, other_flow): (FlowId, FlowId) = (Id::random(entropy), Id::random(entropy));
        let (message, other_message) = (Id::random(entropy), Id::random(entropy));
        let code = hash(&key(1), flow, message, "123456");
        assert!(code.matches(&hash(&key(1), flow, message, "123456")));
        for other in [
            hash(&key(1), other_flow, message, "123456"),
            hash(&key(1), flow, other_message, "123456"),
            hash(&key(2), flow, message, "123456"),
            hash(&key(1), flow, message, "123457"),
        ] {
            assert!(!code.matches(&other));
        }
    }
}
