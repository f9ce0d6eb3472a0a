//! How many messages may be sent: floors against flooding that hold for everybody, and what the
//! notification policy asks for on top. Histories are plain state; the verdict is a pure function.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ids::FlowId;
use crate::{
    message::Channel,
    phone::Phone,
    time::{Duration, Remembered, SLACK, Timestamp},
    violation::ViolationCode,
};

/// How long an address is left alone when its resend limit is used up. A series of messages with a
/// pause of this length is over.
pub const RESEND_BLOCK: Duration = Duration::from_minutes(30);

/// Limits that a notification policy can only tighten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floors {
    /// Least time between two messages to one address.
    pub address_interval: Duration,
    pub address_hourly: u32,
    pub user_daily: u32,
    /// As `address_hourly`, of the codes that one typed name asks for. They count towards nothing else.
    pub typed_name_hourly: u32,
}

impl Default for Floors {
    fn default() -> Self {
        Self {
            address_interval: Duration::from_seconds(10),
            address_hourly: 10,
            user_daily: 50,
            typed_name_hourly: 3,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NotificationPolicy {
    pub sms_cooldown: Option<Cooldown>,
    pub email_cooldown: Option<Cooldown>,
    pub quotas: Vec<Quota>,
    pub country_limit: CountryLimit,
}

impl NotificationPolicy {
    pub const fn cooldown(&self, channel: Channel) -> Option<&Cooldown> {
        match channel {
            Channel::Sms => self.sms_cooldown.as_ref(),
            Channel::Email => self.email_cooldown.as_ref(),
        }
    }
    /// Whether a quota tells codes that were used from codes that were not.
    pub fn counts_claims(&self, channel: Channel) -> bool {
        let splits = |quota: &Quota| {
            quota.channel == channel && matches!(quota.limit, QuotaLimit::Split { .. })
        };
        self.quotas.iter().any(splits)
    }
    pub fn has_environment_quota(&self) -> bool {
        self.quotas
            .iter()
            .any(|quota| quota.scope == QuotaScope::Environment)
    }
}

/// Waiting times between the messages of one series, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooldown {
    /// Before the first, the second, and every later resend.
    pub periods: [Duration; 3],
    pub resend_limit: u32,
    /// `groupBy: USER_ID`: all addresses of a user share one series.
    pub per_user: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub scope: QuotaScope,
    /// A quota for SMS and voice is one for SMS here.
    pub channel: Channel,
    pub limit: QuotaLimit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaScope {
    User,
    Environment,
}

/// Messages per UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuotaLimit {
    Total(u32),
    /// Those whose code was used, and those whose code was not.
    Split {
        claimed: u32,
        unclaimed: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CountryLimit {
    #[default]
    None,
    /// ISO 3166-1 alpha-2, upper case.
    Allowed(Vec<String>),
    Denied(Vec<String>),
}

impl CountryLimit {
    fn permits(&self, country: Option<&str>) -> bool {
        let listed = |countries: &[String]| {
            country.is_some_and(|it| countries.iter().any(|other| other == it))
        };
        match self {
            Self::None => true,
            Self::Allowed(countries) => listed(countries),
            Self::Denied(countries) => !listed(countries),
        }
    }
}

/// For which channels there is a sender and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Senders {
    pub sms: bool,
    pub email: bool,
}

impl Senders {
    pub(crate) const fn has(self, channel: Channel) -> bool {
        match channel {
            Channel::Sms => self.sms,
            Channel::Email => self.email,
        }
    }
}

/// Messages of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Series {
    pub count: u32,
    pub last_at: Timestamp,
}

impl Series {
    fn next(self, now: Timestamp) -> Self {
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
    fn free_at(self, now: Timestamp, cooldown: &Cooldown) -> Timestamp {
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

const DAY: i64 = 86_400_000;

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
    fn on(mut self, now: Timestamp) -> Self {
        let day = day_of(now);
        if self.day != day {
            self.day = day;
            self.sms = Tally::default();
            self.email = Tally::default();
        }
        self
    }
    const fn tally(&mut self, channel: Channel) -> &mut Tally {
        match channel {
            Channel::Sms => &mut self.sms,
            Channel::Email => &mut self.email,
        }
    }
    const fn series(&mut self, channel: Channel) -> &mut Series {
        match channel {
            Channel::Sms => &mut self.sms_series,
            Channel::Email => &mut self.email_series,
        }
    }
    /// The day's history after a code that was sent by this channel has been used.
    #[must_use]
    pub fn claimed(self, channel: Channel, now: Timestamp) -> Self {
        let mut history = self.on(now);
        let tally = history.tally(channel);
        tally.claimed = tally.claimed.saturating_add(1).min(tally.sent);
        history
    }
    /// The history with its series ended by a right code.
    #[must_use]
    pub const fn settled(mut self, channel: Channel) -> Self {
        *self.series(channel) = Series {
            count: 0,
            last_at: Timestamp::from_millis(0),
        };
        self
    }
}

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
    pub address_history: &'a AddressHistory,
    pub user_history: &'a DailyHistory,
    pub environment_history: &'a DailyHistory,
}

/// The histories after the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    pub address: AddressHistory,
    pub user: DailyHistory,
    /// Only when a quota of the environment had to be asked.
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
pub fn judge(request: &Request<'_>) -> Result<Permitted, Denied> {
    let Request {
        now,
        channel,
        policy,
        ..
    } = *request;
    reach(channel, request.address, policy, request.senders)?;
    let mut address = request.address_history.clone();
    let mut user = request.user_history.on(now);
    let mut environment = policy
        .has_environment_quota()
        .then(|| request.environment_history.on(now));

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
    Ok(Permitted {
        address,
        user,
        environment,
    })
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
