//! Values as clients send them: cleartext, or `{SCHEME}` and a hash made elsewhere.

use crate::{secret::Secret, violation::Violation};

#[derive(Debug, Clone)]
pub enum NewValue {
    Cleartext(Secret<String>),
    /// An Argon2 hash in PHC string form, whose parameters are still to be checked.
    Argon2(Secret<String>),
}

impl NewValue {
    pub fn parse(value: &Secret<String>, target: &str) -> Result<Self, Violation> {
        match scheme(value.expose()) {
            None => Ok(Self::Cleartext(value.clone())),
            Some(("ARGON2", hash)) if hash.starts_with("$argon2") => {
                Ok(Self::Argon2(Secret::new(hash.to_owned())))
            }
            Some(("ARGON2", _)) => Err(Violation::invalid(
                target,
                "is not an Argon2 hash in PHC string form",
            )),
            Some(_) => Err(
                Violation::invalid(target, "has an encoding that is not supported")
                    .allowing(&["{ARGON2}"]),
            ),
        }
    }
}

/// `{SCHEME}` in capitals, digits and underscores, and what follows it.
fn scheme(value: &str) -> Option<(&str, &str)> {
    let (name, rest) = value.strip_prefix('{')?.split_once('}')?;
    let in_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (!name.is_empty() && name.bytes().all(in_name)).then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<NewValue, Violation> {
        NewValue::parse(&Secret::new(value.to_owned()), "value")
    }

    #[test]
    fn only_a_scheme_in_capitals_makes_a_value_encoded() {
        for clear in [
            "secret",
            "{secret}x",
            "{}x",
            "{ARGON2",
            "x{ARGON2}$argon2id$",
        ] {
            assert!(
                matches!(parse(clear), Ok(NewValue::Cleartext(_))),
                "{clear}"
            );
        }
        assert!(matches!(
            parse("{ARGON2}$argon2id$v=19$x"),
            Ok(NewValue::Argon2(_))
        ));
    }

    #[test]
    fn other_schemes_and_malformed_hashes_are_refused() {
        for encoded in ["{SSHA512}abcd", "{BCRYPT}$2a$10$x", "{ARGON2}plain"] {
            let violation = parse(encoded).unwrap_err();
            assert_eq!(violation.target, "value");
            assert!(!violation.message.contains(encoded));
        }
    }
}
