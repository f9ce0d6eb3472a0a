//! How many messages may be sent: floors against flooding that hold for everybody, and what the
//! notification policy asks for on top.

use serde::{Deserialize, Serialize};

use crate::{message::Channel, time::Duration};

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
    pub(super) fn permits(&self, country: Option<&str>) -> bool {
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
