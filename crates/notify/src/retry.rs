//! When a message is tried again.

use stepgate_domain::time::{Duration, Timestamp};

/// Tries of one message, the first included.
pub const MAXIMUM_ATTEMPTS: u32 = 5;

/// The longest wait before each further try. Their sum and the senders' own time-outs stay within
/// two minutes: a one-time code that comes later has been asked for again by then.
const LONGEST_WAITS: [Duration; 4] = [
    Duration::from_seconds(2),
    Duration::from_seconds(6),
    Duration::from_seconds(18),
    Duration::from_seconds(54),
];

/// When to try again after `attempts` failed tries; `None` when the message is given up.
///
/// The wait is drawn by `random` (any 64 random bits) from the upper half of its range, so that the
/// messages which failed together do not come back together. `retry_after` is what the other side
/// asked for; when that is longer than all our waits, the message is given up at once.
pub fn next_attempt(
    attempts: u32,
    now: Timestamp,
    random: u64,
    retry_after: Option<Duration>,
) -> Option<Timestamp> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let longest = LONGEST_WAITS.get(index)?.as_millis();
    let half = longest / 2;
    let jitter = i64::try_from(random % u64::try_from(longest - half + 1).ok()?).ok()?;
    let asked = retry_after.unwrap_or(Duration::ZERO);
    if asked > Duration::from_minutes(1) {
        return None;
    }
    Some(now + Duration::from_millis(half + jitter).max(asked))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn waits_triple_and_end_after_five_tries() {
        let longest = |attempts| {
            (0..=60_000)
                .filter_map(|random| next_attempt(attempts, NOW, random, None))
                .max()
                .map(|at| at.since(NOW))
        };
        assert_eq!(longest(1), Some(Duration::from_seconds(2)));
        assert_eq!(longest(2), Some(Duration::from_seconds(6)));
        assert_eq!(longest(3), Some(Duration::from_seconds(18)));
        assert_eq!(longest(4), Some(Duration::from_seconds(54)));
        assert_eq!(longest(MAXIMUM_ATTEMPTS), None);
    }

    #[test]
    fn what_the_other_side_asks_for_is_waited_for() {
        let asked = Duration::from_seconds(30);
        assert_eq!(next_attempt(1, NOW, 7, Some(asked)), Some(NOW + asked));
        assert_eq!(next_attempt(1, NOW, 7, Some(Duration::from_hours(1))), None);
    }

    #[test]
    fn equal_failures_come_back_at_different_times() {
        assert_ne!(next_attempt(3, NOW, 1, None), next_attempt(3, NOW, 2, None));
    }

    proptest! {
        #[test]
        fn a_wait_is_between_half_and_the_whole_of_its_range(attempts in 1..MAXIMUM_ATTEMPTS, random: u64) {
            let waited = next_attempt(attempts, NOW, random, None).unwrap().since(NOW);
            let longest = LONGEST_WAITS[attempts as usize - 1];
            prop_assert!(waited <= longest && waited.as_millis() >= longest.as_millis() / 2);
        }

        #[test]
        fn a_message_is_given_up_within_two_minutes(randoms: [u64; 4]) {
            let mut now = NOW;
            for (attempts, random) in (1..).zip(randoms) {
                now = next_attempt(attempts, now, random, None).unwrap();
            }
            prop_assert_eq!(next_attempt(MAXIMUM_ATTEMPTS, now, 0, None), None);
            prop_assert!(now.since(NOW) <= Duration::from_minutes(2));
        }

        #[test]
        fn no_count_of_attempts_panics(attempts: u32, random: u64, asked: Option<i64>) {
            let _ = next_attempt(attempts, NOW, random, asked.map(Duration::from_millis));
        }
    }
}
