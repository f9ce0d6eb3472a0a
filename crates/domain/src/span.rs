//! `{"duration": 30, "timeUnit": "MINUTES"}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{time::Duration, violation::Violation};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Span {
    pub duration: u32,
    pub time_unit: TimeUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum TimeUnit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl TimeUnit {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "SECONDS",
            Self::Minutes => "MINUTES",
            Self::Hours => "HOURS",
            Self::Days => "DAYS",
        }
    }
}

/// The units that a span may be given in, and the least and the most of each.
pub(crate) type SpanRange = &'static [(TimeUnit, u32, u32)];

impl Span {
    pub const fn minutes(duration: u32) -> Self {
        Self {
            duration,
            time_unit: TimeUnit::Minutes,
        }
    }
    pub const fn seconds(duration: u32) -> Self {
        Self {
            duration,
            time_unit: TimeUnit::Seconds,
        }
    }

    pub const fn days(duration: u32) -> Self {
        Self {
            duration,
            time_unit: TimeUnit::Days,
        }
    }

    pub fn as_duration(self) -> Duration {
        let duration = i64::from(self.duration);
        match self.time_unit {
            TimeUnit::Seconds => Duration::from_seconds(duration),
            TimeUnit::Minutes => Duration::from_minutes(duration),
            TimeUnit::Hours => Duration::from_hours(duration),
            TimeUnit::Days => Duration::from_days(duration),
        }
    }

    pub(crate) fn fault(self, target: &str, range: SpanRange) -> Option<Violation> {
        let Some(&(_, least, most)) = range.iter().find(|(unit, ..)| *unit == self.time_unit)
        else {
            let units: Vec<_> = range.iter().map(|(unit, ..)| unit.as_str()).collect();
            return Some(Violation::not_allowed(format!("{target}.timeUnit"), &units));
        };
        (!(least..=most).contains(&self.duration)).then(|| {
            Violation::out_of_range(format!("{target}.duration"), least.into(), most.into())
        })
    }
}
