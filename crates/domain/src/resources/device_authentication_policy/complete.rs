//! Fills in what a policy leaves out, and finds what is out of range.

use super::methods::{Failure, Fido2, Mobile, OathToken, SentCode, Totp};
use crate::{
    span::{Span, SpanRange, TimeUnit},
    violation::Violation,
};

const LIFE_TIME: SpanRange = &[(TimeUnit::Minutes, 1, 120), (TimeUnit::Seconds, 60, 7_200)];
const PAIRING_KEY_LIFETIME: SpanRange = &[(TimeUnit::Minutes, 1, 2_880), (TimeUnit::Hours, 1, 48)];
const STEP_SIZE: SpanRange = &[(TimeUnit::Seconds, 1, 3_600), (TimeUnit::Minutes, 1, 60)];

/// How long a device stays locked after too many failures.
pub(super) struct CoolDown {
    /// Its place in the method.
    member: &'static str,
    pub(super) default: Span,
    range: SpanRange,
}

impl CoolDown {
    const OF_SENT_CODES: Self = Self {
        member: "otp.failure.coolDown",
        default: Span::minutes(0),
        range: &[(TimeUnit::Minutes, 0, 30), (TimeUnit::Seconds, 0, 1_800)],
    };
    const OF_GENERATED_CODES: Self = Self {
        member: "otp.failure.coolDown",
        default: Span::minutes(2),
        range: &[(TimeUnit::Minutes, 1, 30), (TimeUnit::Seconds, 60, 1_800)],
    };
    const OF_MOBILE: Self = Self {
        member: "otp.failure.coolDown",
        default: Span::minutes(2),
        range: &[(TimeUnit::Minutes, 2, 30), (TimeUnit::Seconds, 120, 1_800)],
    };
    const OF_FIDO2: Self = Self {
        member: "failure.coolDown",
        ..Self::OF_MOBILE
    };
}

/// A type of device, by what is to be filled in and judged of it. Places are within the method.
pub(super) trait Method {
    const COOL_DOWN: CoolDown;

    /// `None`: nobody spoke of it, and nothing is filled in.
    fn failure(&mut self) -> Option<&mut Failure>;

    /// The other span that it has: its place, and what it may be.
    fn span(&self) -> Option<(&'static str, Span, SpanRange)> {
        None
    }

    /// Mentions of what is never there: their place, and what they do not name.
    fn dangling(&self) -> Vec<(String, &'static str)> {
        Vec::new()
    }

    /// Fills in what was left out, and tells what is out of range. `at` is the place in the body.
    fn complete(&mut self, at: &str) -> Vec<Violation> {
        let CoolDown {
            member,
            default,
            range,
        } = Self::COOL_DOWN;
        let failure = self.failure();
        let cool_down = failure.map(|failure| *failure.cool_down.get_or_insert(default));
        let cool_down = cool_down.map(|cool_down| (member, cool_down, range));
        let spans = self.span().into_iter().chain(cool_down);
        let out_of_range =
            spans.filter_map(|(member, span, range)| span.fault(&format!("{at}.{member}"), range));
        let dangling = self.dangling().into_iter();
        dangling
            .map(|(member, message)| Violation::invalid(format!("{at}.{member}"), message))
            .chain(out_of_range)
            .collect()
    }
}

impl Method for SentCode {
    const COOL_DOWN: CoolDown = CoolDown::OF_SENT_CODES;

    fn failure(&mut self) -> Option<&mut Failure> {
        Some(&mut self.otp.failure)
    }
    fn span(&self) -> Option<(&'static str, Span, SpanRange)> {
        Some(("otp.lifeTime", self.otp.life_time, LIFE_TIME))
    }
}

impl Method for Totp {
    const COOL_DOWN: CoolDown = CoolDown::OF_GENERATED_CODES;

    fn failure(&mut self) -> Option<&mut Failure> {
        Some(&mut self.otp.failure)
    }
}

impl Method for OathToken {
    const COOL_DOWN: CoolDown = CoolDown::OF_GENERATED_CODES;

    fn failure(&mut self) -> Option<&mut Failure> {
        Some(&mut self.otp.failure)
    }
    fn span(&self) -> Option<(&'static str, Span, SpanRange)> {
        let lifetime = self.pairing_key_lifetime?;
        Some(("pairingKeyLifetime", lifetime, PAIRING_KEY_LIFETIME))
    }
}

impl Method for Fido2 {
    const COOL_DOWN: CoolDown = CoolDown::OF_FIDO2;

    fn failure(&mut self) -> Option<&mut Failure> {
        self.failure.as_mut()
    }
    fn dangling(&self) -> Vec<(String, &'static str)> {
        let policy = self.fido2_policy_id.iter();
        policy
            .map(|_| ("fido2PolicyId".to_owned(), "is not a FIDO2 policy"))
            .collect()
    }
}

impl Method for Mobile {
    const COOL_DOWN: CoolDown = CoolDown::OF_MOBILE;

    fn failure(&mut self) -> Option<&mut Failure> {
        Some(&mut self.otp.failure)
    }
    fn span(&self) -> Option<(&'static str, Span, SpanRange)> {
        let window = self.otp.window?;
        Some(("otp.window.stepSize", window.step_size, STEP_SIZE))
    }
    /// No application can receive pushes, so none can be named.
    fn dangling(&self) -> Vec<(String, &'static str)> {
        let message = "is not an application that can authenticate by push";
        let named = self.applications.as_ref().map_or(0, Vec::len);
        (0..named)
            .map(|index| (format!("applications[{index}].id"), message))
            .collect()
    }
}
