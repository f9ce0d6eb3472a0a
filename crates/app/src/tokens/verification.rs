//! Reads a token of ours (RFC 7515, RFC 9068): the signature first, then the claims.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use stepgate_domain::{
    id::Id,
    oidc::access_token,
    resources::{application::Application, environment::Environment},
    time::Timestamp,
};

use crate::{App, keys::KeyError};

/// A token whose signature, issuer and life are in order.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    pub environment: Id<Environment>,
    pub typ: String,
    pub claims: Map<String, Value>,
}

impl VerifiedToken {
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim)?.as_str()
    }
    pub fn id<T>(&self, claim: &str) -> Option<Id<T>> {
        self.text(claim)?.parse().ok()
    }
    pub fn client(&self) -> Option<Id<Application>> {
        self.id("client_id")
    }
    /// Not every access token says what it is; all others of ours do.
    pub fn is_access_token(&self) -> bool {
        matches!(self.typ.as_str(), "" | access_token::TYP)
    }
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.text("scope")
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !scope.is_empty())
    }
    /// Whether `aud`, a string or a list, contains such an audience.
    pub fn is_for(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(single)) => is_meant(single),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(is_meant),
            _ => false,
        }
    }
}

/// Why a token is not accepted. Whoever sent it is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    Malformed,
    OtherIssuer,
    UnknownKey,
    WrongSignature,
    Expired,
    /// Another kind of token, or one for somebody else.
    WrongUse,
    /// Its application is gone or disabled.
    ClientGone,
    /// Its user, its session or its grant is gone.
    Revoked,
}

impl TokenFault {
    pub const fn check(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::OtherIssuer => "token_issuer",
            Self::UnknownKey => "token_key_unknown",
            Self::WrongSignature => "token_signature",
            Self::Expired => "token_expired",
            Self::WrongUse => "token_wrong_use",
            Self::ClientGone => "token_client_gone",
            Self::Revoked => "token_revoked",
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: String,
}

/// The environment of a token that is valid now.
pub async fn environment_of_token(
    app: &App,
    token: &str,
) -> Result<Result<Id<Environment>, TokenFault>, KeyError> {
    let verified = verify(app, token, app.now()).await?;
    Ok(verified.map(|token| token.environment))
}

/// Accepts a valid token of ours.
pub async fn verify(
    app: &App,
    token: &str,
    now: Timestamp,
) -> Result<Result<VerifiedToken, TokenFault>, KeyError> {
    let Some(parts) = parse(token) else {
        return Ok(Err(TokenFault::Malformed));
    };
    let issuer = parts.claims.get("iss").and_then(Value::as_str);
    let Some(environment) = issuer.and_then(|issuer| environment_of(app, issuer)) else {
        return Ok(Err(TokenFault::OtherIssuer));
    };
    let keys = match app.signing_keys(environment.uuid()).await {
        Ok(keys) => keys,
        Err(KeyError::Seal(_)) => return Ok(Err(TokenFault::OtherIssuer)),
        Err(error) => return Err(error),
    };
    let Some(key) = keys.iter().find(|key| key.kid == parts.header.kid) else {
        return Ok(Err(TokenFault::UnknownKey));
    };
    let alive = parts
        .claims
        .get("exp")
        .and_then(Value::as_i64)
        .is_some_and(|exp| exp > now.as_seconds());
    if parts.header.alg != "RS256" || !key.verify(parts.signing_input.as_bytes(), &parts.signature)
    {
        return Ok(Err(TokenFault::WrongSignature));
    }
    if !alive {
        return Ok(Err(TokenFault::Expired));
    }
    Ok(Ok(VerifiedToken {
        environment,
        typ: parts.header.typ,
        claims: parts.claims,
    }))
}

struct Parts<'a> {
    signing_input: &'a str,
    header: Header,
    claims: Map<String, Value>,
    signature: Vec<u8>,
}

fn parse(token: &str) -> Option<Parts<'_>> {
    if token.len() > 16 * 1024 {
        return None;
    }
    let (signing_input, signature) = token.rsplit_once('.')?;
    let (header, claims) = signing_input.split_once('.')?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    Some(Parts {
        signing_input,
        header: serde_json::from_slice(&decode(header)?).ok()?,
        claims: serde_json::from_slice(&decode(claims)?).ok()?,
        signature: decode(signature)?,
    })
}

/// The environment of an issuer `{base}/{environment}/as`, when the base is ours.
fn environment_of(app: &App, issuer: &str) -> Option<Id<Environment>> {
    let (base, environment) = issuer.strip_suffix("/as")?.rsplit_once('/')?;
    app.settings
        .origins
        .contains(base)
        .then(|| environment.parse().ok())
        .flatten()
}
