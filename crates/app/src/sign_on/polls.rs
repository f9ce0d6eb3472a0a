//! How often one flow may be read. That is kept in memory: it is worth no write, and whoever reads
//! after a restart may.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use stepgate_domain::time::{Duration, Timestamp};
use uuid::Uuid;

/// Five times a second,
const INTERVAL: Duration = Duration::from_millis(200);
/// also all at once.
const AHEAD: Duration = Duration::from_millis(800);
/// More flows than anybody polls within a second.
const CAPACITY: usize = 10_000;

/// When each flow's readings so far would be over, had they come at regular intervals.
#[derive(Debug, Default)]
pub(crate) struct Polls(Mutex<HashMap<Uuid, Timestamp>>);

/// It may be read again after this time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    pub(crate) retry_after: Duration,
}

impl Polls {
    /// Whether the flow may be read now.
    pub(crate) fn admit(&self, flow: Uuid, now: Timestamp) -> Result<(), TooOften> {
        let mut over_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // No later than if it had been read as often as it may just now: the clock may have gone back.
        let latest = now + AHEAD + INTERVAL;
        let over_at = over_at.get_mut(&flow).map(|until| {
            *until = (*until).min(latest);
            *until
        });
        match over_at.map(|until| until.minus(AHEAD)) {
            Some(again_at) if again_at > now => Err(TooOften {
                retry_after: again_at.since(now),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// It was read, by somebody who may.
    pub(crate) fn note(&self, flow: Uuid, now: Timestamp) {
        let mut over_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if over_at.len() >= CAPACITY {
            over_at.retain(|_, until| *until > now);
        }
        if over_at.len() < CAPACITY || over_at.contains_key(&flow) {
            let until = over_at.entry(flow).or_insert(now);
            *until = (*until).max(now) + INTERVAL;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
    const FLOW: Uuid = Uuid::from_u128(1);

    /// How many of so many readings at once are admitted.
    fn admitted(polls: &Polls, now: Timestamp, readings: usize) -> usize {
        let read = |_: &usize| {
            let is_admitted = polls.admit(FLOW, now).is_ok();
            polls.note(FLOW, now);
            is_admitted
        };
        (0..readings).take_while(read).count()
    }

    #[test]
    fn five_readings_a_second_are_admitted() {
        let polls = Polls::default();
        assert_eq!(admitted(&polls, NOW, 5), 5);
        let too_often = TooOften {
            retry_after: INTERVAL,
        };
        assert_eq!(polls.admit(FLOW, NOW), Err(too_often));
        assert_eq!(
            polls.admit(Uuid::from_u128(2), NOW),
            Ok(()),
            "another flow's"
        );
        assert_eq!(polls.admit(FLOW, NOW + INTERVAL), Ok(()));
        assert_eq!(admitted(&polls, NOW + Duration::from_seconds(9), 9), 5);
    }

    #[test]
    fn what_is_kept_does_not_grow_without_end() {
        let polls = Polls::default();
        for number in 0..2 * CAPACITY {
            polls.note(Uuid::from_u128(number as u128), NOW);
        }
        assert_eq!(polls.0.lock().unwrap().len(), CAPACITY);
        polls.note(FLOW, NOW + Duration::from_seconds(1));
        assert_eq!(polls.0.lock().unwrap().len(), 1);
    }
}
