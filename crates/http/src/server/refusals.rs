//! What clients were refused, in the log. Whoever makes us refuse a thousand times a second must not
//! fill the disk with it: of each kind the first is a line at once, and the others are one sum.

use std::{
    fmt,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// How often the sums are written.
pub(super) const PERIOD: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No further connection in all.
    Full,
    /// No further connection of this address.
    AddressFull,
    /// The TLS handshake failed or took too long.
    Handshake,
    /// No whole request came in time.
    Headers,
    /// The client took nothing of its answer.
    Write,
    /// Under way still when the grace of a stopping server ended.
    Stopping,
}

impl Refusal {
    const ALL: [Self; 6] = [
        Self::Full,
        Self::AddressFull,
        Self::Handshake,
        Self::Headers,
        Self::Write,
        Self::Stopping,
    ];
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "too many connections in all",
            Self::AddressFull => "too many connections of one address",
            Self::Handshake => "no TLS handshake",
            Self::Headers => "no request in time",
            Self::Write => "the answer was not taken in time",
            Self::Stopping => "the server stops",
        })
    }
}

/// How many of each kind there were since the sums were written last.
#[derive(Debug, Default)]
pub(super) struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    pub(super) fn note(&self, refusal: Refusal, address: IpAddr) {
        let before = self
            .0
            .get(refusal as usize)
            .map_or(0, |count| count.fetch_add(1, Ordering::Relaxed));
        if before == 0 {
            tracing::warn!(reason = %refusal, %address, "connection refused or closed");
        }
    }

    /// Writes the sums of those that were no line of their own.
    pub(super) fn write_sums(&self) {
        for (refusal, count) in Refusal::ALL.iter().zip(&self.0) {
            let more = count.swap(0, Ordering::Relaxed).saturating_sub(1);
            if more > 0 {
                tracing::warn!(reason = %refusal, more, "connections refused or closed");
            }
        }
    }
}
