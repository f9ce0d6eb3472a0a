//! Points in time, to the millisecond, in UTC.

use std::{fmt, ops, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text;

/// Milliseconds since 1970-01-01T00:00:00Z. On the wire: `2026-01-31T12:00:00.123Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }
    /// Whole seconds, rounded down: the unit of JWT dates (RFC 7519 §2, NumericDate).
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_millis()))
    }
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_millis()))
    }
    /// The time of something that has happened, as it counts at `now`: a clock that ran ahead leaves
    /// events which are yet to come, and those count as happening now.
    #[must_use]
    pub fn believed_at(self, now: Self) -> Self {
        self.min(now)
    }
    /// Whether that lies further ahead than any other request of the same moment could have put it: a
    /// request goes by the time at which it began.
    pub fn is_yet_to_come(self, now: Self) -> bool {
        self > now + SLACK
    }
    /// The end of something that began at `began`, moved with its beginning when that is yet to come.
    #[must_use]
    pub fn ending_as_of(self, began: Self, now: Self) -> Self {
        if began > now {
            now + self.since(began)
        } else {
            self
        }
    }
    /// How long after `earlier` this is; zero when it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0))
    }
}

/// State that says when something happened. What a clock that ran ahead has written into it counts
/// as happening now, and what ends a while after that ends that while after now. Only what is
/// written down as that grows old: whoever finds such state corrects it.
pub trait Remembered: Sized {
    /// Whether something in it is yet to come.
    fn is_ahead(&self, now: Timestamp) -> bool;
    #[must_use]
    fn believed_at(self, now: Timestamp) -> Self;
}

/// No request takes longer.
pub const SLACK: Duration = Duration::from_minutes(1);

/// A span of time, never negative, to the millisecond.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Duration(i64);

impl Duration {
    pub const ZERO: Self = Self(0);
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }
    pub const fn from_minutes(minutes: i64) -> Self {
        Self::from_seconds(minutes.saturating_mul(60))
    }
    pub const fn from_hours(hours: i64) -> Self {
        Self::from_minutes(hours.saturating_mul(60))
    }
    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1_000
    }
    /// Whole seconds, rounded up: what a client must wait at least.
    pub const fn as_seconds_ceil(self) -> i64 {
        (self.0.saturating_add(999)) / 1_000
    }
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        self.plus(duration)
    }
}
impl ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, duration: Duration) -> Self {
        self.minus(duration)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a date and time such as 2026-01-31T12:00:00.000Z")]
pub struct MalformedTimestamp;

impl FromStr for Timestamp {
    type Err = MalformedTimestamp;
    fn from_str(text: &str) -> Result<Self, MalformedTimestamp> {
        let timestamp: jiff::Timestamp = text.parse().map_err(|_| MalformedTimestamp)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer)
    }
}
impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_with_three_decimals_and_z() {
        assert_eq!(
            Timestamp::from_millis(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            Timestamp::from_millis(1_769_860_800_123).to_string(),
            "2026-01-31T12:00:00.123Z"
        );
    }

    #[test]
    fn is_read_in_any_offset() {
        let utc: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let oslo: Timestamp = "2026-01-31T13:00:00.000+01:00".parse().unwrap();
        assert_eq!(utc, oslo);
        assert_eq!("tomorrow".parse::<Timestamp>(), Err(MalformedTimestamp));
    }
}
