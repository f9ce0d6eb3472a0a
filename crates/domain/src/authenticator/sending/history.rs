//! What was sent: plain state, kept as counters.

use serde::{Deserialize, Serialize};

use super::limits::Cooldown;
use crate::{
    ids::FlowId,
    message::Channel,
    time::{Duration, Remembered, SLACK, Timestamp},
};

/// How long an address is left alone when its resend limit is used up. A series of messages with a
/// pause of this length is over.
pub const RESEND_BLOCK: Duration = Duration::from_minutes(30);

/// Messages of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Series {
    pub count: u32,
    pub last_at: Timestamp,
}

impl Series {
    pub(super) fn next(self, now: Timestamp) -> Self {
        let count = if now >= self.last_at + RESEND_BLOCK {
            1
        } else {
            self.count.saturating_add(1)
        };
        Self {
            count,
            last_at: now,
        }
    }
    /// Until when the next message of this series must wait.
    pub(super) fn free_at(self, now: Timestamp, cooldown: &Cooldown) -> Timestamp {
        let [first, second, later] = cooldown.periods;
        let over_at = self.last_at + RESEND_BLOCK;
        if self.count == 0 || now >= over_at {
            now
        } else if self.count > cooldown.resend_limit {
            over_at
        } else {
            self.last_at
                + match self.count {
                    0 | 1 => first,
                    2 => second,
                    3.. => later,
                }
        }
    }
}

impl Remembered for Series {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.last_at.is_yet_to_come(now)
    }
    fn believed_at(self, now: Timestamp) -> Self {
        Self {
            last_at: self.last_at.believed_at(now),
            ..self
        }
    }
}

/// What was sent to one address.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AddressHistory {
    /// The messages of the last hour, oldest first.
    pub sent: Vec<Timestamp>,
    pub series: Series,
    /// The sign-on whose code the last of them is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowId>,
}

impl Remembered for AddressHistory {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.sent.iter().any(|sent| sent.is_yet_to_come(now)) || self.series.is_ahead(now)
    }
    fn believed_at(self, now: Timestamp) -> Self {
        Self {
            sent: self
                .sent
                .into_iter()
                .map(|sent| sent.believed_at(now))
                .collect(),
            series: self.series.believed_at(now),
            flow: self.flow,
        }
    }
}

/// What was sent to one user, or in one environment, in one UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DailyHistory {
    /// Days since 1970-01-01.
    pub day: i64,
    pub sms: Tally,
    pub email: Tally,
    /// Used when a cool-down is grouped by user.
    pub sms_series: Series,
    pub email_series: Series,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub sent: u32,
    /// How many of the codes sent were used.
    pub claimed: u32,
}

pub(super) const DAY: i64 = 86_400_000;

const fn day_of(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(DAY)
}

impl Remembered for DailyHistory {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.day > day_of(now + SLACK)
            || self.sms_series.is_ahead(now)
            || self.email_series.is_ahead(now)
    }
    fn believed_at(self, now: Timestamp) -> Self {
        Self {
            day: self.day.min(day_of(now)),
            sms_series: self.sms_series.believed_at(now),
            email_series: self.email_series.believed_at(now),
            ..self
        }
    }
}

impl DailyHistory {
    pub(super) fn on(mut self, now: Timestamp) -> Self {
        let day = day_of(now);
        if self.day != day {
            self.day = day;
            self.sms = Tally::default();
            self.email = Tally::default();
        }
        self
    }
    pub(super) const fn tally(&mut self, channel: Channel) -> &mut Tally {
        match channel {
            Channel::Sms => &mut self.sms,
            Channel::Email => &mut self.email,
        }
    }
    pub(super) const fn series(&mut self, channel: Channel) -> &mut Series {
        match channel {
            Channel::Sms => &mut self.sms_series,
            Channel::Email => &mut self.email_series,
        }
    }
    /// The day's history after a code that was sent by this channel has been used.
    #[must_use]
    pub(super) fn claimed(self, channel: Channel, now: Timestamp) -> Self {
        let mut history = self.on(now);
        let tally = history.tally(channel);
        tally.claimed = tally.claimed.saturating_add(1).min(tally.sent);
        history
    }
    /// The history with its series ended by a right code.
    #[must_use]
    pub(super) const fn settled(mut self, channel: Channel) -> Self {
        *self.series(channel) = Series {
            count: 0,
            last_at: Timestamp::from_millis(0),
        };
        self
    }
}
