//! JSON whose objects name every member once.
//!
//! Decoders usually keep the last of two members of one name, others the first: a signed text must
//! not mean two things (RFC 8725 §2.4).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// The text is not one JSON object, or an object in it names a member twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a JSON object whose members are named once")]
pub struct NotStrictJson;

/// Reads one object, and nothing after it.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, NotStrictJson> {
    match serde_json::from_slice(text) {
        Ok(Strict(Value::Object(members))) => Ok(members),
        Ok(Strict(_)) | Err(_) => Err(NotStrictJson),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("a member is named twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_given_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":null}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"y":[{"a":1,"a":2}]}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"":1,"":2}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(NotStrictJson), "{text}");
        }
        assert!(object(br#"{"a":{"a":1},"b":{"a":2}}"#).is_ok());
    }

    #[test]
    fn only_one_object_is_read() {
        for text in [
            "[]",
            "1",
            "\"x\"",
            "null",
            "",
            "{} {}",
            "{}x",
            "{\"a\":1,}",
            "\u{feff}{}",
            "{\"a\":1e999}",
        ] {
            assert_eq!(object(text.as_bytes()), Err(NotStrictJson), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(object(deep.as_bytes()), Err(NotStrictJson));
        assert_eq!(object(b"{\"a\":\"\xff\"}"), Err(NotStrictJson));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_the_usual_decoder_reads(value in json()) {
            let text = serde_json::to_vec(&serde_json::json!({ "v": value })).unwrap();
            prop_assert_eq!(&object(&text).unwrap()["v"], &value);
        }

        #[test]
        fn a_duplicate_is_refused_wherever_it_is(name in "[a-z]{1,6}", first in json(), second in json(), depth in 0_usize..6) {
            let name = serde_json::to_string(&name).unwrap();
            let mut text = format!("{{{name}:{first},{name}:{second}}}");
            for _ in 0..depth {
                text = format!("{{\"in\":[{text}]}}");
            }
            prop_assert_eq!(object(text.as_bytes()), Err(NotStrictJson));
        }

        #[test]
        fn any_bytes_can_be_judged(bytes: Vec<u8>) {
            let _ = object(&bytes);
        }
    }
}
