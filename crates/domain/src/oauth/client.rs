//! What OAuth needs to know of an application.

use serde::{Deserialize, Serialize};

use crate::{id::Id, resources::environment::Environment, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationType {
    WebApp,
    NativeApp,
    SinglePageApp,
    Worker,
    Service,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Protocol {
    OpenidConnect,
    Saml,
    WsFed,
    ExternalLink,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GrantType {
    AuthorizationCode,
    Implicit,
    RefreshToken,
    ClientCredentials,
    DeviceCode,
    TokenExchange,
    Ciba,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResponseType {
    Code,
    Token,
    IdToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TokenEndpointAuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretJwt,
    PrivateKeyJwt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PkceEnforcement {
    Optional,
    Required,
    // serde would write S256REQUIRED.
    #[serde(rename = "S256_REQUIRED")]
    S256Required,
}

/// How refresh tokens of an application live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenRules {
    /// `refreshTokenDuration`: the life of each token.
    pub duration: Duration,
    /// `refreshTokenRollingDuration`: the life of all tokens of one sign-on; `None` is for ever.
    pub rolling_duration: Option<Duration>,
    /// `refreshTokenRollingGracePeriodDuration`: how long an exchanged token may be used again.
    pub grace_period: Duration,
    /// `additionalRefreshTokenReplayProtectionEnabled`: reuse revokes the whole family.
    pub replay_protection: bool,
}

impl Default for RefreshTokenRules {
    fn default() -> Self {
        Self {
            duration: Duration::from_days(30),
            rolling_duration: None,
            grace_period: Duration::ZERO,
            replay_protection: true,
        }
    }
}

/// Which origins may call from a browser (`corsSettings`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cors {
    /// No settings: any origin at the endpoints without cookies, none at the others.
    #[default]
    Unset,
    NoOrigins,
    Origins(Vec<String>),
}

/// An application, as the protocol sees it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the application"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: Id<Client>,
    pub environment: Id<Environment>,
    pub name: String,
    pub enabled: bool,
    pub application_type: ApplicationType,
    pub protocol: Protocol,
    pub grant_types: Vec<GrantType>,
    pub response_types: Vec<ResponseType>,
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    pub redirect_uris: Vec<String>,
    /// `loginPageUrl` and `initiateLoginUri`.
    pub pages: Vec<String>,
    pub allow_wildcard_in_redirect_uris: bool,
    pub pkce_enforcement: PkceEnforcement,
    /// `signing.keyRotationPolicy.id`; the environment's default when absent.
    pub key_rotation_policy: Option<uuid::Uuid>,
    pub refresh_tokens: RefreshTokenRules,
    pub request_scopes_for_multiple_resources: bool,
    /// `parRequirement: REQUIRED`.
    pub requires_pushed_authorization_requests: bool,
    pub require_signed_request_object: bool,
    pub cors: Cors,
}

impl Client {
    /// Whether it may take part in OAuth at all.
    pub fn is_usable(&self) -> bool {
        self.enabled && self.protocol == Protocol::OpenidConnect
    }

    pub fn has_grant_type(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == TokenEndpointAuthMethod::None
    }

    /// A client that proves nothing of itself must at least prove that it began the flow.
    pub fn required_pkce(&self) -> PkceEnforcement {
        if self.is_public() {
            PkceEnforcement::S256Required
        } else {
            self.pkce_enforcement
        }
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::entropy::Seeded;

    pub(crate) fn web_app() -> Client {
        Client {
            id: "0f2c7d9e-51a4-4be0-8e6f-6b6f2a1c9d01".parse().unwrap(),
            environment: "9e0a1111-2222-4333-8444-555566667777".parse().unwrap(),
            name: "mfa-relying-app".to_owned(),
            enabled: true,
            application_type: ApplicationType::WebApp,
            protocol: Protocol::OpenidConnect,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            response_types: vec![ResponseType::Code],
            token_endpoint_auth_method: TokenEndpointAuthMethod::ClientSecretBasic,
            redirect_uris: vec!["https://app.example.test/cb".to_owned()],
            pages: vec!["https://login.example.test/page".to_owned()],
            allow_wildcard_in_redirect_uris: false,
            pkce_enforcement: PkceEnforcement::Optional,
            key_rotation_policy: None,
            refresh_tokens: RefreshTokenRules::default(),
            request_scopes_for_multiple_resources: false,
            requires_pushed_authorization_requests: false,
            require_signed_request_object: false,
            cors: Cors::Unset,
        }
    }

    pub(crate) fn worker() -> Client {
        Client {
            id: Id::random(&mut Seeded(9)),
            application_type: ApplicationType::Worker,
            grant_types: vec![GrantType::ClientCredentials],
            response_types: vec![],
            ..web_app()
        }
    }

    pub(crate) fn service() -> Client {
        Client {
            application_type: ApplicationType::Service,
            ..worker()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enums_are_written_as_the_contract_writes_them() {
        let text = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        assert_eq!(
            text(serde_json::to_value(PkceEnforcement::S256Required).unwrap()),
            "S256_REQUIRED"
        );
        assert_eq!(
            text(serde_json::to_value(Protocol::OpenidConnect).unwrap()),
            "OPENID_CONNECT"
        );
        assert_eq!(
            text(serde_json::to_value(ApplicationType::SinglePageApp).unwrap()),
            "SINGLE_PAGE_APP"
        );
        assert_eq!(
            text(serde_json::to_value(TokenEndpointAuthMethod::PrivateKeyJwt).unwrap()),
            "PRIVATE_KEY_JWT"
        );
    }

    #[test]
    fn a_public_client_always_needs_pkce() {
        let client = Client {
            token_endpoint_auth_method: TokenEndpointAuthMethod::None,
            ..samples::web_app()
        };
        assert_eq!(client.required_pkce(), PkceEnforcement::S256Required);
        assert_eq!(
            samples::web_app().required_pkce(),
            PkceEnforcement::Optional
        );
    }
}
