//! Fills in what a policy leaves out, and finds what is out of range.

use super::{
    methods::{Failure, Fido2, Mobile, OathToken, SentCode, Totp},
    span::{Span, SpanRange, TimeUnit},
};
use crate::violation::Violation;

const LIFE_TIME: SpanRange = &[(TimeUnit::Minutes, 1, 120), (TimeUnit::Seconds, 60, 7_200)];
const PAIRING_KEY_LIFETIME: SpanRange = &[(TimeUnit::Minutes, 1, 2_880), (TimeUnit::Hours, 1, 48)];
const STEP_SIZE: SpanRange = &[(TimeUnit::Seconds, 1, 3_600), (TimeUnit::Minutes, 1, 60)];
const SHORT_COOL_DOWN: SpanRange = &[(TimeUnit::Minutes, 0, 30), (TimeUnit::Seconds, 0, 1_800)];
const TOTP_COOL_DOWN: SpanRange = &[(TimeUnit::Minutes, 1, 30), (TimeUnit::Seconds, 60, 1_800)];
const LONG_COOL_DOWN: SpanRange = &[(TimeUnit::Minutes, 2, 30), (TimeUnit::Seconds, 120, 1_800)];

/// Fills in what was left out, and tells what is out of range. `at` is the place in the body.
pub(super) trait Complete {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>);
}

fn complete_failure(
    failure: &mut Failure,
    default: Span,
    range: SpanRange,
    at: &str,
    faults: &mut Vec<Violation>,
) {
    let cool_down = failure.cool_down.get_or_insert(default);
    faults.extend(cool_down.fault(&format!("{at}.coolDown"), range));
}

impl Complete for SentCode {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>) {
        faults.extend(
            self.otp
                .life_time
                .fault(&format!("{at}.otp.lifeTime"), LIFE_TIME),
        );
        let at = format!("{at}.otp.failure");
        complete_failure(
            &mut self.otp.failure,
            Span::minutes(0),
            SHORT_COOL_DOWN,
            &at,
            faults,
        );
    }
}

impl Complete for Totp {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>) {
        let at = format!("{at}.otp.failure");
        complete_failure(
            &mut self.otp.failure,
            Span::minutes(2),
            TOTP_COOL_DOWN,
            &at,
            faults,
        );
    }
}

impl Complete for OathToken {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>) {
        if let Some(lifetime) = self.pairing_key_lifetime {
            faults
                .extend(lifetime.fault(&format!("{at}.pairingKeyLifetime"), PAIRING_KEY_LIFETIME));
        }
        let at = format!("{at}.otp.failure");
        complete_failure(
            &mut self.otp.failure,
            Span::minutes(2),
            TOTP_COOL_DOWN,
            &at,
            faults,
        );
    }
}

impl Complete for Fido2 {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>) {
        if self.fido2_policy_id.is_some() {
            faults.push(Violation::invalid(
                format!("{at}.fido2PolicyId"),
                "is not a FIDO2 policy",
            ));
        }
        let at = format!("{at}.failure");
        complete_failure(
            &mut self.failure,
            Span::minutes(2),
            LONG_COOL_DOWN,
            &at,
            faults,
        );
    }
}

impl Complete for Mobile {
    fn complete(&mut self, at: &str, faults: &mut Vec<Violation>) {
        // No application can receive pushes, so none can be named.
        for index in 0..self.applications.len() {
            faults.push(Violation::invalid(
                format!("{at}.applications[{index}].id"),
                "is not an application that can authenticate by push",
            ));
        }
        if let Some(window) = self.otp.window {
            faults.extend(
                window
                    .step_size
                    .fault(&format!("{at}.otp.window.stepSize"), STEP_SIZE),
            );
        }
        let at = format!("{at}.otp.failure");
        complete_failure(
            &mut self.otp.failure,
            Span::minutes(2),
            LONG_COOL_DOWN,
            &at,
            faults,
        );
    }
}
