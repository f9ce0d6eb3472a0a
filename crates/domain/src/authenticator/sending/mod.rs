//! Whether a message may be sent to a device, for a sign-on as for a pairing: pure functions of the
//! limits and of what was sent before.

mod history;
mod limits;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::history::DAY;
pub use self::{
    history::{AddressHistory, DailyHistory, RESEND_BLOCK, Series, Tally},
    limits::{
        Cooldown, CountryLimit, Floors, NotificationPolicy, Quota, QuotaLimit, QuotaScope, Senders,
    },
};
use super::Versioned;
use crate::{
    ids::FlowId,
    message::Channel,
    phone::Phone,
    time::{Duration, Timestamp},
    violation::ViolationCode,
};

/// A message that somebody wants to send, with the histories it is judged by.
#[derive(Debug)]
pub struct Request<'a> {
    pub now: Timestamp,
    /// The sign-on that wants it; none for a pairing.
    pub flow: Option<FlowId>,
    pub channel: Channel,
    pub address: &'a str,
    pub policy: &'a NotificationPolicy,
    pub floors: &'a Floors,
    pub senders: Senders,
    pub before: &'a Histories,
}

/// What was sent before, as it was read.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    pub address: Versioned<AddressHistory>,
    pub user: Versioned<DailyHistory>,
    /// Read only where a quota of the environment has to be asked.
    pub environment: Versioned<DailyHistory>,
}

/// The histories that are to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    pub address: Option<AddressHistory>,
    pub user: Option<DailyHistory>,
    pub environment: Option<DailyHistory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Denied {
    /// Nothing would carry the message: no sender, or no text.
    NoSender,
    /// Found out later: the gateway, or the mail server, does not take it.
    Undeliverable,
    CountryDenied,
    TooSoon {
        until: Timestamp,
    },
    QuotaExceeded {
        limit: u32,
        resets_at: Timestamp,
    },
}

impl Denied {
    pub const fn code(self) -> ViolationCode {
        match self {
            Self::NoSender | Self::Undeliverable | Self::CountryDenied => ViolationCode::SendFailed,
            Self::TooSoon { .. } => ViolationCode::LimitExceeded,
            Self::QuotaExceeded { .. } => ViolationCode::QuotaExceeded,
        }
    }
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoSender => "There is no way to send a message to this device",
            Self::Undeliverable => "The message to this device could not be delivered",
            Self::CountryDenied => {
                "The notification policy does not allow messages to this country"
            }
            Self::TooSoon { .. } => "Another message can be sent later",
            Self::QuotaExceeded { .. } => "The quota of the notification policy is used up",
        }
    }
    /// The facts for programs.
    pub fn facts(self, channel: Option<Channel>, now: Timestamp) -> Map<String, Value> {
        let facts = match self {
            Self::NoSender | Self::Undeliverable | Self::CountryDenied => Value::Null,
            Self::TooSoon { until } => json!({
                "deliveryMethod": channel,
                "coolDownExpiresAt": until.as_millis(),
                "retryAfter": until.since(now).as_seconds_ceil(),
            }),
            Self::QuotaExceeded { limit, resets_at } => {
                json!({ "quotaLimit": limit, "quotaResetTime": resets_at })
            }
        };
        match facts {
            Value::Object(facts) => facts,
            _ => Map::new(),
        }
    }
    /// When it is over; none when waiting does not help.
    pub const fn ends_at(self) -> Option<Timestamp> {
        match self {
            Self::NoSender | Self::Undeliverable | Self::CountryDenied => None,
            Self::TooSoon { until } => Some(until),
            Self::QuotaExceeded { resets_at, .. } => Some(resets_at),
        }
    }
}

/// Whether a message can go there at all, now or later.
pub(crate) fn reach(
    channel: Channel,
    address: &str,
    policy: &NotificationPolicy,
    senders: Senders,
) -> Result<(), Denied> {
    if !senders.has(channel) {
        return Err(Denied::NoSender);
    }
    if channel == Channel::Sms && policy.country_limit != CountryLimit::None {
        let country = Phone::parse(address).ok().and_then(|phone| phone.country());
        if !policy.country_limit.permits(country.as_deref()) {
            return Err(Denied::CountryDenied);
        }
    }
    Ok(())
}

/// Judges one message. What cannot change by waiting is told first.
pub fn judge(request: &Request<'_>) -> Result<Changed, Denied> {
    let Request {
        now,
        channel,
        policy,
        ..
    } = *request;
    reach(channel, request.address, policy, request.senders)?;
    let before = request.before;
    let mut address = before.address.state.clone();
    let mut user = before.user.state.on(now);
    let mut environment = policy
        .has_environment_quota()
        .then(|| before.environment.state.on(now));

    let tomorrow = Timestamp::from_millis(user.day.saturating_add(1).saturating_mul(DAY));
    for quota in policy
        .quotas
        .iter()
        .filter(|quota| quota.channel == channel)
    {
        let history = match quota.scope {
            QuotaScope::User => &mut user,
            QuotaScope::Environment => environment.get_or_insert_default(),
        };
        let tally = *history.tally(channel);
        let (used_up, limit) = match quota.limit {
            QuotaLimit::Total(total) => (tally.sent >= total, total),
            QuotaLimit::Split { claimed, unclaimed } => {
                let open = tally.sent.saturating_sub(tally.claimed);
                let limit = if tally.claimed >= claimed {
                    claimed
                } else {
                    unclaimed
                };
                (tally.claimed >= claimed || open >= unclaimed, limit)
            }
        };
        if used_up {
            return Err(Denied::QuotaExceeded {
                limit,
                resets_at: tomorrow,
            });
        }
    }
    let until = free_at(request, &mut address, &mut user, tomorrow);
    if until > now {
        return Err(Denied::TooSoon { until });
    }

    address.sent.push(now);
    address.flow = request.flow;
    for history in [Some(&mut user), environment.as_mut()]
        .into_iter()
        .flatten()
    {
        let tally = history.tally(channel);
        tally.sent = tally.sent.saturating_add(1);
    }
    address.series = address.series.next(now);
    let series = user.series(channel);
    *series = series.next(now);
    Ok(Changed {
        address: Some(address),
        user: Some(user),
        environment,
    })
}

/// A code that was sent by this channel has been used: it ends the series of messages, and counts as
/// claimed.
pub fn used(
    channel: Channel,
    policy: &NotificationPolicy,
    before: &Histories,
    now: Timestamp,
) -> Changed {
    let mut changed = Changed::default();
    let mut user = before.user.state;
    match policy.cooldown(channel) {
        Some(cooldown) if cooldown.per_user => user = user.settled(channel),
        Some(_) => {
            changed.address = Some(AddressHistory {
                series: Series::default(),
                ..before.address.state.clone()
            });
        }
        None => {}
    }
    if policy.counts_claims(channel) {
        user = user.claimed(channel, now);
        changed.environment = policy
            .has_environment_quota()
            .then(|| before.environment.state.claimed(channel, now));
    }
    changed.user = Some(user).filter(|user| *user != before.user.state);
    changed
}

/// When the floors and the cool-down let the next message go; forgets messages older than an hour.
fn free_at(
    request: &Request<'_>,
    address: &mut AddressHistory,
    user: &mut DailyHistory,
    tomorrow: Timestamp,
) -> Timestamp {
    let Request {
        now,
        channel,
        policy,
        floors,
        ..
    } = *request;
    let hour = Duration::from_hours(1);
    address.sent.retain(|&sent| sent + hour > now);

    let mut until = address
        .sent
        .last()
        .map_or(now, |&last| last + floors.address_interval);
    let hourly = usize::try_from(floors.address_hourly).unwrap_or(usize::MAX);
    // The message whose hour has to be over before there is room for one more.
    let in_the_way = address
        .sent
        .len()
        .checked_sub(hourly)
        .and_then(|index| address.sent.get(index));
    if let Some(&sent) = in_the_way {
        until = until.max(sent + hour);
    }
    if user.sms.sent.saturating_add(user.email.sent) >= floors.user_daily {
        until = until.max(tomorrow);
    }
    if let Some(cooldown) = policy.cooldown(channel) {
        let series = if cooldown.per_user {
            *user.series(channel)
        } else {
            address.series
        };
        until = until.max(series.free_at(now, cooldown));
    }
    until
}
