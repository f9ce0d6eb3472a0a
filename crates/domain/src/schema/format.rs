//! The formats of strings, and the ranges of numbers.

use serde_json::{Number, Value};

use super::check::types;
use crate::{email::Email, id::Id, name, time::Timestamp, uri, violation::Violation};

/// What is wrong with a string of the named format. Formats that are only remarks accept all.
pub(super) fn fault(format: &str, text: &str) -> Option<&'static str> {
    let (fits, message) = match format {
        "uuid" => (
            text.parse::<Id<()>>().is_ok(),
            "must be a UUID in lower-case hyphenated form",
        ),
        "date-time" => (
            text.parse::<Timestamp>().is_ok(),
            "must be a date and time such as 2026-01-31T12:00:00.000Z",
        ),
        "uri" => return uri::parse(text).err(),
        "email" => (Email::parse(text).is_ok(), "must be an e-mail address"),
        "name" => return name::fault(text),
        "ipv4" => (
            text.parse::<std::net::Ipv4Addr>().is_ok(),
            "must be an IPv4 address",
        ),
        "ipv6" => (
            text.parse::<std::net::Ipv6Addr>().is_ok(),
            "must be an IPv6 address",
        ),
        "ip" => (
            text.parse::<std::net::IpAddr>().is_ok(),
            "must be an IP address",
        ),
        _ => return None,
    };
    (!fits).then_some(message)
}

pub(super) fn check_number(
    schema: &Value,
    value: &Value,
    target: &str,
    faults: &mut Vec<Violation>,
) {
    if types(schema).contains(&"integer") {
        let (least, most) = bounds(schema);
        if !as_integer(value).is_some_and(|number| (least..=most).contains(&number)) {
            faults.push(Violation::out_of_range(target, clamp(least), clamp(most)));
        }
        return;
    }
    let limit = |keyword| schema.get(keyword).and_then(Value::as_f64);
    let (least, most) = (limit("minimum"), limit("maximum"));
    if let Some(number) = value.as_f64()
        && (least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most))
    {
        let whole =
            |limit: Option<f64>, otherwise| limit.and_then(truncated).map_or(otherwise, clamp);
        faults.push(Violation::out_of_range(
            target,
            whole(least, i64::MIN),
            whole(most, i64::MAX),
        ));
    }
}

/// The range of the schema within that of the Rust integer which its format names.
fn bounds(schema: &Value) -> (i128, i128) {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint64" | "uint") => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    let limit = |keyword| schema.get(keyword).and_then(as_integer);
    (
        limit("minimum").map_or(least, |limit| limit.max(least)),
        limit("maximum").map_or(most, |limit| limit.min(most)),
    )
}

fn as_integer(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| number.as_f64().and_then(truncated))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers beyond the range saturate, and are out of range"
)]
fn truncated(number: f64) -> Option<i128> {
    number.is_finite().then_some(number.trunc() as i128)
}

fn clamp(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

/// `17.9` becomes `17`.
pub(super) fn truncate(value: &mut Value) {
    if value.is_f64()
        && let Some(number) = as_integer(value).and_then(Number::from_i128)
    {
        *value = Value::Number(number);
    }
}
