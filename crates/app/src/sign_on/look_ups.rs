//! How many names may be typed at one client address that nothing comes of. That is kept in memory,
//! as the readings are: whoever begins anew after a restart gains an hour's share.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use stepgate_domain::{
    ids::FlowId,
    time::{Duration, Timestamp},
};

const PERIOD: Duration = Duration::from_hours(1);
/// More addresses than type names within an hour; beyond them nobody is counted.
const CAPACITY: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct LookUps(Mutex<Unfinished>);

#[derive(Debug, Default)]
struct Unfinished {
    by_address: HashMap<IpAddr, Vec<(Timestamp, FlowId)>>,
    /// Where the flow's names were typed.
    of_flow: HashMap<FlowId, IpAddr>,
}

/// A name that was counted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    address: IpAddr,
    at: Timestamp,
    flow: FlowId,
}

/// Another name may be typed after this time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub(crate) retry_after: Duration,
}

impl LookUps {
    /// Counts a name that is typed in the flow, if there is room for it. Nothing is counted of those
    /// for whom there is no memory.
    pub(crate) fn count(
        &self,
        address: IpAddr,
        flow: FlowId,
        hourly: u32,
        now: Timestamp,
    ) -> Result<Option<Counted>, TooMany> {
        let address = household(address);
        let mut unfinished = self.lock();
        if unfinished.by_address.len() >= CAPACITY {
            unfinished.forget(now);
        }
        let is_counted = unfinished.by_address.contains_key(&address);
        if !is_counted && unfinished.by_address.len() >= CAPACITY {
            return Ok(None);
        }
        let Unfinished {
            by_address,
            of_flow,
        } = &mut *unfinished;
        let typed = by_address.entry(address).or_default();
        typed.retain(|&(at, flow)| {
            // Also what is still to come is over: the clock may have gone back.
            let counts = at + PERIOD > now && at <= now;
            if !counts {
                of_flow.remove(&flow);
            }
            counts
        });
        if typed.len() >= usize::try_from(hourly).unwrap_or(usize::MAX) {
            let first = typed.first().map_or(now, |&(at, _)| at);
            let retry_after = (first + PERIOD).since(now);
            return Err(TooMany { retry_after });
        }
        typed.push((now, flow));
        unfinished.of_flow.insert(flow, address);
        Ok(Some(Counted {
            address,
            at: now,
            flow,
        }))
    }

    /// The name was not typed after all.
    pub(crate) fn take_back(&self, Counted { address, at, flow }: Counted) {
        let mut unfinished = self.lock();
        if let Some(typed) = unfinished.by_address.get_mut(&address)
            && let Some(index) = typed.iter().rposition(|other| *other == (at, flow))
        {
            typed.remove(index);
        }
    }

    /// Something came of the flow.
    pub(crate) fn give_back(&self, flow: FlowId) {
        let mut unfinished = self.lock();
        let Some(address) = unfinished.of_flow.remove(&flow) else {
            return;
        };
        if let Some(typed) = unfinished.by_address.get_mut(&address) {
            typed.retain(|&(_, other)| other != flow);
            if typed.is_empty() {
                unfinished.by_address.remove(&address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unfinished> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unfinished {
    fn forget(&mut self, now: Timestamp) {
        self.by_address.retain(|_, typed| {
            typed.retain(|&(at, _)| at + PERIOD > now && at <= now);
            !typed.is_empty()
        });
        let still: std::collections::HashSet<FlowId> = self
            .by_address
            .values()
            .flatten()
            .map(|&(_, flow)| flow)
            .collect();
        self.of_flow.retain(|flow, _| still.contains(flow));
    }
}

/// Whoever has one address of version 6 has a network of them (RFC 6177).
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use stepgate_domain::id::Id;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn flow(number: u128) -> FlowId {
        Id::from_uuid(Uuid::from_u128(number))
    }
    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn what_came_to_something_does_not_count() {
        let look_ups = LookUps::default();
        let count = |number, now| look_ups.count(at("192.0.2.1"), flow(number), 2, now);
        assert!(count(1, NOW).is_ok());
        assert!(count(2, NOW + Duration::from_minutes(10)).is_ok());
        let later = NOW + Duration::from_minutes(20);
        let retry_after = Duration::from_minutes(40);
        assert_eq!(count(3, later), Err(TooMany { retry_after }));
        look_ups.give_back(flow(2));
        let counted = count(3, later).unwrap().unwrap();
        assert!(count(4, later).is_err());
        look_ups.take_back(counted);
        assert!(count(4, later).is_ok());
        assert!(count(5, later).is_err());
        assert!(count(5, NOW + PERIOD).is_ok());
        look_ups.give_back(flow(9));
    }

    #[test]
    fn addresses_of_one_household_share() {
        let look_ups = LookUps::default();
        let count = |address, number| look_ups.count(at(address), flow(number), 1, NOW);
        assert!(count("2001:db8::1", 1).is_ok());
        assert!(count("2001:db8::2", 2).is_err());
        assert!(count("2001:db8:0:1::1", 3).is_ok());
        assert!(count("192.0.2.1", 4).is_ok());
        assert!(count("::ffff:192.0.2.1", 5).is_err());
        assert!(count("192.0.2.2", 6).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_what_counts_no_more() {
        let look_ups = LookUps::default();
        for number in 0..100 {
            let now = NOW + Duration::from_hours(i64::try_from(number).unwrap());
            assert!(
                look_ups
                    .count(at("192.0.2.1"), flow(number), 1, now)
                    .is_ok()
            );
        }
        let unfinished = look_ups.lock();
        assert_eq!(unfinished.of_flow.len(), 1);
        assert_eq!(unfinished.by_address.len(), 1);
    }

    #[test]
    fn a_clock_that_goes_back_keeps_nobody_out() {
        let look_ups = LookUps::default();
        let count = |number, now| look_ups.count(at("192.0.2.1"), flow(number), 1, now);
        assert!(count(1, NOW + Duration::from_days(9)).is_ok());
        assert!(count(2, NOW).is_ok());
    }
}
