//! The OpenID Connect side of an application.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{uri, violation::Violation, web_origin::OriginPattern};

/// The grants that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum ResponseType {
    Code,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum TokenEndpointAuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
}

/// The form of refresh tokens that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum RefreshTokenType {
    OpaqueToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum PkceEnforcement {
    /// A challenge is checked when there is one.
    #[default]
    Optional,
    Required,
    S256Required,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum CorsBehavior {
    AllowNoOrigins,
    AllowSpecificOrigins,
}

/// The web origins whose scripts may call. Absent settings trust none with cookies, and any
/// without.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CorsSettings {
    pub behavior: CorsBehavior,
    #[schemars(length(max = 20), inner(length(min = 1, max = 256)))]
    pub origins: Option<Vec<String>>,
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Oidc {
    #[schemars(length(min = 1, max = 10))]
    pub grant_types: Vec<GrantType>,
    #[schemars(length(max = 10))]
    pub response_types: Option<Vec<ResponseType>>,
    pub token_endpoint_auth_method: TokenEndpointAuthMethod,
    #[schemars(length(max = 100), inner(length(min = 1, max = 2048)))]
    pub redirect_uris: Option<Vec<String>>,
    #[schemars(length(max = 100), inner(length(min = 1, max = 2048)))]
    pub post_logout_redirect_uris: Option<Vec<String>>,
    #[serde(default)]
    pub allow_wildcard_in_redirect_uris: bool,
    #[serde(default)]
    pub pkce_enforcement: PkceEnforcement,
    /// Seconds.
    #[serde(default = "default::par_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub par_timeout: u32,
    /// Answered only when it was sent: clients compare what they did not ask for.
    pub refresh_token_type: Option<RefreshTokenType>,
    /// Seconds that one refresh token lives.
    #[schemars(range(min = 60, max = 2_147_483_647))]
    pub refresh_token_duration: Option<u32>,
    /// Seconds from the sign-on that its refresh tokens live together.
    #[schemars(range(min = 60, max = 2_147_483_647))]
    pub refresh_token_rolling_duration: Option<u32>,
    /// Seconds that a refresh token may be used again after its exchange.
    #[schemars(range(min = 0, max = 86_400))]
    pub refresh_token_rolling_grace_period_duration: Option<u32>,
    /// Whether the reuse of a refresh token revokes all that came of it.
    #[serde(default = "default::enabled")]
    pub additional_refresh_token_replay_protection_enabled: bool,
    /// Whether a `request` need not be signed.
    #[serde(default)]
    pub support_unsigned_request_object: bool,
    #[schemars(url, length(max = 2048))]
    pub home_page_url: Option<String>,
    #[schemars(url, length(max = 2048))]
    pub initiate_login_uri: Option<String>,
    #[schemars(url, length(max = 2048))]
    pub target_link_uri: Option<String>,
    /// Seconds. Kept for clients that always send it.
    #[serde(default = "default::device_timeout")]
    #[schemars(range(min = 1, max = 3600))]
    pub device_timeout: u32,
    /// Seconds. Kept for clients that always send it.
    #[serde(default = "default::device_polling_interval")]
    #[schemars(range(min = 1, max = 60))]
    pub device_polling_interval: u32,
    pub cors_settings: Option<CorsSettings>,
}

mod default {
    pub(super) const fn par_timeout() -> u32 {
        60
    }
    pub(super) const fn enabled() -> bool {
        true
    }
    pub(super) const fn device_timeout() -> u32 {
        600
    }
    pub(super) const fn device_polling_interval() -> u32 {
        5
    }
}

/// 30 days.
const REFRESH_TOKEN_DURATION: u32 = 2_592_000;
/// 180 days.
const REFRESH_TOKEN_ROLLING_DURATION: u32 = 15_552_000;

impl Oidc {
    pub fn allows(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// What a sign-on is held to: a client that cannot keep a secret must prove by S256 that it is
    /// the one that asked (RFC 9700 §2.1.1), whatever it is set to.
    pub fn pkce(&self) -> PkceEnforcement {
        match self.token_endpoint_auth_method {
            TokenEndpointAuthMethod::None => PkceEnforcement::S256Required,
            TokenEndpointAuthMethod::ClientSecretBasic
            | TokenEndpointAuthMethod::ClientSecretPost => self.pkce_enforcement,
        }
    }

    pub(super) fn check(&self, faults: &mut Vec<Violation>) {
        if self.allows(GrantType::AuthorizationCode)
            && !self
                .response_types
                .iter()
                .flatten()
                .any(|known| *known == ResponseType::Code)
        {
            faults.push(Violation::required("responseTypes"));
        }
        if self.allows(GrantType::ClientCredentials)
            && self.token_endpoint_auth_method == TokenEndpointAuthMethod::None
        {
            let allowed = ["CLIENT_SECRET_BASIC", "CLIENT_SECRET_POST"];
            faults.push(Violation::not_allowed("tokenEndpointAuthMethod", &allowed));
        }
        let pages = [
            ("homePageUrl", &self.home_page_url),
            ("initiateLoginUri", &self.initiate_login_uri),
        ];
        for (target, page) in pages {
            if let Some(Err(message)) = page.as_deref().map(uri::parse_page) {
                faults.push(Violation::invalid(target, message));
            }
        }
        for (index, uri) in self.redirect_uris.iter().flatten().enumerate() {
            if let Err(message) = check_redirect_uri(uri, self.allow_wildcard_in_redirect_uris) {
                faults.push(uri_fault(format!("redirectUris[{index}]"), message));
            }
        }
        for (index, uri) in self.post_logout_redirect_uris.iter().flatten().enumerate() {
            if let Err(message) = check_redirect_uri(uri, false) {
                faults.push(uri_fault(
                    format!("postLogoutRedirectUris[{index}]"),
                    message,
                ));
            }
        }
        let duration = self
            .refresh_token_duration
            .unwrap_or(REFRESH_TOKEN_DURATION);
        let rolling = self
            .refresh_token_rolling_duration
            .unwrap_or(REFRESH_TOKEN_ROLLING_DURATION);
        if duration > rolling {
            let blamed = match self.refresh_token_duration {
                Some(_) => "refreshTokenDuration",
                None => "refreshTokenRollingDuration",
            };
            let message =
                "refreshTokenDuration must not be longer than refreshTokenRollingDuration";
            faults.push(Violation::invalid(blamed, message));
        }
        self.check_cors(faults);
    }

    fn check_cors(&self, faults: &mut Vec<Violation>) {
        let Some(CorsSettings { behavior, origins }) = &self.cors_settings else {
            return;
        };
        let is_empty = origins.as_ref().is_none_or(Vec::is_empty);
        match behavior {
            CorsBehavior::AllowNoOrigins if !is_empty => {
                faults.push(Violation::invalid(
                    "corsSettings.origins",
                    "must be empty with ALLOW_NO_ORIGINS",
                ));
            }
            CorsBehavior::AllowSpecificOrigins if is_empty => {
                faults.push(Violation::required("corsSettings.origins"));
            }
            CorsBehavior::AllowNoOrigins | CorsBehavior::AllowSpecificOrigins => {}
        }
        for (index, origin) in origins.iter().flatten().enumerate() {
            if !is_origin(origin) {
                let message =
                    "must be a scheme and a host, with a port where needed, and nothing else";
                faults.push(Violation::invalid(
                    format!("corsSettings.origins[{index}]"),
                    message,
                ));
            }
        }
    }

    pub(super) fn fill(&mut self) {
        if self.allows(GrantType::RefreshToken) {
            self.refresh_token_duration
                .get_or_insert(REFRESH_TOKEN_DURATION);
            self.refresh_token_rolling_duration
                .get_or_insert(REFRESH_TOKEN_ROLLING_DURATION);
        }
    }
}

/// Clients look for it at the beginning of the answer's own message.
const NO_WILDCARDS: &str = "Wildcards are not allowed in redirect URIs.";

fn uri_fault(target: String, message: &'static str) -> Violation {
    let fault = Violation::invalid(target, message);
    if message == NO_WILDCARDS {
        fault.summed_up(message)
    } else {
        fault
    }
}

/// An absolute URI without fragment (RFC 6749 §3.1.2).
/// With wildcards, one `*` may stand behind the authority.
fn check_redirect_uri(uri: &str, allow_wildcard: bool) -> Result<(), &'static str> {
    if uri::parse(uri)?.fragment().is_some() {
        return Err("must not have a fragment");
    }
    if !uri.contains('*') {
        return Ok(());
    }
    if !allow_wildcard {
        return Err(NO_WILDCARDS);
    }
    let behind = uri
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once(['/', '?']));
    let is_behind = behind.is_some_and(|(authority, _)| !authority.contains('*'));
    if !is_behind || uri.matches('*').count() > 1 {
        return Err("may have one wildcard, in its path or query");
    }
    Ok(())
}

fn is_origin(text: &str) -> bool {
    OriginPattern::parse(text).is_some_and(|pattern| matches!(pattern.scheme(), "http" | "https"))
}
