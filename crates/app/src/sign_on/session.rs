//! The browser's session: when its user last signed on. A cookie is worth a session only by what is
//! stored under its hash.

use serde::{Deserialize, Serialize};
use stepgate_domain::{
    flow::{
        Flow,
        facts::SessionFacts,
        state::{Proof, ProofMethod},
    },
    id::Id,
    ids::UserId,
    oauth::Session,
    secret::Secret,
    time::{Duration, Remembered, Timestamp},
};
use stepgate_store::{
    engine::Statement,
    sessions::{self, StoredSession},
};
use uuid::Uuid;

use super::{
    SessionCookie, Visitor,
    browser::{mint, token_hash},
};
use crate::{App, error::ManagementError, random::SystemRandom, remembered, seal::DataKey};

/// How many sessions a user has at most; the one that was not used for the longest time gives way.
const MOST: u32 = 10;
/// How long a session lives after it was last used.
const LIFE: Duration = Duration::from_days(30);

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
        self.active_at.is_yet_to_come(now)
    }
    fn believed_at(mut self, now: Timestamp) -> Self {
        self.created_at = self.created_at.believed_at(now);
        self.active_at = self.active_at.believed_at(now);
        if let Some(last) = &mut self.last_sign_on {
            last.at = last.at.believed_at(now);
            let with = &mut last.with_authenticator;
            for proved in [&mut with.pwd, &mut with.mfa, &mut with.sms, &mut with.email] {
                *proved = proved.map(|At { at }| At {
                    at: at.believed_at(now),
                });
            }
        }
        self
    }
}

/// The session as it counts now. One that is ahead of the clock is corrected first.
pub(super) async fn as_it_counts(
    app: &App,
    session: StoredSession,
    now: Timestamp,
) -> Result<StoredSession, ManagementError> {
    let record = Record::of(&session)?;
    if !record.is_ahead(now) {
        return Ok(session);
    }
    let corrected = StoredSession {
        expires_at: now + LIFE,
        body: serde_json::to_string(&record.believed_at(now))?,
        ..session
    };
    remembered::correct(app, vec![sessions::update(corrected.clone())]).await?;
    Ok(StoredSession {
        version: corrected.version.saturating_add(1),
        ..corrected
    })
}

pub(super) fn cookie(token: Secret<String>) -> SessionCookie {
    SessionCookie {
        token,
        max_age: Some(LIFE.as_seconds_ceil()),
        further_for: None,
    }
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
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Raised, ManagementError> {
    // Another user's session is left alone, and one that has ended does not come back.
    let is_taken = before
        .as_ref()
        .is_some_and(|it| it.user != Some(user) || it.expires_at <= now);
    let before = before.filter(|_| !is_taken);
    let intended = flow.session.id.parse::<Uuid>().ok().filter(|_| !is_taken);
    let id = before.as_ref().map(|before| before.id).or(intended);
    let id = id.unwrap_or_else(|| Id::<Session>::new(now, &mut SystemRandom).uuid());
    let record = before.as_ref().map(Record::of).transpose()?;
    let record = record.map(|record| record.believed_at(now));
    let last = record
        .as_ref()
        .and_then(|record| record.last_sign_on.clone());
    let with = last.as_ref().map(|last| last.with_authenticator);
    let with = with.unwrap_or_default();
    let has_proof = !flow.proofs.is_empty();
    let last_sign_on = if has_proof || last.is_none() {
        Some(LastSignOn {
            at: now,
            remote_ip: visitor.remote_ip.map(|ip| ip.to_string()),
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
    let fresh = (has_proof || before.is_none()).then(|| mint(key, visitor, now));
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
