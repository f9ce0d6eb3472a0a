//! The parameters of a form or a query.

use std::{collections::HashSet, fmt};

use super::{
    error::{Cause, OAuthError},
    hint_token::HintError,
};

/// Names and values in the order in which they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Names only: the values are codes, secrets and tokens.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A parameter came more than once (RFC 6749 §3.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} must not be given more than once")]
pub struct Repeated(pub String);

impl From<Repeated> for OAuthError {
    fn from(repeated: Repeated) -> Self {
        Self::invalid(&repeated.0, repeated.to_string()).because(Cause::Other("parameter_repeated"))
    }
}

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`: a body, or a query without its question mark.
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// Query and body together: what stands in both is given twice.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The value of `name`. Empty is as good as absent (RFC 6749 §3.1).
    pub fn get(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.values(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Repeated(name.to_owned()));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// A signed hint, which may be neither repeated nor empty.
    pub(crate) fn hint(&self, name: &str) -> Result<Option<&str>, HintError> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(""), None) => Err(HintError::Empty),
            (Some(value), None) => Ok(Some(value)),
            (Some(_), Some(_)) => Err(HintError::Repeated),
        }
    }

    /// The first value of `name`, however often it came: to know how to tell an error.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next().filter(|value| !value.is_empty())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Refuses any parameter that came more than once.
    pub fn each_once(&self) -> Result<(), Repeated> {
        let mut seen = HashSet::new();
        match self.0.iter().find(|(name, _)| !seen.insert(name)) {
            Some((name, _)) => Err(Repeated(name.clone())),
            None => Ok(()),
        }
    }

    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_is_absent_and_twice_is_refused() {
        let parameters = Parameters::parse(b"scope=&state=a%20b+c&nonce=1&nonce=1");
        assert_eq!(parameters.get("scope"), Ok(None));
        assert_eq!(parameters.get("state"), Ok(Some("a b c")));
        assert_eq!(parameters.get("nonce"), Err(Repeated("nonce".to_owned())));
        assert_eq!(parameters.each_once(), Err(Repeated("nonce".to_owned())));
    }

    #[test]
    fn a_name_in_query_and_body_is_given_twice() {
        let both = Parameters::parse(b"state=1").and(Parameters::parse(b"state=1"));
        assert_eq!(both.get("state"), Err(Repeated("state".to_owned())));
    }

    #[test]
    fn an_empty_hint_is_not_an_absent_one() {
        assert_eq!(
            Parameters::parse(b"login_hint_token=").hint("login_hint_token"),
            Err(HintError::Empty)
        );
        assert_eq!(Parameters::parse(b"").hint("login_hint_token"), Ok(None));
        let twice = Parameters::parse(b"login_hint_token=a&login_hint_token=");
        assert_eq!(twice.hint("login_hint_token"), Err(HintError::Repeated));
    }

    #[test]
    fn debug_shows_names_only() {
        assert_eq!(
            format!("{:?}", Parameters::parse(b"code=s3cret")),
            r#"["code"]"#
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            let parameters = Parameters::parse(&bytes);
            let _ = parameters.each_once();
        }

        #[test]
        fn what_was_encoded_is_read_back(value in "\\PC{1,40}") {
            let encoded = form_urlencoded::Serializer::new(String::new()).append_pair("state", &value).finish();
            let parameters = Parameters::parse(encoded.as_bytes());
            prop_assert_eq!(parameters.get("state"), Ok(Some(value.as_str())));
        }
    }
}
