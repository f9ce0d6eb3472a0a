//! Where the answer to an authorization request goes, be it a code or an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{authorization_response::Redirection, error::OAuthError};

/// A refused request, with all that is known of where to tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeError {
    /// There is no trusted redirect URI: a page, or JSON for who accepts only that.
    Page(OAuthError),
    Redirect {
        to: Redirection,
        error: OAuthError,
    },
    /// 400 in the platform's envelope.
    PiFlow(OAuthError),
}

impl AuthorizeError {
    pub const fn error(&self) -> &OAuthError {
        match self {
            Self::Page(error) | Self::Redirect { error, .. } | Self::PiFlow(error) => error,
        }
    }
}

/// Where the answer goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    Redirect(Redirection),
    /// The caller itself. A redirect URI that was sent must be repeated at the token endpoint.
    PiFlow {
        redirect_uri: Option<String>,
        state: Option<String>,
    },
}

/// Without the state, which protects the client.
impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redirect(redirection) => redirection.fmt(f),
            Self::PiFlow { redirect_uri, .. } => f
                .debug_struct("PiFlow")
                .field("redirect_uri", redirect_uri)
                .finish_non_exhaustive(),
        }
    }
}

impl Recipient {
    pub fn redirect_uri(&self) -> Option<&str> {
        match self {
            Self::Redirect(redirection) => Some(redirection.uri()),
            Self::PiFlow { redirect_uri, .. } => redirect_uri.as_deref(),
        }
    }
    pub fn state(&self) -> Option<&str> {
        match self {
            Self::Redirect(redirection) => redirection.state(),
            Self::PiFlow { state, .. } => state.as_deref(),
        }
    }
    pub const fn is_pi_flow(&self) -> bool {
        matches!(self, Self::PiFlow { .. })
    }
    /// Tells an error to this recipient.
    pub fn refuse(&self, error: impl Into<OAuthError>) -> AuthorizeError {
        match self {
            Self::Redirect(to) => AuthorizeError::Redirect {
                to: to.clone(),
                error: error.into(),
            },
            Self::PiFlow { .. } => AuthorizeError::PiFlow(error.into()),
        }
    }
}
