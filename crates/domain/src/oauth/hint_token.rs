//! `login_hint_token`: by whom, for whom and for how long a user is vouched for.
//!
//! A JWS in compact serialisation (RFC 7515) whose key is the application's secret. Here is all
//! that is not the HMAC itself: the application verifies [`HintToken::signing_input`] and hands
//! the verdict to [`HintToken::accept`].

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::{
    client::Client,
    error::{Cause, DetailCode, OAuthError},
    strict_json,
};
use crate::{
    id::Id,
    profile::Profile,
    secret::Secret,
    time::{Duration, Timestamp},
};

pub const PARAMETER: &str = "login_hint_token";

/// Bytes of the whole token.
const LARGEST: usize = 8 * 1024;
/// Bytes of the shortest secret that may vouch for anybody.
const SHORTEST_SECRET: usize = 32;
/// How far the clocks of client and server may differ.
const SKEW: Duration = Duration::from_seconds(60);
/// The longest life of a hint in the strict profile, in which it is accepted once.
const LONGEST_STRICT_LIFE: Duration = Duration::from_minutes(5);

/// Why a hint is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    #[error("login_hint_token must not be given more than once")]
    Repeated,
    #[error("login_hint_token must not be empty")]
    Empty,
    #[error("login_hint_token is not a valid JWT")]
    TooLarge,
    #[error("login_hint_token is not a valid JWT")]
    Malformed,
    #[error("Unsupported login_hint_token header")]
    UnsupportedHeader,
    #[error("login_hint_token signature is invalid")]
    NoSecret,
    #[error("The application's secret is too short to verify a login_hint_token")]
    WeakSecret,
    #[error("login_hint_token signature is invalid")]
    WrongSignature,
    #[error("iss of login_hint_token must be the client_id")]
    Issuer,
    #[error("aud of login_hint_token must be the issuer")]
    Audience,
    #[error("sub of login_hint_token must be a user id or a username")]
    Subject,
    #[error("{0} of login_hint_token must be a number")]
    NotNumeric(&'static str),
    #[error("{0}")]
    Missing(&'static str),
    #[error("login_hint_token has expired")]
    Expired,
    #[error("exp of login_hint_token must be at most 300 seconds ahead")]
    LivesTooLong,
    #[error("login_hint_token is older than the application allows")]
    TooOld,
    #[error("{0} of login_hint_token is in the future")]
    InFuture(&'static str),
    #[error("login_hint_token has been accepted before")]
    Used,
    #[error("User not found")]
    UserNotFound,
    /// The application lets nobody begin by typing a name.
    #[error("login_hint_token is required")]
    Required,
}

impl HintError {
    /// The check that failed. Some are told in the same words.
    const fn check(self) -> &'static str {
        match self {
            Self::Repeated => "hint_repeated",
            Self::Empty => "hint_empty",
            Self::TooLarge => "hint_too_large",
            Self::Malformed => "hint_malformed",
            Self::UnsupportedHeader => "hint_header",
            Self::NoSecret => "hint_client_without_secret",
            Self::WeakSecret => "hint_secret_too_short",
            Self::WrongSignature => "hint_signature",
            Self::Issuer => "hint_iss",
            Self::Audience => "hint_aud",
            Self::Subject => "hint_sub",
            Self::NotNumeric(_) => "hint_date_not_numeric",
            Self::Missing(_) => "hint_date_missing",
            Self::Expired => "hint_expired",
            Self::LivesTooLong => "hint_lives_too_long",
            Self::TooOld => "hint_too_old",
            Self::InFuture(_) => "hint_in_future",
            Self::Used => "hint_used",
            Self::UserNotFound => "hint_user_not_found",
            Self::Required => "hint_absent",
        }
    }
}

impl From<HintError> for OAuthError {
    fn from(error: HintError) -> Self {
        let answer =
            Self::invalid(PARAMETER, error.to_string()).because(Cause::Hint(error.check()));
        match error {
            HintError::Missing(_) | HintError::Required => Self {
                detail: DetailCode::RequiredValue,
                ..answer
            },
            HintError::Repeated
            | HintError::Empty
            | HintError::TooLarge
            | HintError::Malformed
            | HintError::UnsupportedHeader
            | HintError::NoSecret
            | HintError::WeakSecret
            | HintError::WrongSignature
            | HintError::Issuer
            | HintError::Audience
            | HintError::Subject
            | HintError::NotNumeric(_)
            | HintError::Expired
            | HintError::LivesTooLong
            | HintError::TooOld
            | HintError::InFuture(_)
            | HintError::Used
            | HintError::UserNotFound => answer,
        }
    }
}

/// The algorithms that a hint may choose among. The set is ours, never the header's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::Hs256),
            "HS384" => Some(Self::Hs384),
            "HS512" => Some(Self::Hs512),
            _ => None,
        }
    }
}

/// The secrets that may verify a hint: all of the application's that are long enough.
pub fn verification_secrets(secrets: &[Secret<String>]) -> Result<Vec<&Secret<String>>, HintError> {
    if secrets.is_empty() {
        return Err(HintError::NoSecret);
    }
    let strong: Vec<_> = secrets
        .iter()
        .filter(|secret| secret.expose().len() >= SHORTEST_SECRET)
        .collect();
    if strong.is_empty() {
        Err(HintError::WeakSecret)
    } else {
        Ok(strong)
    }
}

/// A well-formed hint that nobody has verified yet: it tells nothing of its claims.
pub struct HintToken {
    signing_input: String,
    algorithm: Algorithm,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

impl fmt::Debug for HintToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HintToken")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl HintToken {
    pub fn parse(compact: &str) -> Result<Self, HintError> {
        if compact.len() > LARGEST {
            return Err(HintError::TooLarge);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(HintError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(HintError::Malformed)?;
        // A fourth part would leave a dot, which is not base64url.
        let decode = |part: &str| {
            BASE64URL_NOPAD
                .decode(part.as_bytes())
                .map_err(|_| HintError::Malformed)
        };
        let object =
            |part: &str| strict_json::object(&decode(part)?).map_err(|_| HintError::Malformed);
        let (header, claims, signature) = (object(header)?, object(payload)?, decode(signature)?);
        let algorithm = judge_header(&header)?;
        Ok(Self {
            signing_input: signing_input.to_owned(),
            algorithm,
            signature,
            claims,
        })
    }

    /// What was signed: header and payload as they came.
    pub fn signing_input(&self) -> &str {
        &self.signing_input
    }
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Judges the claims of a token whose signature was checked against
    /// [`verification_secrets`]: `verified` tells whether one of them fits.
    pub fn accept(self, verified: bool, rules: &HintRules<'_>) -> Result<Hint, HintError> {
        if !verified {
            return Err(HintError::WrongSignature);
        }
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(rules.client.to_string().as_str()) {
            return Err(HintError::Issuer);
        }
        if !self
            .claims
            .get("aud")
            .is_some_and(|audience| names_one_of(audience, rules.issuers))
        {
            return Err(HintError::Audience);
        }
        let subject = text("sub")
            .filter(|subject| !subject.is_empty())
            .ok_or(HintError::Subject)?;
        let issued_at = self.date("iat")?;
        let expires_at = self.date("exp")?;
        let not_before = self.date("nbf")?;
        rules.judge_expiry(expires_at, issued_at)?;
        rules.judge_beginning(not_before, issued_at)?;
        Ok(Hint {
            subject: subject.to_owned(),
            jti: text("jti").map(str::to_owned),
            expires_at,
            issued_at,
        })
    }

    /// A `NumericDate` (RFC 7519 §2), which may have decimals.
    fn date(&self, name: &'static str) -> Result<Option<Timestamp>, HintError> {
        let Some(value) = self.claims.get(name) else {
            return Ok(None);
        };
        if let Some(seconds) = value.as_i64() {
            return Ok(Some(Timestamp::from_seconds(seconds)));
        }
        let seconds = value.as_f64().ok_or(HintError::NotNumeric(name))?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and so do dates out of range"
        )]
        Ok(Some(Timestamp::from_millis((seconds * 1_000.0) as i64)))
    }
}

fn judge_header(header: &Map<String, Value>) -> Result<Algorithm, HintError> {
    // No nesting, no encryption, nothing that must be understood.
    if ["cty", "enc", "crit"]
        .iter()
        .any(|name| header.contains_key(*name))
    {
        return Err(HintError::UnsupportedHeader);
    }
    let is_jwt = |typ: &Value| {
        typ.as_str()
            .is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))
    };
    if !header.get("typ").is_none_or(is_jwt) {
        return Err(HintError::UnsupportedHeader);
    }
    // `kid`, `jku`, `x5u` and `jwk` are not looked at: the key is always the application's secret.
    let algorithm = header
        .get("alg")
        .and_then(Value::as_str)
        .and_then(Algorithm::parse);
    algorithm.ok_or(HintError::UnsupportedHeader)
}

fn names_one_of(audience: &Value, issuers: &[&str]) -> bool {
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| issuers.contains(&text));
    match audience {
        Value::String(_) => is_ours(audience),
        Value::Array(several) => {
            several.iter().all(Value::is_string) && several.iter().any(is_ours)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// What the claims of a hint are judged by.
#[derive(Debug, Clone, Copy)]
pub struct HintRules<'a> {
    /// Who must have signed it.
    pub client: Id<Client>,
    /// The names of this issuer: the standard one and the custom domain's.
    pub issuers: &'a [&'a str],
    pub now: Timestamp,
    pub profile: Profile,
    /// The application's own limit since `iat`.
    pub maximum_age: Option<Duration>,
}

impl HintRules<'_> {
    fn judge_expiry(
        &self,
        expires_at: Option<Timestamp>,
        issued_at: Option<Timestamp>,
    ) -> Result<(), HintError> {
        match (expires_at, self.profile) {
            (None, Profile::Strict) => return Err(HintError::Missing("exp")),
            (None, Profile::Compat) => {}
            (Some(expires_at), profile) => {
                if self.now >= expires_at + SKEW {
                    return Err(HintError::Expired);
                }
                let begins = issued_at.map_or(self.now, |issued_at| issued_at.min(self.now));
                if profile == Profile::Strict && expires_at > begins + LONGEST_STRICT_LIFE {
                    return Err(HintError::LivesTooLong);
                }
            }
        }
        match (self.maximum_age, issued_at) {
            (Some(_), None) => Err(HintError::Missing("iat")),
            (Some(age), Some(issued_at)) if self.now >= issued_at + age + SKEW => {
                Err(HintError::TooOld)
            }
            (None, _) | (Some(_), Some(_)) => Ok(()),
        }
    }

    fn judge_beginning(
        &self,
        not_before: Option<Timestamp>,
        issued_at: Option<Timestamp>,
    ) -> Result<(), HintError> {
        let lies_ahead = |date: Option<Timestamp>| date.is_some_and(|date| date > self.now + SKEW);
        if lies_ahead(not_before) {
            return Err(HintError::InFuture("nbf"));
        }
        if lies_ahead(issued_at) {
            return Err(HintError::InFuture("iat"));
        }
        Ok(())
    }
}

impl Hint {
    /// Until when it must be remembered where a hint is accepted once: for as long as it could be
    /// accepted again.
    pub fn remembered_until(&self, now: Timestamp) -> Timestamp {
        self.expires_at.unwrap_or(now) + SKEW
    }
}

/// An accepted hint.
#[derive(Clone, PartialEq, Eq)]
pub struct Hint {
    /// A user id or a username of this environment; never an address.
    pub subject: String,
    pub jti: Option<String>,
    /// Absent only in the compat profile; the linter lists such clients.
    pub expires_at: Option<Timestamp>,
    pub issued_at: Option<Timestamp>,
}

/// Without the subject: a username may be a phone number.
impl fmt::Debug for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hint")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "hint_token_tests.rs"]
mod tests;
