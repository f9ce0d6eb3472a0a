//! How many connections there are, in all and for each client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use super::{limits::Limits, refusals::Refusal};

#[derive(Debug)]
pub(super) struct Seats {
    limits: Arc<Limits>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one connection; free again when this goes.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    /// Whom it is counted for; nobody who is exempt.
    holder: Option<IpAddr>,
}

impl Seats {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            taken: Mutex::default(),
        }
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Refusal> {
        let address = address.to_canonical();
        let is_exempt = self.limits.exempt.iter().any(|net| net.contains(&address));
        let holder = (!is_exempt).then(|| counted_as(address));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.limits.connections {
            return Err(Refusal::Full);
        }
        if let Some(holder) = holder {
            let of_holder = taken.by_address.entry(holder).or_default();
            if *of_holder >= self.limits.per_address {
                return Err(Refusal::AddressFull);
            }
            *of_holder += 1;
        }
        taken.in_all += 1;
        Ok(Seat {
            seats: self.clone(),
            holder,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self
            .seats
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        let Some(holder) = self.holder else { return };
        if let Some(of_holder) = taken.by_address.get_mut(&holder) {
            *of_holder = of_holder.saturating_sub(1);
            if *of_holder == 0 {
                taken.by_address.remove(&holder);
            }
        }
    }
}

/// An IPv6 network of 64 bits belongs to one client, who may use every address in it.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize, per_address: usize, exempt: &[&str]) -> Arc<Seats> {
        Arc::new(Seats::new(Arc::new(Limits {
            connections,
            per_address,
            exempt: exempt.iter().map(|net| net.parse().unwrap()).collect(),
            ..Limits::default()
        })))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_seat_is_free_again_when_it_is_left() {
        let seats = seats(2, 1, &[]);
        let first = seats.take(address("192.0.2.1")).unwrap();
        assert_eq!(
            seats.take(address("192.0.2.1")).unwrap_err(),
            Refusal::AddressFull
        );
        let second = seats.take(address("192.0.2.2")).unwrap();
        assert_eq!(seats.take(address("192.0.2.3")).unwrap_err(), Refusal::Full);
        drop(first);
        assert_eq!(
            seats.take(address("192.0.2.2")).unwrap_err(),
            Refusal::AddressFull
        );
        let third = seats.take(address("192.0.2.1")).unwrap();
        drop((second, third));
        assert!(seats.taken.lock().unwrap().by_address.is_empty());
    }

    #[test]
    fn exempt_addresses_count_in_all_only() {
        let seats = seats(2, 1, &["10.0.0.0/8"]);
        let first = seats.take(address("10.1.2.3")).unwrap();
        let second = seats.take(address("::ffff:10.1.2.3")).unwrap();
        assert_eq!(seats.take(address("10.1.2.3")).unwrap_err(), Refusal::Full);
        drop((first, second));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_client() {
        let seats = seats(9, 1, &[]);
        let first = seats.take(address("2001:db8::1")).unwrap();
        assert_eq!(
            seats.take(address("2001:db8::2:3")).unwrap_err(),
            Refusal::AddressFull
        );
        let second = seats.take(address("2001:db8:0:1::1")).unwrap();
        drop((first, second));
    }
}
