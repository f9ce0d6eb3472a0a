//! The authorization response: where it goes and how it is written.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::OAuthError;

/// `response_mode` of answers that travel through the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// A registered redirect URI, and what goes back with every answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    redirect_uri: String,
    response_mode: ResponseMode,
    state: Option<String>,
}

/// Without the state, which protects the client.
impl fmt::Debug for Redirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirection")
            .field("redirect_uri", &self.redirect_uri)
            .field("response_mode", &self.response_mode)
            .finish_non_exhaustive()
    }
}

/// An answer through the browser.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// 302 to this URI.
    Location(String),
    /// A page whose form posts itself (OAuth 2.0 Form Post Response Mode).
    Form {
        action: String,
        fields: Vec<(&'static str, String)>,
    },
}

/// Without the values: they hold codes.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Location(_) => f.write_str("Location(…)"),
            Self::Form { action, .. } => f
                .debug_struct("Form")
                .field("action", action)
                .finish_non_exhaustive(),
        }
    }
}

impl Redirection {
    /// Only for a URI that the client has registered. An unknown mode counts as `query`, so that
    /// its refusal can be told.
    pub(super) fn to_registered(
        uri: &str,
        response_mode: Option<&str>,
        state: Option<String>,
    ) -> Self {
        let response_mode = match response_mode {
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(_) | None => ResponseMode::Query,
        };
        Self {
            redirect_uri: uri.to_owned(),
            response_mode,
            state,
        }
    }

    pub fn uri(&self) -> &str {
        &self.redirect_uri
    }
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
    pub const fn response_mode(&self) -> ResponseMode {
        self.response_mode
    }

    /// The answer that grants (RFC 6749 §4.1.2, RFC 9207).
    pub fn with_code(&self, code: &str, issuer: &str) -> Answer {
        self.answer(vec![("code", code.to_owned())], issuer)
    }

    /// The answer that refuses (RFC 6749 §4.1.2.1, RFC 9207).
    pub fn with_error(&self, error: &OAuthError, correlation_id: &str, issuer: &str) -> Answer {
        let fields = vec![
            ("error", error.code.as_str().to_owned()),
            ("error_description", error.described(correlation_id)),
        ];
        self.answer(fields, issuer)
    }

    fn answer(&self, mut fields: Vec<(&'static str, String)>, issuer: &str) -> Answer {
        if let Some(state) = &self.state {
            fields.push(("state", state.clone()));
        }
        fields.push(("iss", issuer.to_owned()));
        let uri = &self.redirect_uri;
        match self.response_mode {
            ResponseMode::FormPost => Answer::Form {
                action: uri.clone(),
                fields,
            },
            ResponseMode::Fragment => Answer::Location(format!("{uri}#{}", encoded(&fields))),
            ResponseMode::Query => {
                let joint = match uri.split_once('?') {
                    None => "?",
                    Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
                    Some(_) => "&",
                };
                Answer::Location(format!("{uri}{joint}{}", encoded(&fields)))
            }
        }
    }
}

/// Form-encoded, with `%20` for a space: every reader of queries and fragments knows that one.
fn encoded(fields: &[(&'static str, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::error::OAuthErrorCode;

    const ISSUER: &str = "https://auth.test/e/as";

    fn location(uri: &str, mode: &str, state: Option<&str>) -> String {
        match Redirection::to_registered(uri, Some(mode), state.map(str::to_owned))
            .with_code("c1", ISSUER)
        {
            Answer::Location(location) => location,
            Answer::Form { .. } => panic!("a redirect was expected"),
        }
    }

    #[test]
    fn code_state_and_issuer_are_appended() {
        let iss = "iss=https%3A%2F%2Fauth.test%2Fe%2Fas";
        assert_eq!(
            location("https://a.test/cb", "query", Some("x 1")),
            format!("https://a.test/cb?code=c1&state=x%201&{iss}")
        );
        assert_eq!(
            location("https://a.test/cb?a=b", "query", None),
            format!("https://a.test/cb?a=b&code=c1&{iss}")
        );
        assert_eq!(
            location("https://a.test/cb", "fragment", None),
            format!("https://a.test/cb#code=c1&{iss}")
        );
    }

    #[test]
    fn form_post_keeps_the_values_as_they_are() {
        let redirection = Redirection::to_registered(
            "https://a.test/cb",
            Some("form_post"),
            Some("<x>".to_owned()),
        );
        let error = OAuthError::new(OAuthErrorCode::AccessDenied, "No");
        let Answer::Form { action, fields } = redirection.with_error(&error, "id", ISSUER) else {
            panic!("a form was expected")
        };
        assert_eq!(action, "https://a.test/cb");
        let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["error", "error_description", "state", "iss"]);
        assert_eq!(fields[2].1, "<x>");
    }

    proptest! {
        #[test]
        fn the_client_reads_back_the_state_that_it_sent(state in "\\PC{1,40}") {
            let location = location("https://a.test/cb", "query", Some(&state));
            let (_, query) = location.split_once('?').unwrap();
            let read: Vec<_> = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state").collect();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&*read[0].1, state.as_str());
        }
    }
}
