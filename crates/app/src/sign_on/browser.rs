//! Which browser it is: its cookie, and the flows that are bound to it.
//!
//! A cookie carries a mark of the environment's key, so that one that was set for an earlier flow can
//! be told from one that somebody made up, before anything is stored for it. Under the same mark it
//! names the cookies that it replaced. So what a browser began with an earlier cookie it may finish
//! with a later one, and never the other way round.

use data_encoding::BASE64URL_NOPAD;
use stepgate_domain::{
    flow::{Flow, state::LIFE as LIFE_OF_FLOW},
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::sessions::{self, StoredSession};
use uuid::Uuid;

use super::{Visitor, session};
use crate::{App, error::ManagementError, opaque, seal::DataKey};

/// 144 bits.
const NONCE_BYTES: usize = 18;
const MARK_BYTES: usize = 16;
const MARK_CHARACTERS: usize = 22;
/// What a cookie is remembered by in those that replace it: the end of its hash, 130 bits.
const NAME_CHARACTERS: usize = 22;
/// How many replaced cookies are named; there are no more sign-ons of one browser in an hour.
const MOST_REPLACED: usize = 8;
/// A browser sends two, and some more from tabs that were opened at once.
const MOST_TOKENS: usize = 8;

/// What the browser of an authorization request brings along.
#[derive(Debug)]
pub(super) struct Browser {
    /// It brought no cookie of this environment.
    pub(super) is_new: bool,
    pub(super) token: Secret<String>,
    pub(super) stored: Option<StoredSession>,
}

/// A cookie that this environment made.
#[derive(Debug, Clone)]
struct Cookie<'a> {
    text: &'a Secret<String>,
    hash: String,
    /// The names of those that it replaced, without anything between.
    replaced: &'a str,
}

impl<'a> Cookie<'a> {
    fn of(key: &DataKey, text: &'a Secret<String>) -> Option<Self> {
        let token = text.expose();
        let (marked, sent) = token.split_at_checked(token.len().checked_sub(MARK_CHARACTERS)?)?;
        let (_, replaced) = marked.split_at_checked(opaque::characters(NONCE_BYTES))?;
        let is_ours = Secret::new(mark(key, marked)).matches(sent.as_bytes());
        is_ours.then(|| Self {
            text,
            hash: token_hash(key, text),
            replaced,
        })
    }

    fn is_the_flows(&self, flow: &Flow) -> bool {
        Secret::new(flow.session.token_hash.clone()).matches(self.hash.as_bytes())
    }

    fn replaced(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.replaced;
        std::iter::from_fn(move || {
            let (name, after) = rest.split_at_checked(NAME_CHARACTERS)?;
            rest = after;
            Some(name)
        })
    }

    /// Those whose flows may still be under way.
    fn remembered(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let replaced_at = opaque::minted_at(self.text.expose());
        let is_over = replaced_at.is_none_or(|at| now.since(at) > LIFE_OF_FLOW);
        let earlier = self.replaced().filter(move |_| !is_over);
        std::iter::once(name(&self.hash)).chain(earlier)
    }
}

fn name(token_hash: &str) -> &str {
    let start = token_hash.len().saturating_sub(NAME_CHARACTERS);
    token_hash.get(start..).unwrap_or(token_hash)
}

fn mark(key: &DataKey, marked: &str) -> String {
    let hash = key.hash("session token mark", &[marked.as_bytes()]);
    BASE64URL_NOPAD.encode(hash.get(..MARK_BYTES).unwrap_or(&hash))
}

pub(super) fn token_hash(key: &DataKey, token: &Secret<String>) -> String {
    opaque::hash(key, "session token", token.expose())
}

/// A new cookie in the place of those that the visitor has.
pub(super) fn mint(key: &DataKey, visitor: &Visitor, now: Timestamp) -> Secret<String> {
    let cookies = cookies(key, visitor);
    let mut replaced: Vec<&str> = Vec::new();
    for name in cookies.iter().flat_map(|cookie| cookie.remembered(now)) {
        if replaced.len() < MOST_REPLACED && !replaced.contains(&name) {
            replaced.push(name);
        }
    }
    let mut token = opaque::mint(now, NONCE_BYTES);
    token.extend(replaced);
    let mark = mark(key, &token);
    token.push_str(&mark);
    Secret::new(token)
}

/// The visitor's own cookies of this environment, each once.
fn cookies<'a>(key: &DataKey, visitor: &'a Visitor) -> Vec<Cookie<'a>> {
    let mut cookies: Vec<Cookie<'a>> = Vec::new();
    for text in visitor.session_tokens.iter().take(MOST_TOKENS) {
        let is_new = !cookies.iter().any(|it| it.text.expose() == text.expose());
        if is_new {
            cookies.extend(Cookie::of(key, text));
        }
    }
    cookies
}

async fn stored(
    app: &App,
    environment: Uuid,
    cookies: &[Cookie<'_>],
    now: Timestamp,
) -> Result<Vec<StoredSession>, ManagementError> {
    let hashes: Vec<String> = cookies.iter().map(|cookie| cookie.hash.clone()).collect();
    let found = sessions::find_any(&*app.engine, environment, &hashes).await?;
    let mut alive = Vec::with_capacity(found.len());
    for session in found.into_iter().filter(|session| session.expires_at > now) {
        alive.push(session::as_it_counts(app, session, now).await?);
    }
    Ok(alive)
}

/// The visitor's session, or its cookie alone, or a new cookie.
pub(super) async fn browser(
    app: &App,
    environment: Uuid,
    key: &DataKey,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Browser, ManagementError> {
    let cookies = cookies(key, visitor);
    let session = stored(app, environment, &cookies, now).await?.pop();
    let of_session = cookies.iter().find(|cookie| {
        session
            .as_ref()
            .is_some_and(|session| session.token_hash == cookie.hash)
    });
    let token = of_session.or(cookies.first()).map(|it| it.text.clone());
    Ok(Browser {
        is_new: token.is_none(),
        token: token.unwrap_or_else(|| mint(key, visitor, now)),
        stored: session,
    })
}

/// Whether the visitor is the one who began the flow: by the cookie of then, or by one that has
/// replaced it.
pub(super) fn is_bound(key: &DataKey, flow: &Flow, visitor: &Visitor) -> bool {
    let name = name(&flow.session.token_hash);
    cookies(key, visitor)
        .iter()
        .any(|cookie| cookie.is_the_flows(flow) || cookie.replaced().any(|it| it == name))
}

/// The session that another flow has opened for this user in the same browser meanwhile.
pub(super) async fn opened_meanwhile(
    app: &App,
    key: &DataKey,
    flow: &Flow,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Option<StoredSession>, ManagementError> {
    let mut later = cookies(key, visitor);
    later.retain(|cookie| !cookie.is_the_flows(flow));
    let user = flow.user.as_ref().map(|user| user.id.uuid());
    let mut found = stored(app, flow.environment.uuid(), &later, now).await?;
    found.retain(|session| session.user.is_some() && session.user == user);
    Ok(found.pop())
}
