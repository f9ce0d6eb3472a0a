//! Makes answers of different runs equal: what is random or a moment becomes a name for it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Members whose values are secrets or opaque by themselves.
const OPAQUE: [&str; 5] = [
    "secret",
    "code",
    "access_token",
    "id_token",
    "refresh_token",
];

/// Remembers which id got which name, so that equal ids stay equal over a whole run.
#[derive(Debug, Default)]
pub(crate) struct Normaliser {
    ids: BTreeMap<String, String>,
    host: String,
}

impl Normaliser {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            ids: BTreeMap::new(),
            host: base.to_owned(),
        }
    }

    pub(crate) fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: Map<String, Value> = members
                    .iter()
                    .map(|(name, value)| match value {
                        Value::String(_) if OPAQUE.contains(&name.as_str()) => {
                            (name.clone(), format!("<{name}>").into())
                        }
                        _ => (name.clone(), self.value(value)),
                    })
                    .collect();
                Value::Object(members)
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::String(text) => self.text(text).into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> String {
        if is_moment(text) {
            return "<time>".to_owned();
        }
        let text = text.replace(&self.host, "<base>");
        let (mut named, mut rest) = (String::new(), text.as_str());
        while let Some(first) = rest.chars().next() {
            if let Some((candidate, after)) = rest.split_at_checked(36)
                && is_uuid(candidate)
            {
                let next = format!("<id {}>", self.ids.len() + 1);
                named.push_str(self.ids.entry(candidate.to_owned()).or_insert(next));
                rest = after;
            } else {
                named.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        named
    }
}

fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// `2026-01-31T12:00:00.123Z`
fn is_moment(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_ids_get_equal_names_and_the_rest_stays() {
        let one = "0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01";
        let other = "5a0b7c3e-91d2-4c6f-8f13-2b4d6a7e9c01";
        let mut normaliser = Normaliser::new("http://127.0.0.1:4711");
        let body = json!({
            "id": one, "href": format!("http://127.0.0.1:4711/v1/{other}/x/{one}"), "name": "Größe",
            "createdAt": "2026-01-31T12:00:00.123Z", "secret": "abc", "count": 3,
        });
        assert_eq!(
            normaliser.value(&body),
            json!({
                "id": "<id 1>", "href": "<base>/v1/<id 2>/x/<id 1>", "name": "Größe",
                "createdAt": "<time>", "secret": "<secret>", "count": 3,
            })
        );
    }
}
