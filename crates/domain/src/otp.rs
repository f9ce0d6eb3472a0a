//! One-time codes: their form, their life and what counts as an attempt. A code itself is never
//! kept: the application draws it, hashes it under a key, and hands in the hash.

use std::{fmt, ops::RangeInclusive};

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::{secret::Secret, time::Duration, violation::Violation};

/// How many digits a code may have.
pub const LENGTHS: RangeInclusive<u8> = 6..=10;
pub const DEFAULT_LENGTH: u8 = 6;
/// How many digits the application draws for a message: a code is their beginning, so that it can
/// be drawn before the method, and with it the length, is known.
pub const DRAWN_DIGITS: usize = 10;
pub const DEFAULT_LIFE: Duration = Duration::from_minutes(30);

/// The keyed hash (HMAC-SHA-256) of a code, bound by its key and its input to one flow and message.
#[derive(Clone, Copy)]
pub struct CodeHash([u8; 32]);

impl CodeHash {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    /// Compares without telling by time where the hashes differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}
impl PartialEq for CodeHash {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}
impl Eq for CodeHash {}
impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}
impl Serialize for CodeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for CodeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(de::Error::custom)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| de::Error::custom("must be 32 bytes"))
    }
}

/// The code of this length: the first digits of those drawn. A length outside [`LENGTHS`] is read as
/// the nearest one inside.
pub fn prefix(drawn: &Secret<String>, length: u8) -> &str {
    let length = length.clamp(*LENGTHS.start(), *LENGTHS.end());
    drawn
        .expose()
        .get(..usize::from(length))
        .unwrap_or(drawn.expose())
}

/// Reads a submitted code. What is returned counts as an attempt, whatever it looks like; what is
/// refused does not: absent, empty, or not a string.
pub fn submitted(otp: Option<&Value>) -> Result<Secret<String>, Violation> {
    match otp {
        None | Some(Value::Null) => Err(Violation::required("otp")),
        Some(Value::String(text)) => {
            let code: String = text
                .chars()
                .filter(|character| !character.is_whitespace())
                .collect();
            if code.is_empty() {
                Err(Violation::empty("otp"))
            } else {
                Ok(Secret::new(code))
            }
        }
        Some(_) => Err(Violation::invalid("otp", "must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::violation::ViolationCode;

    #[test]
    fn spaces_around_and_inside_a_code_do_not_matter() {
        for text in ["123456", " 123456\n", "123 456", "1 2 3\t456"] {
            assert_eq!(submitted(Some(&json!(text))).unwrap().expose(), "123456");
        }
    }

    #[test]
    fn digits_of_any_length_and_other_text_are_attempts() {
        for text in ["1", "1234567890123", "abc", "१२३४५६"] {
            assert!(submitted(Some(&json!(text))).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_absent_empty_or_no_string_is_not_an_attempt() {
        let code = |otp: Option<Value>| submitted(otp.as_ref()).unwrap_err().code;
        assert_eq!(code(None), ViolationCode::RequiredValue);
        assert_eq!(code(Some(Value::Null)), ViolationCode::RequiredValue);
        assert_eq!(code(Some(json!(" "))), ViolationCode::EmptyValue);
        assert_eq!(code(Some(json!(123_456))), ViolationCode::InvalidValue);
        assert_eq!(code(Some(json!(["123456"]))), ViolationCode::InvalidValue);
    }

    #[test]
    fn a_code_is_the_beginning_of_what_was_drawn() {
        let drawn = Secret::new("0123456789".to_owned());
        assert_eq!(prefix(&drawn, 6), "012345");
        assert_eq!(prefix(&drawn, 10), "0123456789");
        assert_eq!(prefix(&drawn, 5), "012345");
        assert_eq!(prefix(&drawn, 11), "0123456789");
    }

    #[test]
    fn a_hash_is_stored_as_text_and_not_shown() {
        let hash = CodeHash::new([7; 32]);
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<CodeHash>(&text).unwrap(), hash);
        assert_eq!(format!("{hash:?}"), "CodeHash(…)");
        assert!(serde_json::from_str::<CodeHash>("\"AAAA\"").is_err());
    }
}
