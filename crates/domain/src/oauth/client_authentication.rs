//! How a client proves who it is (RFC 6749 §2.3), but for the look-up of its secrets.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD};

use super::{
    client::{Client, TokenEndpointAuthMethod},
    error::{Cause, OAuthError, OAuthErrorCode},
    parameters::{Parameters, Repeated},
};
use crate::secret::Secret;

/// Why credentials are invalid. The answer does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialFault {
    Malformed,
    /// None is named.
    NoClient,
    UnknownClient,
    DisabledClient,
    /// It has no secret to be proved by.
    ClientWithoutSecret,
    WrongSecret,
}

impl CredentialFault {
    const fn check(self) -> &'static str {
        match self {
            Self::Malformed => "client_credentials_malformed",
            Self::NoClient => "client_not_named",
            Self::UnknownClient => "client_unknown",
            Self::DisabledClient => "client_disabled",
            Self::ClientWithoutSecret => "client_without_secret",
            Self::WrongSecret => "client_secret_wrong",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthenticationError {
    #[error("Invalid client credentials")]
    InvalidCredentials {
        by_basic: bool,
        fault: CredentialFault,
    },
    /// Another method than the one that is configured.
    #[error("Unsupported authentication method")]
    UnsupportedMethod { by_basic: bool },
    #[error("The client must authenticate in one way only")]
    SeveralMethods,
    #[error(transparent)]
    Repeated(#[from] Repeated),
}

impl ClientAuthenticationError {
    /// Whether the answer carries `WWW-Authenticate: Basic`: only when that was tried.
    pub const fn challenges(&self) -> bool {
        match self {
            Self::InvalidCredentials { by_basic, .. } | Self::UnsupportedMethod { by_basic } => {
                *by_basic
            }
            Self::SeveralMethods | Self::Repeated(_) => false,
        }
    }
}

impl From<ClientAuthenticationError> for OAuthError {
    fn from(error: ClientAuthenticationError) -> Self {
        let text = error.to_string();
        match error {
            ClientAuthenticationError::InvalidCredentials { fault, .. } => {
                Self::new(OAuthErrorCode::InvalidClient, text).because(Cause::Client(fault.check()))
            }
            ClientAuthenticationError::UnsupportedMethod { .. } => {
                Self::new(OAuthErrorCode::InvalidClient, text)
                    .because(Cause::Client("client_authentication_method"))
            }
            ClientAuthenticationError::SeveralMethods => {
                Self::new(OAuthErrorCode::InvalidRequest, text)
                    .because(Cause::Client("client_several_methods"))
            }
            ClientAuthenticationError::Repeated(repeated) => repeated.into(),
        }
    }
}

/// The ways that a request can carry credentials. The last two are only recognised, to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    None,
    Basic,
    Post,
    Assertion,
    Other,
}

/// What a request says of its client, unproved.
pub struct ClientCredentials {
    /// As sent: look it up when it is an id.
    pub client_id: String,
    method: Method,
    /// Whether they came as HTTP Basic, also where that proves nothing.
    by_basic: bool,
    /// The secret in each spelling that it may have been meant in; never an empty one.
    secrets: Vec<Secret<String>>,
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl ClientCredentials {
    /// Reads the `Authorization` header and the form of a request.
    pub fn read(
        authorization: Option<&str>,
        form: &Parameters,
    ) -> Result<Self, ClientAuthenticationError> {
        let client_id = form.get("client_id")?;
        let secret = form.get("client_secret")?;
        let has_assertion =
            form.get("client_assertion")?.is_some() || form.get("client_assertion_type")?.is_some();
        let ways = [authorization.is_some(), secret.is_some(), has_assertion];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err(ClientAuthenticationError::SeveralMethods);
        }
        if let Some(header) = authorization {
            return Self::of_header(header, client_id);
        }
        let method = match (has_assertion, secret) {
            (true, _) => Method::Assertion,
            (false, Some(_)) => Method::Post,
            (false, None) => Method::None,
        };
        let client_id = match (client_id, method) {
            (Some(client_id), _) => client_id.to_owned(),
            (None, Method::Assertion) => {
                return Err(ClientAuthenticationError::UnsupportedMethod { by_basic: false });
            }
            (None, Method::None | Method::Basic | Method::Post | Method::Other) => {
                return Err(ClientAuthenticationError::InvalidCredentials {
                    by_basic: false,
                    fault: CredentialFault::NoClient,
                });
            }
        };
        Ok(Self {
            client_id,
            method,
            by_basic: false,
            secrets: secret
                .map(|secret| Secret::new(secret.to_owned()))
                .into_iter()
                .collect(),
        })
    }

    fn of_header(header: &str, in_form: Option<&str>) -> Result<Self, ClientAuthenticationError> {
        const INVALID: ClientAuthenticationError = ClientAuthenticationError::InvalidCredentials {
            by_basic: true,
            fault: CredentialFault::Malformed,
        };
        let (scheme, value) = header.split_once(' ').unwrap_or((header, ""));
        if !scheme.eq_ignore_ascii_case("Basic") {
            return Ok(Self {
                client_id: in_form.unwrap_or_default().to_owned(),
                method: Method::Other,
                by_basic: false,
                secrets: Vec::new(),
            });
        }
        let value = value.trim().as_bytes();
        let decoded = BASE64
            .decode(value)
            .or_else(|_| BASE64_NOPAD.decode(value))
            .map_err(|_| INVALID)?;
        let pair = Secret::new(String::from_utf8(decoded).map_err(|_| INVALID)?);
        let (raw_id, raw_secret) = pair.expose().split_once(':').unwrap_or((pair.expose(), ""));
        let client_id = form_decoded(raw_id).unwrap_or_else(|| raw_id.to_owned());
        if in_form.is_some_and(|other| other != client_id) {
            return Err(ClientAuthenticationError::SeveralMethods);
        }
        // Public clients send their id alone.
        if raw_secret.is_empty() {
            return Ok(Self {
                client_id,
                method: Method::None,
                by_basic: true,
                secrets: Vec::new(),
            });
        }
        // RFC 6749 §2.3.1 has both parts form-encoded; many clients send them as they are.
        let mut secrets = vec![Secret::new(raw_secret.to_owned())];
        if let Some(decoded) = form_decoded(raw_secret).filter(|decoded| decoded != raw_secret) {
            secrets.push(Secret::new(decoded));
        }
        Ok(Self {
            client_id,
            method: Method::Basic,
            by_basic: true,
            secrets,
        })
    }

    /// Whether the client may authenticate this way. A confidential client must then still be
    /// proved by [`Self::matching`].
    pub fn judge<'c>(
        &self,
        client: Option<&'c Client>,
    ) -> Result<&'c Client, ClientAuthenticationError> {
        let client = client.ok_or_else(|| self.invalid(CredentialFault::UnknownClient))?;
        if !client.is_usable() {
            return Err(self.invalid(CredentialFault::DisabledClient));
        }
        if self.is_by(client.token_endpoint_auth_method) {
            Ok(client)
        } else {
            Err(self.unsupported())
        }
    }

    /// Whether the credentials came by this method: the one configured for a client, or for a
    /// resource that introspects.
    pub fn is_by(&self, method: TokenEndpointAuthMethod) -> bool {
        match method {
            TokenEndpointAuthMethod::None => self.method == Method::None,
            TokenEndpointAuthMethod::ClientSecretBasic => self.method == Method::Basic,
            TokenEndpointAuthMethod::ClientSecretPost => self.method == Method::Post,
            // Not served: nobody can authenticate by them.
            TokenEndpointAuthMethod::ClientSecretJwt | TokenEndpointAuthMethod::PrivateKeyJwt => {
                false
            }
        }
    }

    /// Which of the stored secrets (the current one, an unexpired previous one) was sent. All are
    /// compared, each in constant time.
    pub fn matching(&self, stored: &[Secret<String>]) -> Option<usize> {
        let mut found = None;
        for (index, secret) in stored.iter().enumerate() {
            for sent in &self.secrets {
                if secret.matches(sent.expose().as_bytes()) {
                    found = found.or(Some(index));
                }
            }
        }
        found
    }

    /// The error for another method than the one that is configured.
    pub fn unsupported(&self) -> ClientAuthenticationError {
        ClientAuthenticationError::UnsupportedMethod {
            by_basic: self.by_basic,
        }
    }

    /// The error that tells nothing of why.
    pub const fn invalid(&self, fault: CredentialFault) -> ClientAuthenticationError {
        ClientAuthenticationError::InvalidCredentials {
            by_basic: self.by_basic,
            fault,
        }
    }
}

/// The text without its form encoding; `None` when there is none.
fn form_decoded(text: &str) -> Option<String> {
    // `&` and `=` are plain characters here, but end a value in a form.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(decoded, _)| decoded.into_owned())
}

#[cfg(test)]
#[path = "client_authentication_tests.rs"]
mod tests;
