//! Watches the clock: what ends by the time of day ends early or late when it jumps, and whoever looks
//! for the reason shall find it.

use std::{
    sync::Arc,
    time::{Duration as Wait, Instant},
};

use stepgate_domain::time::{Duration, Timestamp};
use tokio::sync::watch;

use crate::App;

const EVERY: Wait = Wait::from_secs(1);
/// Less is what a time server corrects all the time.
const WORTH_TELLING: Duration = Duration::from_seconds(2);

pub(super) async fn run(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut before = (app.now(), Instant::now());
    while !super::rest(std::future::pending(), EVERY, &mut stopped).await {
        let now = (app.now(), Instant::now());
        let passed = now.1.duration_since(before.1).as_millis();
        let passed = Duration::from_millis(i64::try_from(passed).unwrap_or(i64::MAX));
        if let Some(jump) = jump(before.0, now.0, passed) {
            tracing::warn!(
                from = %(before.0 + passed),
                to = %now.0,
                seconds = jump,
                "the clock jumped: sessions, codes and tokens end by it all the same"
            );
        }
        before = now;
    }
}

/// By how many seconds the clock went ahead (or back, below zero) beside the time that passed.
fn jump(before: Timestamp, now: Timestamp, passed: Duration) -> Option<i64> {
    let expected = before + passed;
    let (ahead, behind) = (now.since(expected), expected.since(now));
    if ahead.max(behind) < WORTH_TELLING {
        return None;
    }
    Some(ahead.as_seconds() - behind.as_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_what_the_time_that_passed_does_not_explain() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let second = Duration::from_seconds(1);
        assert_eq!(jump(start, start + second, second), None);
        assert_eq!(jump(start, start, second), None);
        let hour = Duration::from_hours(1);
        assert_eq!(jump(start, start + hour + second, second), Some(3_600));
        assert_eq!(jump(start + hour, start + second, second), Some(-3_600));
        // A process that was asleep for an hour has not jumped.
        assert_eq!(jump(start, start + hour, hour), None);
    }
}
