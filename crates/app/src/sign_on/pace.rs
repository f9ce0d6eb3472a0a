//! When steps are answered that begin with a typed name. What is done for a name that somebody has
//! takes another time than for one that nobody has, and whoever measures it would know them apart: so
//! the answer goes out at the next beat.

use std::{thread, time::Duration};

use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

/// Much longer than the difference, and too short to be noticed by a person.
const BEAT: Duration = Duration::from_millis(20);
/// The runtime counts whole milliseconds from when it fell asleep, which is when the work was done: by
/// what is left of the last one it would tell how long that took. A thread wakes at the microsecond.
const AFTER_BEAT: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct Pace {
    begun_at: Instant,
    pub(super) is_kept: bool,
}

impl Pace {
    pub(super) fn begin() -> Self {
        Self {
            begun_at: Instant::now(),
            is_kept: false,
        }
    }

    pub(super) async fn keep(self) {
        if !self.is_kept {
            return;
        }
        let beat = self.begun_at + until_beat(self.begun_at.elapsed());
        sleep_until(beat).await;
        let left = (beat + AFTER_BEAT).saturating_duration_since(Instant::now());
        // Without it the answer is no worse than on the beat.
        let _ = spawn_blocking(move || sleep_exactly(left)).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time that passes is what is wanted, and no timer of the runtime is exact"
)]
fn sleep_exactly(left: Duration) {
    thread::sleep(left);
}

/// The whole beats that a step of this length takes.
fn until_beat(elapsed: Duration) -> Duration {
    let beats = elapsed.as_nanos().div_ceil(BEAT.as_nanos()).max(1);
    BEAT * u32::try_from(beats).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_goes_out_at_the_next_beat() {
        for (took, answered_after) in [(0, 20), (1, 20), (20, 20), (21, 40), (119, 120)] {
            let mut pace = Pace::begin();
            let begun_at = pace.begun_at;
            pace.is_kept = true;
            tokio::time::advance(Duration::from_millis(took)).await;
            pace.keep().await;
            assert_eq!(begun_at.elapsed().as_millis(), answered_after);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn others_do_not_wait() {
        let pace = Pace::begin();
        let begun_at = pace.begun_at;
        pace.keep().await;
        assert!(begun_at.elapsed().is_zero());
    }
}
