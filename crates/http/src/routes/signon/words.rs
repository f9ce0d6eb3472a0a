//! What the hosted page says of a refused input.

use stepgate_domain::{authenticator::sending::Denied, flow::FlowError, time::Timestamp};

/// A whole sentence for the person, who can do something about most of these.
pub(super) fn fault(error: &FlowError, now: Timestamp) -> String {
    let plain = match error {
        FlowError::InvalidOtp { .. } => "The code is not right.",
        FlowError::OtpExpired => "The code has expired. Have a new one sent.",
        FlowError::LimitExceeded {
            cool_down_expires_at: None,
        } => "Too many wrong codes. Have a new one sent.",
        FlowError::LimitExceeded {
            cool_down_expires_at: Some(until),
        } => {
            return format!(
                "Too many wrong codes. This device can be used again in {}.",
                wait(until.since(now).as_seconds_ceil())
            );
        }
        FlowError::DeviceUnknown | FlowError::DeviceUnusable { .. } => {
            "This device cannot be used now. Choose another one."
        }
        FlowError::RateLimited {
            cool_down_expires_at: until,
            ..
        } => return not_sent(Denied::TooSoon { until: *until }, now),
        FlowError::TooManyNames { retry_after } => {
            return format!(
                "Too many usernames were tried from here. Try again in {}.",
                wait(retry_after.as_seconds_ceil())
            );
        }
        FlowError::QuotaExceeded { limit, resets_at } => {
            let (limit, resets_at) = (*limit, *resets_at);
            return not_sent(Denied::QuotaExceeded { limit, resets_at }, now);
        }
        FlowError::CountryDenied => return not_sent(Denied::CountryDenied, now),
        FlowError::SendFailed => return not_sent(Denied::NoSender, now),
        FlowError::InvalidCredentials => "The username or the password is not right.",
        FlowError::PasswordLockedOut { until: Some(until) } => {
            return format!(
                "Too many wrong passwords. Try again in {}.",
                wait(until.since(now).as_seconds_ceil())
            );
        }
        FlowError::PasswordLockedOut { until: None } => {
            "Too many wrong passwords. An administrator has to unlock the account."
        }
        FlowError::NoPassword => "There is no password to sign on with.",
        FlowError::PasswordChangeRequired => {
            "The password has to be changed before it can be used. Ask an administrator."
        }
        FlowError::AccountNotUsable => "The account cannot be used to sign on.",
        FlowError::FlowExpired
        | FlowError::InvalidAction { .. }
        | FlowError::LoginRequired
        | FlowError::HintRequired
        | FlowError::FactsMissing => "The request could not be completed.",
    };
    plain.to_owned()
}

/// Why there is no new code, and what can be done about it.
pub(super) fn not_sent(denied: Denied, now: Timestamp) -> String {
    let plain = match denied {
        Denied::TooSoon { until } => {
            return format!(
                "This device was sent a code a short time ago. A new one can be sent in {}.",
                wait(until.since(now).as_seconds_ceil())
            );
        }
        Denied::QuotaExceeded { .. } => "No more codes can be sent today.",
        Denied::CountryDenied | Denied::NoSender => {
            "No code can be sent to this device. Choose another one."
        }
        Denied::Undeliverable => "The code could not be delivered. Choose another device.",
    };
    plain.to_owned()
}

/// Seconds up to two minutes, minutes above.
fn wait(seconds: i64) -> String {
    let (count, unit) = if seconds > 120 {
        (seconds.saturating_add(59) / 60, "minute")
    } else {
        (seconds.max(1), "second")
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use stepgate_domain::message::Channel;

    use super::*;

    #[test]
    fn a_wait_is_told_as_people_count() {
        for (seconds, told) in [
            (0, "1 second"),
            (1, "1 second"),
            (120, "120 seconds"),
            (121, "3 minutes"),
            (1800, "30 minutes"),
        ] {
            assert_eq!(wait(seconds), told);
        }
    }

    #[test]
    fn who_must_wait_for_a_device_is_told_how_long() {
        let now = Timestamp::from_millis(0);
        let error = FlowError::LimitExceeded {
            cool_down_expires_at: Some(Timestamp::from_seconds(90)),
        };
        assert!(fault(&error, now).ends_with("in 90 seconds."));
    }

    #[test]
    fn who_must_wait_for_a_message_is_told_the_same_by_the_flow_and_by_the_refusal() {
        let now = Timestamp::from_millis(0);
        let until = Timestamp::from_seconds(7);
        let refused = FlowError::RateLimited {
            retry_after: until.since(now),
            cool_down_expires_at: until,
            channel: Channel::Sms,
        };
        let told = not_sent(Denied::TooSoon { until }, now);
        assert!(
            told.ends_with("A new one can be sent in 7 seconds."),
            "{told}"
        );
        assert_eq!(fault(&refused, now), told);
    }
}
