//! The browser's session: its cookie, and when its user last signed on.
//!
//! A cookie is worth something only by what is stored under its hash. It also carries a mark of the
//! environment's key, so that one that was set for an earlier flow can be told from one that somebody
//! made up, before anything is stored for it.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use stepgate_domain::{
    flow::{
        Flow,
        facts::SessionFacts,
        ids::UserId,
        state::{Proof, ProofMethod},
    },
    id::Id,
    oauth::Session,
    secret::Secret,
    time::{Duration, Remembered, Timestamp},
};
use stepgate_store::{
    engine::Statement,
    sessions::{self, StoredSession},
};
use uuid::Uuid;

use super::{SessionCookie, Visitor};
use crate::{App, error::ManagementError, opaque, random::SystemRandom, remembered, seal::DataKey};

/// How many sessions a user has at most; the one that was not used for the longest time gives way.
const MOST: u32 = 10;
/// How long a session lives after it was last used.
const LIFE: Duration = Duration::from_days(30);
/// 144 bits.
const NONCE_BYTES: usize = 18;
const MARK_BYTES: usize = 16;
/// A browser sends two; more are not looked at.
const MOST_TOKENS: usize = 4;

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) created_at: Timestamp,
    pub(super) active_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sign_on: Option<LastSignOn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastSignOn {
    pub(super) at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote_ip: Option<String>,
    #[serde(default)]
    pub(super) with_authenticator: WithAuthenticator,
}

/// `lastSignOn.withAuthenticator`: when what was last proved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WithAuthenticator {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pwd: Option<At>,
    /// By whatever means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mfa: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sms: Option<At>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<At>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct At {
    pub(super) at: Timestamp,
}

impl WithAuthenticator {
    fn proofs(self) -> Vec<Proof> {
        let methods = [
            (ProofMethod::Password, self.pwd),
            (ProofMethod::Sms, self.sms),
            (ProofMethod::Email, self.email),
        ];
        let proved = methods.into_iter().filter_map(|(method, at)| {
            let At { at } = at?;
            Some(Proof { method, at })
        });
        proved.collect()
    }

    /// With what was proved since.
    fn and(self, proofs: &[Proof]) -> Self {
        let last = |wanted| Proof::last(proofs, |method| method == wanted).map(|at| At { at });
        let sms = last(ProofMethod::Sms).or(self.sms);
        let email = last(ProofMethod::Email).or(self.email);
        Self {
            pwd: last(ProofMethod::Password).or(self.pwd),
            mfa: sms.max(email),
            sms,
            email,
        }
    }
}

impl Remembered for Record {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.active_at > now
    }
    fn as_of(mut self, now: Timestamp) -> Self {
        self.created_at = self.created_at.as_of(now);
        self.active_at = self.active_at.as_of(now);
        if let Some(last) = &mut self.last_sign_on {
            last.at = last.at.as_of(now);
            let with = &mut last.with_authenticator;
            for proved in [&mut with.pwd, &mut with.mfa, &mut with.sms, &mut with.email] {
                *proved = proved.map(|At { at }| At { at: at.as_of(now) });
            }
        }
        self
    }
}

pub(super) fn mint(key: &DataKey, now: Timestamp) -> Secret<String> {
    let mut token = opaque::mint(now, NONCE_BYTES);
    let mark = mark(key, &token);
    token.push_str(&mark);
    Secret::new(token)
}

fn mark(key: &DataKey, nonce: &str) -> String {
    let hash = key.hash("session token mark", &[nonce.as_bytes()]);
    BASE64URL_NOPAD.encode(hash.get(..MARK_BYTES).unwrap_or(&hash))
}

/// Whether this environment made the cookie.
fn is_ours(key: &DataKey, token: &Secret<String>) -> bool {
    token
        .expose()
        .split_at_checked(opaque::characters(NONCE_BYTES))
        .is_some_and(|(nonce, rest)| Secret::new(mark(key, nonce)).matches(rest.as_bytes()))
}

pub(super) fn token_hash(key: &DataKey, token: &Secret<String>) -> String {
    opaque::hash(key, "session token", token.expose())
}

pub(super) fn cookie(token: Secret<String>) -> SessionCookie {
    SessionCookie {
        token,
        max_age: Some(LIFE.as_seconds_ceil()),
    }
}

/// What the browser of an authorization request brings along.
#[derive(Debug)]
pub(super) struct Browser {
    pub(super) token: Secret<String>,
    pub(super) stored: Option<StoredSession>,
}

/// The visitor's own tokens of this environment, each once.
fn tokens<'a>(key: &DataKey, visitor: &'a Visitor) -> Vec<&'a Secret<String>> {
    let mut tokens: Vec<&Secret<String>> = Vec::new();
    for token in visitor.session_tokens.iter().take(MOST_TOKENS) {
        let is_new = !tokens.iter().any(|it| it.expose() == token.expose());
        if is_new && is_ours(key, token) {
            tokens.push(token);
        }
    }
    tokens
}

async fn stored(
    app: &App,
    environment: Uuid,
    key: &DataKey,
    tokens: &[&Secret<String>],
    now: Timestamp,
) -> Result<Vec<StoredSession>, ManagementError> {
    let hashes: Vec<String> = tokens.iter().map(|token| token_hash(key, token)).collect();
    let mut found = sessions::find_any(&*app.engine, environment, &hashes).await?;
    found.retain(|session| session.expires_at > now);
    for session in &mut found {
        // It lives for a while after its last use, which is yet to come then.
        if session.expires_at > now + LIFE {
            let record = Record::of(session)?.as_of(now);
            session.expires_at = now + LIFE;
            session.body = serde_json::to_string(&record)?;
            remembered::correct(app, vec![sessions::update(session.clone())]).await?;
            session.version = session.version.saturating_add(1);
        }
    }
    Ok(found)
}

/// The visitor's session, or its cookie alone, or a new cookie.
pub(super) async fn browser(
    app: &App,
    environment: Uuid,
    key: &DataKey,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Browser, ManagementError> {
    let tokens = tokens(key, visitor);
    let session = stored(app, environment, key, &tokens, now).await?.pop();
    let of_session = tokens.iter().find(|token| {
        session
            .as_ref()
            .is_some_and(|session| session.token_hash == token_hash(key, token))
    });
    let token = of_session.or(tokens.first()).map(|token| (*token).clone());
    Ok(Browser {
        token: token.unwrap_or_else(|| mint(key, now)),
        stored: session,
    })
}

/// Whether the visitor is the one the flow is bound to: by the cookie it was begun with, or by the
/// newer cookie of the same session.
pub(super) async fn is_bound(
    app: &App,
    key: &DataKey,
    flow: &Flow,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<bool, ManagementError> {
    let tokens = tokens(key, visitor);
    let bound = Secret::new(flow.session.token_hash.clone());
    if tokens
        .iter()
        .any(|token| bound.matches(token_hash(key, token).as_bytes()))
    {
        return Ok(true);
    }
    let sessions = stored(app, flow.environment.uuid(), key, &tokens, now).await?;
    Ok(sessions
        .iter()
        .any(|session| session.id.to_string() == flow.session.id))
}

impl Record {
    pub(super) fn of(session: &StoredSession) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&session.body)
    }
}

/// What the session's user has proved; none when nothing ever was, for then it vouches for nobody.
pub(super) fn signed_on(
    session: &StoredSession,
) -> Result<Option<SessionFacts>, serde_json::Error> {
    let Some(user) = session.user else {
        return Ok(None);
    };
    let last = Record::of(session)?.last_sign_on;
    let proofs = last.map(|last| last.with_authenticator.proofs());
    let facts = proofs
        .filter(|proofs| !proofs.is_empty())
        .map(|proofs| SessionFacts {
            user: UserId::from_uuid(user),
            proofs,
        });
    Ok(facts)
}

/// A session as a finished flow leaves it, and its cookie where that is a new one.
#[derive(Debug)]
pub(super) struct Raised {
    pub(super) id: Id<Session>,
    pub(super) session: StoredSession,
    pub(super) is_new: bool,
    pub(super) cookie: Option<SessionCookie>,
}

impl Raised {
    /// What is to be written.
    pub(super) fn statements(self) -> Vec<Statement> {
        if !self.is_new {
            return vec![sessions::update(self.session)];
        }
        let make_room = sessions::keep_latest(&self.session, MOST);
        vec![sessions::insert(self.session), make_room]
    }
}

/// Opens or raises the session of the flow. Whoever proved something gets a new cookie: one that was
/// known before must not become worth more.
pub(super) fn raise(
    key: &DataKey,
    flow: &Flow,
    user: Uuid,
    before: Option<StoredSession>,
    remote_ip: Option<String>,
    now: Timestamp,
) -> Result<Raised, ManagementError> {
    // Another user's session is left alone, and one that has ended does not come back.
    let is_taken = before
        .as_ref()
        .is_some_and(|it| it.user != Some(user) || it.expires_at <= now);
    let before = before.filter(|_| !is_taken);
    let id = flow.session.id.parse::<Uuid>().ok().filter(|_| !is_taken);
    let id = id.unwrap_or_else(|| Id::<Session>::new(now, &mut SystemRandom).uuid());
    let record = before.as_ref().map(Record::of).transpose()?;
    let record = record.map(|record| record.as_of(now));
    let last = record
        .as_ref()
        .and_then(|record| record.last_sign_on.clone());
    let with = last.as_ref().map(|last| last.with_authenticator);
    let with = with.unwrap_or_default();
    let has_proof = !flow.proofs.is_empty();
    let last_sign_on = if has_proof || last.is_none() {
        Some(LastSignOn {
            at: now,
            remote_ip,
            with_authenticator: with.and(&flow.proofs),
        })
    } else {
        last
    };
    let record = Record {
        created_at: record.map_or(now, |record| record.created_at),
        active_at: now,
        last_sign_on,
    };
    let fresh = (has_proof || before.is_none()).then(|| mint(key, now));
    let hash = match (&fresh, &before) {
        (None, Some(before)) => before.token_hash.clone(),
        (Some(token), _) => token_hash(key, token),
        (None, None) => flow.session.token_hash.clone(),
    };
    Ok(Raised {
        id: Id::from_uuid(id),
        is_new: before.is_none(),
        session: StoredSession {
            environment: flow.environment.uuid(),
            id,
            token_hash: hash,
            user: Some(user),
            version: before.map_or(0, |before| before.version),
            expires_at: now + LIFE,
            body: serde_json::to_string(&record)?,
        },
        cookie: fresh.map(cookie),
    })
}
