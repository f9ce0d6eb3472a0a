//! State that a clock which ran ahead has left.

use proptest::prelude::*;

use super::*;
use crate::{
    authenticator::{
        attempts::{AccountLock, DeviceFailures, UserFailures},
        sending::{AddressHistory, DailyHistory, Series, Tally},
    },
    resources::user::Lock,
    time::Remembered,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        Just(NOW),
        (-4_000_000_000_000..8_000_000_000_000_i64).prop_map(Timestamp::from_millis),
    ]
}

fn series(last_at: Timestamp) -> Series {
    Series { count: 3, last_at }
}

/// What is judged by how long ago it was.
fn any_state() -> impl Strategy<Value = CounterState> {
    let sent = proptest::collection::vec(any_time(), 0..4);
    let address = (sent, any_time()).prop_map(|(sent, last_at)| {
        CounterState::AddressSends(AddressHistory {
            sent,
            series: series(last_at),
            flow: None,
        })
    });
    let daily = (any_time(), any_time(), any_time()).prop_map(|(day, sms, email)| {
        CounterState::DailySends(DailyHistory {
            day: day.as_millis().div_euclid(86_400_000),
            sms: Tally::default(),
            email: Tally::default(),
            sms_series: series(sms),
            email_series: series(email),
        })
    });
    let device = any_time().prop_map(|began| {
        CounterState::DeviceFailures(DeviceFailures {
            locked_at: Some(began),
            locked_until: Some(began + Duration::from_minutes(9)),
            ..DeviceFailures::default()
        })
    });
    let user = any_time().prop_map(|began| {
        CounterState::UserFailures(UserFailures {
            lock: Some(AccountLock {
                until: Some(began + Duration::from_minutes(9)),
            }),
            locked_at: Some(began),
            ..UserFailures::default()
        })
    });
    prop_oneof![address, daily, device, user]
}

proptest! {
    #[test]
    fn what_is_yet_to_come_counts_as_happening_now(state in any_state()) {
        let counts = state.clone().believed_at(NOW);
        prop_assert!(!counts.is_ahead(NOW));
        prop_assert_eq!(counts.clone().believed_at(NOW), counts.clone());
        if !state.is_ahead(NOW) {
            prop_assert_eq!(&counts, &state);
        }
        // And it is read back as what it is.
        let body = serde_json::to_string(&counts).unwrap();
        let key = match &counts {
            CounterState::AddressSends(_) => "address:x",
            CounterState::DailySends(_) => "sends",
            CounterState::DeviceFailures(_) => "device:x",
            CounterState::UserFailures(_) => "user:x",
        };
        prop_assert_eq!(CounterState::read(key, &body).unwrap(), Some(counts));
    }

    #[test]
    fn a_lock_that_is_found_ends_at_most_its_span_later(began in any_time(), minutes in 0..90_i64) {
        let span = Duration::from_minutes(minutes);
        let lock = Lock { at: began, until: Some(began + span) };
        prop_assert!(!lock.believed_at(NOW).holds(NOW + span));
        prop_assert_eq!(lock.holds(NOW), began + span > NOW && minutes > 0);
    }
}
