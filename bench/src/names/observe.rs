//! Everything that an answer shows, as columns of the table.

use std::{collections::HashMap, time::Instant};

use anyhow::Context;
use jiff::Timestamp;
use regex_lite::Regex;
use serde_json::Value;

use super::{auc::count, table::Table, wire::Answer};

/// Between the step and what its answer shows, in the name of a column.
pub(super) const SHOWS: &str = " · ";
/// What a column holds that says how long an answer took, in milliseconds.
pub(super) const TIME: &str = "time";

/// Epoch milliseconds since 2020; no other number of an answer is as large.
const EPOCH_MILLIS: f64 = 1.577e12;

#[derive(Debug)]
pub(super) struct Patterns {
    id: Regex,
    time: Regex,
    /// What is random in a page.
    token: Regex,
}

/// What was seen so far of one name, from its first flow to its last.
#[derive(Debug)]
pub(super) struct Seen {
    row: usize,
    typed: String,
    /// The server's clock at a moment of ours: by the first time that it told.
    clock: Option<(Instant, f64)>,
    /// Where each id was seen first.
    ids: HashMap<String, String>,
    milliseconds: f64,
}

impl Patterns {
    pub(super) fn new() -> anyhow::Result<Self> {
        let id = "(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        Ok(Self {
            id: Regex::new(id)?,
            time: Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")?,
            token: Regex::new("value=\"[A-Za-z0-9_-]{22,}\"")?,
        })
    }

    /// Whether the whole text is of this form.
    fn is(pattern: &Regex, text: &str) -> bool {
        pattern
            .find(text)
            .is_some_and(|found| found.len() == text.len())
    }

    /// The text without what differs between any two names and any two moments.
    fn plain(&self, text: &str, typed: &str) -> String {
        let text = text.replace(typed, "{name}");
        let text = self.id.replace_all(&text, "{id}");
        let text = self.token.replace_all(&text, "value=\"{token}\"");
        self.time.replace_all(&text, "{time}").into_owned()
    }
}

impl Seen {
    pub(super) fn new(row: usize, typed: &str) -> Self {
        Self {
            row,
            typed: typed.to_owned(),
            clock: None,
            ids: HashMap::new(),
            milliseconds: 0.0,
        }
    }

    /// Files the answer to `step` in the table.
    pub(super) fn file(
        &mut self,
        table: &mut Table,
        patterns: &Patterns,
        step: &str,
        answer: &Answer,
    ) -> anyhow::Result<()> {
        let mut page = Page {
            seen: self,
            table,
            patterns,
            step,
            at: answer.sent_at,
            ids: Vec::new(),
        };
        let milliseconds = answer.took.as_secs_f64() * 1_000.0;
        page.number(TIME, milliseconds);
        page.text("status", &answer.status.to_string());
        page.number("length of the body", count(answer.body.len()));
        page.headers(answer)?;
        let body = std::str::from_utf8(&answer.body).context("a body is no text")?;
        let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
        page.value("", &body)?;
        page.pairs_of_ids();
        self.milliseconds += milliseconds;
        table.number(
            self.row,
            &format!("all answers{SHOWS}{TIME}"),
            self.milliseconds,
        );
        Ok(())
    }
}

/// One answer while it is filed.
struct Page<'a> {
    seen: &'a mut Seen,
    table: &'a mut Table,
    patterns: &'a Patterns,
    step: &'a str,
    at: Instant,
    /// The ids of the body and where they stand, with what would be their time.
    ids: Vec<(String, f64)>,
}

impl Page<'_> {
    fn number(&mut self, what: &str, value: f64) {
        let name = format!("{}{SHOWS}{what}", self.step);
        self.table.number(self.seen.row, &name, value);
    }

    fn text(&mut self, what: &str, value: &str) {
        let name = format!("{}{SHOWS}{what}", self.step);
        self.table.text(self.seen.row, &name, value);
    }

    fn headers(&mut self, answer: &Answer) -> anyhow::Result<()> {
        let names: Vec<&str> = answer
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        self.text("headers in order", &names.join(" "));
        for (name, value) in &answer.headers {
            let value = value.to_str().context("a header is no text")?;
            self.number(&format!("{name}: length"), count(value.len()));
            // What is random there is of one form; its length is told apart from it.
            if name != http::header::DATE && name != http::header::SET_COOKIE {
                let plain = self.patterns.plain(value, &self.seen.typed);
                self.text(&format!("{name}: value"), &plain);
            }
        }
        Ok(())
    }

    /// A value of the body, and what is in it.
    fn value(&mut self, place: &str, value: &Value) -> anyhow::Result<()> {
        let (kind, length) = match value {
            Value::Null => ("null".to_owned(), None),
            Value::Bool(it) => (it.to_string(), None),
            Value::Number(_) => ("number".to_owned(), None),
            Value::String(it) => ("string".to_owned(), Some(it.len())),
            Value::Array(it) => ("array".to_owned(), Some(it.len())),
            Value::Object(it) => {
                let names: Vec<&str> = it.keys().map(String::as_str).collect();
                (format!("{{{}}}", names.join(" ")), Some(it.len()))
            }
        };
        self.text(&format!("{place} is"), &kind);
        if let Some(length) = length {
            self.number(&format!("{place} length"), count(length));
        }
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(it) => {
                let number = it.as_f64().context("a number is none")?;
                if number > EPOCH_MILLIS {
                    self.time(place, number);
                } else {
                    self.number(place, number);
                }
            }
            Value::String(it) => self.string(place, it)?,
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{place}/{index}"), item)?;
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.value(&format!("{place}/{name}"), member)?;
                }
            }
        }
        Ok(())
    }

    fn string(&mut self, place: &str, text: &str) -> anyhow::Result<()> {
        if Patterns::is(&self.patterns.id, text) {
            self.id(place, text)?;
        } else if Patterns::is(&self.patterns.time, text) {
            let time: Timestamp = text.parse()?;
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit")]
            self.time(place, time.as_millisecond() as f64);
        } else {
            let plain = self.patterns.plain(text, &self.seen.typed);
            self.text(&format!("{place} value"), &plain);
            self.text(&format!("{place} form"), &form(&plain));
        }
        Ok(())
    }

    /// Its version, what would be its time if it had one, and whether it was seen before.
    fn id(&mut self, place: &str, id: &str) -> anyhow::Result<()> {
        let version: String = [14, 19]
            .into_iter()
            .filter_map(|it| id.chars().nth(it))
            .collect();
        self.text(&format!("{place} version"), &version);
        let first = format!("{} {place}", self.step);
        let first = self.seen.ids.entry(id.to_owned()).or_insert(first).clone();
        self.text(&format!("{place} was first"), &first);
        let digits: String = id.chars().filter(|it| *it != '-').take(12).collect();
        #[expect(clippy::cast_precision_loss, reason = "48 bits fit")]
        let time = u64::from_str_radix(&digits, 16)? as f64;
        if let Some(now) = self.now() {
            self.number(&format!("{place} time of the id"), time - now);
        }
        self.ids.push((place.to_owned(), time));
        Ok(())
    }

    /// How far two ids of one answer are apart, if what they begin with is a time.
    fn pairs_of_ids(&mut self) {
        let ids = std::mem::take(&mut self.ids);
        for (index, (place, time)) in ids.iter().enumerate() {
            for (other, other_time) in ids.iter().skip(index + 1) {
                self.number(
                    &format!("time of the ids {other} − {place}"),
                    other_time - time,
                );
            }
        }
    }

    /// A time that was told, in epoch milliseconds: kept as the distance from now.
    fn time(&mut self, place: &str, time: f64) {
        let clock = (self.at, time);
        self.seen.clock.get_or_insert(clock);
        if let Some(now) = self.now() {
            self.number(&format!("{place} from now"), time - now);
        }
    }

    /// The server's clock when the request was sent.
    fn now(&self) -> Option<f64> {
        let (then, time) = self.seen.clock?;
        let since = self.at.saturating_duration_since(then);
        Some(time + (since.as_secs_f64() * 1_000.0).round())
    }
}

/// The text with the same letter for each letter and the same digit for each digit.
fn form(text: &str) -> String {
    let of = |it: char| match it {
        _ if it.is_alphabetic() => 'a',
        _ if it.is_numeric() => '9',
        sign => sign,
    };
    text.chars().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_any_two_names_is_taken_out() {
        let patterns = Patterns::new().unwrap();
        let text =
            "/flows/01938b6e-7c1a-7000-8000-0123456789ab of ann.lee at 2026-01-02T03:04:05.678Z";
        assert_eq!(
            patterns.plain(text, "ann.lee"),
            "/flows/{id} of {name} at {time}"
        );
        assert!(Patterns::is(
            &patterns.id,
            "01938b6e-7c1a-7000-8000-0123456789ab"
        ));
        assert!(!Patterns::is(
            &patterns.id,
            "/01938b6e-7c1a-7000-8000-0123456789ab"
        ));
    }

    #[test]
    fn a_form_keeps_lengths_and_signs() {
        assert_eq!(form("an****@gmail.com"), "aa****@aaaaa.aaa");
        assert_eq!(form("*********42"), "*********99");
    }
}
