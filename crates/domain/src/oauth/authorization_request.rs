//! The authorization request, in the order of its checks:
//!
//! | stage | knows | an error is told |
//! |---|---|---|
//! | [`client_id`] | the parameters | on a page |
//! | [`Addressed::check`] | the client | on a page |
//! | [`Addressed::validate`] | grants, policies | by redirect |
//!
//! With `response_mode=pi.flow` every error is told as JSON. [`Redirection`] is only made from a
//! URI that is registered, so an unvalidated one has nowhere to be put.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    authorization_response::Redirection,
    client::{ApplicationType, Client, GrantType, ResponseType},
    error::{OAuthError, OAuthErrorCode},
    hint_token::{self, HintToken},
    parameters::Parameters,
    pkce::CodeChallenge,
    recipient::{AuthorizeError, Recipient},
    redirect_uri,
    scope::{Allowance, GrantedScopes, ScopeError, Scopes},
};
use crate::{id::Id, resources::environment::Environment, time::Duration};

/// `prompt` (OIDC Core §3.1.2.1). `consent` changes nothing for the code grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Prompt {
    #[default]
    AsNeeded,
    /// Never interact.
    None,
    /// Authenticate again, whatever the session says.
    Login,
}

/// A judged request: everything that the flow and the code need of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    pub client: Id<Client>,
    pub environment: Id<Environment>,
    pub recipient: Recipient,
    pub granted: GrantedScopes,
    /// Decided here, because the application's grants are known here.
    pub with_refresh_token: bool,
    pub nonce: Option<String>,
    /// Names of assigned policies in order of preference; empty when the client has none.
    pub acr_values: Vec<String>,
    pub prompt: Prompt,
    pub max_age: Option<Duration>,
    pub code_challenge: Option<CodeChallenge>,
    /// Fills in the user name and proves nothing. Absent beside a signed hint, which wins.
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
}

/// Without nonce, challenge and hint.
impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("client", &self.client)
            .field("scopes", &self.granted.scopes)
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

/// What [`Addressed::validate`] needs to know beside the request.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationFacts<'a> {
    pub allowance: Allowance<'a>,
    /// Names of the sign-on policies assigned to the application (or of the default one).
    pub policies: &'a [&'a str],
}

/// The client that a request names.
pub fn client_id(parameters: &Parameters) -> Result<Id<Client>, AuthorizeError> {
    let client = match parameters.get("client_id") {
        Ok(Some(text)) => text.parse().map_err(|_| unknown_client()),
        Ok(None) => Err(OAuthError::required("client_id")),
        Err(repeated) => Err(repeated.into()),
    };
    client.map_err(|error| unaddressed(parameters, error))
}

pub fn unknown_client() -> OAuthError {
    OAuthError::invalid("client_id", "client_id names no enabled application")
}

/// In bytes.
const LONGEST_STATE: usize = 2_048;
/// Parameters of free text, with their most bytes.
const SIZES: [(&str, usize); 5] = [
    ("state", LONGEST_STATE),
    ("nonce", 2_048),
    ("login_hint", 1_024),
    ("ui_locales", 1_024),
    ("acr_values", 1_024),
];

fn unaddressed(parameters: &Parameters, error: OAuthError) -> AuthorizeError {
    if is_pi_flow(parameters) {
        AuthorizeError::PiFlow(error)
    } else {
        AuthorizeError::Page(error)
    }
}

fn is_pi_flow(parameters: &Parameters) -> bool {
    parameters.first("response_mode") == Some("pi.flow")
}

/// A request whose client is known and whose redirect URI is registered: from here on errors reach
/// the client.
#[derive(Debug)]
pub struct Addressed<'a> {
    parameters: &'a Parameters,
    client: &'a Client,
    recipient: Recipient,
}

impl<'a> Addressed<'a> {
    /// `client` is what was found by [`client_id`].
    pub fn check(
        parameters: &'a Parameters,
        client: Option<&'a Client>,
    ) -> Result<Self, AuthorizeError> {
        let client = client.filter(|client| client.is_usable());
        let client = client.ok_or_else(|| unaddressed(parameters, unknown_client()))?;
        let uri = checked_redirect_uri(parameters, client)
            .map_err(|error| unaddressed(parameters, error))?;
        // A repeated state cannot be echoed: which one would it be? Nor one of any size.
        let state = parameters.get("state").ok().flatten();
        let state = state
            .filter(|state| state.len() <= LONGEST_STATE)
            .map(str::to_owned);
        let recipient = match (is_pi_flow(parameters), uri) {
            (true, redirect_uri) => Recipient::PiFlow {
                redirect_uri: redirect_uri.map(str::to_owned),
                state,
            },
            (false, Some(uri)) => Recipient::Redirect(Redirection::to_registered(
                uri,
                parameters.first("response_mode"),
                state,
            )),
            (false, None) => return Err(AuthorizeError::Page(missing_redirect_uri(parameters))),
        };
        Ok(Self {
            parameters,
            client,
            recipient,
        })
    }

    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Judges all other parameters.
    pub fn validate(self, facts: &AuthorizationFacts<'_>) -> Result<Accepted, AuthorizeError> {
        match self.judge(facts) {
            Ok((request, hint)) => Ok(Accepted { request, hint }),
            Err(error) => Err(self.recipient.refuse(error)),
        }
    }

    fn judge(
        &self,
        facts: &AuthorizationFacts<'_>,
    ) -> Result<(AuthorizationRequest, Option<HintToken>), OAuthError> {
        let hint = self.parameters.hint(hint_token::PARAMETER)?;
        self.parameters.each_once()?;
        self.judge_sizes()?;
        self.refuse_what_is_not_served()?;
        self.judge_response_mode()?;
        self.judge_response_type()?;
        self.judge_hints()?;
        let scopes = self.scopes()?;
        let granted = facts.allowance.for_user(&scopes, self.get("resource")?)?;
        let request = AuthorizationRequest {
            client: self.client.id,
            environment: self.client.environment,
            recipient: self.recipient.clone(),
            with_refresh_token: facts.allowance.has_refresh_token(&scopes),
            granted,
            nonce: self.owned("nonce")?,
            acr_values: self.acr_values(facts.policies)?,
            prompt: self.prompt()?,
            max_age: self.max_age()?,
            code_challenge: CodeChallenge::parse(
                self.get("code_challenge")?,
                self.get("code_challenge_method")?,
                self.client.required_pkce(),
            )?,
            login_hint: if hint.is_some() {
                None
            } else {
                self.owned("login_hint")?
            },
            ui_locales: self.owned("ui_locales")?,
        };
        Ok((request, hint.map(HintToken::parse).transpose()?))
    }

    fn get(&self, name: &str) -> Result<Option<&'a str>, OAuthError> {
        Ok(self.parameters.get(name)?)
    }

    fn owned(&self, name: &str) -> Result<Option<String>, OAuthError> {
        Ok(self.get(name)?.map(str::to_owned))
    }

    /// What a flow keeps of the request, strangers must not fill the disk with.
    fn judge_sizes(&self) -> Result<(), OAuthError> {
        for (name, most) in SIZES {
            if self.get(name)?.is_some_and(|value| value.len() > most) {
                let text = format!("{name} must not be longer than {most} bytes");
                return Err(OAuthError::invalid(name, text));
            }
        }
        Ok(())
    }

    fn refuse_what_is_not_served(&self) -> Result<(), OAuthError> {
        if self.parameters.has("request_uri") {
            return Err(not_supported(
                OAuthErrorCode::RequestUriNotSupported,
                "request_uri",
            ));
        }
        if self.parameters.has("request") {
            return Err(not_supported(
                OAuthErrorCode::RequestNotSupported,
                "request",
            ));
        }
        if self.client.requires_pushed_authorization_requests {
            return Err(OAuthError::required("request_uri"));
        }
        if self.client.require_signed_request_object {
            return Err(OAuthError::required("request"));
        }
        match ["id_token_hint", "mobilePayload"]
            .into_iter()
            .find(|name| self.parameters.has(name))
        {
            Some(name) => Err(not_supported(OAuthErrorCode::InvalidRequest, name)),
            None => Ok(()),
        }
    }

    fn judge_response_mode(&self) -> Result<(), OAuthError> {
        match self.get("response_mode")? {
            None | Some("query" | "fragment" | "form_post" | "pi.flow") => Ok(()),
            Some(_) => Err(OAuthError::invalid(
                "response_mode",
                "response_mode must be one of query, fragment, form_post, pi.flow",
            )),
        }
    }

    fn judge_response_type(&self) -> Result<(), OAuthError> {
        let response_type = self
            .get("response_type")?
            .ok_or_else(|| OAuthError::required("response_type"))?;
        if response_type != "code" {
            let text = "response_type must be code";
            return Err(
                OAuthError::new(OAuthErrorCode::UnsupportedResponseType, text).at("response_type"),
            );
        }
        let is_service = self.client.application_type == ApplicationType::Service;
        if is_service || !self.client.has_grant_type(GrantType::AuthorizationCode) {
            return Err(
                unauthorized("The application may not use authorization codes").at("response_type"),
            );
        }
        if !self.client.response_types.contains(&ResponseType::Code) {
            let text = "response_type code is not allowed for the application";
            return Err(
                OAuthError::new(OAuthErrorCode::UnsupportedResponseType, text).at("response_type"),
            );
        }
        Ok(())
    }

    /// Tokens of workers carry administration, so nobody but the user may begin their sign-on.
    fn judge_hints(&self) -> Result<(), OAuthError> {
        let hint = [hint_token::PARAMETER, "login_hint"]
            .into_iter()
            .find(|name| self.parameters.has(name));
        match (self.client.application_type, hint) {
            (ApplicationType::Worker, Some(name)) => {
                Err(unauthorized("A worker application may not use hints").at(name))
            }
            (ApplicationType::Worker, None)
            | (
                ApplicationType::WebApp
                | ApplicationType::NativeApp
                | ApplicationType::SinglePageApp
                | ApplicationType::Service,
                _,
            ) => Ok(()),
        }
    }

    fn scopes(&self) -> Result<Scopes, OAuthError> {
        let Some(text) = self.get("scope")? else {
            return Ok(Scopes::openid());
        };
        let scopes = Scopes::parse(text).map_err(ScopeError::from)?;
        Ok(if scopes.is_empty() {
            Scopes::openid()
        } else {
            scopes
        })
    }

    fn acr_values(&self, policies: &[&str]) -> Result<Vec<String>, OAuthError> {
        let Some(text) = self.get("acr_values")? else {
            return Ok(Vec::new());
        };
        let mut assigned: Vec<String> = Vec::new();
        for name in text
            .split_ascii_whitespace()
            .filter(|name| policies.contains(name))
        {
            if !assigned.iter().any(|other| other == name) {
                assigned.push(name.to_owned());
            }
        }
        if assigned.is_empty() {
            let text = "acr_values names no sign-on policy that is assigned to the application";
            return Err(OAuthError::invalid("acr_values", text));
        }
        Ok(assigned)
    }

    fn prompt(&self) -> Result<Prompt, OAuthError> {
        let refuse = |text| Err(OAuthError::invalid("prompt", text));
        let values: Vec<_> = self
            .get("prompt")?
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        if values.contains(&"none") {
            return if values.iter().all(|value| *value == "none") {
                Ok(Prompt::None)
            } else {
                refuse("prompt none must stand alone")
            };
        }
        let mut prompt = Prompt::AsNeeded;
        for value in values {
            match value {
                "login" | "select_account" => prompt = Prompt::Login,
                "consent" => {}
                _ => return refuse("prompt must be made of none, login, consent, select_account"),
            }
        }
        Ok(prompt)
    }

    fn max_age(&self) -> Result<Option<Duration>, OAuthError> {
        let Some(text) = self.get("max_age")? else {
            return Ok(None);
        };
        match text.parse::<u32>() {
            Ok(seconds) if !text.starts_with('+') => {
                Ok(Some(Duration::from_seconds(i64::from(seconds))))
            }
            Ok(_) | Err(_) => Err(OAuthError::invalid(
                "max_age",
                "max_age must be a number of seconds",
            )),
        }
    }
}

fn checked_redirect_uri<'a>(
    parameters: &'a Parameters,
    client: &Client,
) -> Result<Option<&'a str>, OAuthError> {
    let Some(uri) = parameters.get("redirect_uri")? else {
        return Ok(None);
    };
    if redirect_uri::is_registered(client, uri) {
        Ok(Some(uri))
    } else {
        Err(OAuthError::invalid("redirect_uri", "Redirect URI mismatch"))
    }
}

/// A request object or a pushed request would have held it: then that is what must be told.
fn missing_redirect_uri(parameters: &Parameters) -> OAuthError {
    if parameters.has("request_uri") {
        not_supported(OAuthErrorCode::RequestUriNotSupported, "request_uri")
    } else if parameters.has("request") {
        not_supported(OAuthErrorCode::RequestNotSupported, "request")
    } else {
        OAuthError::required("redirect_uri")
    }
}

fn not_supported(code: OAuthErrorCode, name: &str) -> OAuthError {
    OAuthError::new(code, format!("{name} is not supported")).at(name)
}

fn unauthorized(text: &str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::UnauthorizedClient, text)
}

/// A valid request, and the signed hint whose signature and claims are still to be judged.
#[derive(Debug)]
pub struct Accepted {
    pub request: AuthorizationRequest,
    pub hint: Option<HintToken>,
}

impl AuthorizationRequest {
    pub fn refuse(&self, error: impl Into<OAuthError>) -> AuthorizeError {
        self.recipient.refuse(error)
    }

    /// The answer when interaction would be needed but `prompt=none` forbids it.
    pub fn login_required(&self) -> AuthorizeError {
        // A browser SDK of the vendor's looks for these words before it redirects to the sign-on.
        let text = "User authentication is required";
        self.refuse(OAuthError::new(OAuthErrorCode::LoginRequired, text).at("prompt"))
    }
}

#[cfg(test)]
#[path = "authorization_request_tests.rs"]
mod tests;
