//! What is thrown: values that no client means, drawn from a seed.

use proptest::{
    prelude::RngExt,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Value, json};

use crate::support::NOBODY;

/// Texts on which parsers, stores and renderers have stumbled.
const TEXTS: [&str; 52] = [
    "",
    " ",
    "\0",
    "a\0b",
    "\t\n",
    "\r\nset-cookie: a=b",
    "\u{feff}",
    "\u{202e}abc",
    "\u{ad}",
    "e\u{301}",
    "ﬁ",
    "ß",
    "İ",
    "\u{10ffff}",
    "𝒜👩‍👩‍👧",
    "null",
    "true",
    "0",
    "-1",
    "00",
    "1e400",
    "NaN",
    "4294967296",
    "9223372036854775808",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "%",
    "%00",
    "%zz",
    "../..",
    "*",
    "a' OR '1'='1",
    "a%_b",
    "${user.name.given}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "2026-01-31T12:00:00.000Z",
    "2026-02-30T25:61:61Z",
    "+262142-12-31T23:59:59Z",
    "-9999-01-01T00:00:00Z",
    "+4712345678",
    "+",
    "a@b.example",
    "\"a b\"@[127.0.0.1]",
    "https://[::1",
    "http://a.example:99999/",
    "https://*.example.test/*",
    "javascript:alert(1)",
    "eyJhbGciOiJub25lIn0.e30.",
    NOBODY,
];

/// Members that mean something to some type.
const MEMBERS: [&str; 30] = [
    "id",
    "name",
    "type",
    "status",
    "enabled",
    "default",
    "priority",
    "description",
    "environment",
    "population",
    "resource",
    "scopes",
    "scope",
    "role",
    "signOnPolicy",
    "condition",
    "grantTypes",
    "redirectUris",
    "corsSettings",
    "username",
    "email",
    "phone",
    "password",
    "value",
    "otp",
    "device",
    "order",
    "expiresAt",
    "_links",
    "",
];

const ATTRIBUTES: [&str; 16] = [
    "id",
    "name",
    "NAME",
    "status",
    "enabled",
    "username",
    "email",
    "population.id",
    "createdAt",
    "organization.id",
    "license.id",
    "beginsAt",
    "name.given",
    "emails[value",
    "order",
    "\u{e9}",
];

const OPERATORS: [&str; 13] = [
    "eq", "EQ", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "in", "==",
];

/// Pieces of a target that no encoder would write.
const RAW: [&str; 10] = [
    "%", "%z", "%ff", "%c0%80", "%00", "%2f", "%25", "+", "&&", "=",
];

pub(super) struct Dice(TestRng);

impl Dice {
    pub(super) fn new(seed: u8) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    /// A number below this one.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// Whether something happens that happens so often in a hundred times.
    pub(super) fn falls(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(super) fn text(&mut self) -> String {
        match self.below(20) {
            0 => self.one(&["x", "é", "\0", "9", " "]).repeat(3_000),
            1..5 => (0..self.below(12))
                .map(|_| self.0.random::<char>())
                .collect(),
            5..7 => self.one(&TEXTS).to_owned() + self.one(&TEXTS),
            _ => self.one(&TEXTS).to_owned(),
        }
    }

    pub(super) fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(64)).map(|_| self.0.random()).collect()
    }

    /// A value of any type, at most so deep.
    fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 6 } else { 8 };
        match self.below(kinds) {
            0 => Value::Null,
            1 => self.falls(50).into(),
            2 => self.number(),
            3..6 => self.text().into(),
            6 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let members = (0..self.below(5)).map(|_| {
                    let name = self.one(&MEMBERS).to_owned();
                    (name, self.value(depth - 1))
                });
                Value::Object(members.collect())
            }
        }
    }

    fn number(&mut self) -> Value {
        match self.below(10) {
            0 => self.0.random::<i64>().into(),
            1 => self.0.random::<f64>().into(),
            2 => self.one(&[1.5, -0.0, 1e308]).into(),
            3 => u64::MAX.into(),
            _ => self
                .one(&[0, 1, -1, i64::MIN, i64::MAX, 2_147_483_648])
                .into(),
        }
    }

    /// A body like this one, or none at all like it.
    pub(super) fn body(&mut self, like: &Value) -> Vec<u8> {
        let mut body = like.clone();
        match self.below(20) {
            0..3 => {}
            3 => body = self.value(4),
            4 => return self.bytes(),
            5 => return Vec::new(),
            _ => {
                for _ in 0..self.one(&[1, 1, 1, 2, 3]) {
                    self.change(&mut body);
                }
            }
        }
        let mut text = body.to_string();
        if self.falls(5)
            && let Some((name, value)) = body.as_object().and_then(|it| it.iter().next())
        {
            // The same member again.
            text = text.replacen('{', &format!("{{\"{name}\":{value},"), 1);
        }
        let mut bytes = text.into_bytes();
        match self.below(24) {
            0 => bytes.truncate(self.below(bytes.len() + 1)),
            1 => {
                let place = self.below(bytes.len());
                bytes[place] = self.0.random();
            }
            2 => bytes.extend_from_slice(b" {}"),
            3 => bytes.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
            _ => {}
        }
        bytes
    }

    /// Changes one thing somewhere in a value.
    fn change(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() && !self.falls(15) => {
                let place = self.below(members.len());
                let (name, member) = members.iter_mut().nth(place).unwrap();
                if !self.falls(20) {
                    return self.change(member);
                }
                let (name, copy) = (name.clone(), member.clone());
                match self.below(3) {
                    0 => drop(members.remove(&name)),
                    1 => drop(members.insert(self.one(&MEMBERS).to_owned(), copy)),
                    _ => drop(members.insert(self.one(&MEMBERS).to_owned(), self.value(2))),
                }
            }
            Value::Array(items) if !items.is_empty() && !self.falls(25) => {
                let place = self.below(items.len());
                match self.below(6) {
                    0 => drop(items.remove(place)),
                    1 => items.push(items[place].clone()),
                    2 if items.len() < 10 => *items = vec![items[place].clone(); 1_500],
                    _ => self.change(&mut items[place]),
                }
            }
            Value::String(text) if !self.falls(40) => match self.below(6) {
                0 => text.push_str(&self.text()),
                1 => text.insert_str(0, &self.text()),
                2 => *text = text.to_uppercase(),
                3 => drop(text.pop()),
                4 => *text = format!(" {text} "),
                _ => *text = text.repeat(self.one(&[2, 40, 4_000])),
            },
            Value::Number(number) if self.falls(60) => {
                let near = number.as_i64().unwrap_or_default();
                let changed = [
                    near.saturating_sub(1),
                    near.saturating_add(1),
                    near.saturating_neg(),
                    near.saturating_mul(100_000),
                ];
                *value = self.one(&changed).into();
            }
            value if self.falls(6) => {
                // serde_json gives up at 128 levels.
                for _ in 0..self.one(&[100, 120, 200]) {
                    *value = json!([value.take()]);
                }
            }
            value => *value = self.value(3),
        }
    }

    /// A filter, more or less.
    pub(super) fn filter(&mut self) -> String {
        let comparison = |dice: &mut Self| {
            let value = match dice.below(4) {
                0 => dice.text(),
                1 => dice.value(1).to_string(),
                _ => Value::from(dice.text()).to_string(),
            };
            let (attribute, operator) = (dice.one(&ATTRIBUTES), dice.one(&OPERATORS));
            format!("{attribute} {operator} {value}")
        };
        let mut filter = comparison(self);
        while self.falls(40) {
            filter = match self.below(5) {
                0 => format!("({filter})"),
                1 => format!("not ({filter})"),
                2 => format!("{}{filter}{}", "(".repeat(20), ")".repeat(20)),
                _ => {
                    let joint = self.one(&["and", "or", "AND", "xor"]);
                    format!("{filter} {joint} {}", comparison(self))
                }
            };
        }
        if self.falls(10) {
            filter.truncate(filter.floor_char_boundary(self.below(filter.len() + 1)));
        }
        filter
    }

    /// A part of a target: percent-encoded, and now and then with what is not.
    pub(super) fn encoded(&mut self, text: &str) -> String {
        let mut encoded = encode(text);
        if self.falls(6) {
            let place = self.below(encoded.len() + 1);
            encoded.insert_str(place, self.one(&RAW));
        }
        encoded
    }

    /// Parameters of a query or a form; now and then one twice.
    pub(super) fn parameters(&mut self, pairs: &[(String, String)]) -> String {
        let mut parts = Vec::new();
        for (name, value) in pairs {
            let pair = format!("{}={}", self.encoded(name), self.encoded(value));
            if self.falls(3) {
                parts.push(pair.clone());
            }
            parts.push(pair);
        }
        parts.join("&")
    }

    /// What stands for an id in a path; `others` are ids of something else.
    pub(super) fn id(&mut self, right: &str, others: &[String]) -> String {
        match self.below(8) {
            0..3 if !others.is_empty() => others[self.below(others.len())].clone(),
            3 => right.to_uppercase(),
            4 => format!("{right}{}", self.one(&RAW[..7])),
            5 => NOBODY.to_owned(),
            6 => self
                .one(&["%20", "%2e%2e%2f", "%F0%9F%92%A9", "{id}", "a/b", ""])
                .to_owned(),
            _ => {
                let text = self.text();
                self.encoded(&text)
            }
        }
    }
}

fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
