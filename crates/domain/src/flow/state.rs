//! The whole state of one sign-on. It is stored as one JSON body.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    facts::{SessionFacts, UserFacts},
    input::Action,
    policy::{ActionKind, Policy},
    status::{Challenge, Failure, Status},
};
use crate::{
    ids::{ApplicationId, EnvironmentId, FlowId, MessageId, UserId},
    oauth::authorization_request::AuthorizationRequest,
    otp::CodeHash,
    resources::application::Icon,
    time::{Duration, Remembered, Timestamp},
};

/// A flow expires after this much inactivity,
pub const IDLE: Duration = Duration::from_minutes(15);
/// and at the latest this long after it began.
pub const LIFE: Duration = Duration::from_minutes(60);
/// Reading a flow prolongs it, but is written only when this much of its idle time is gone.
pub const TOUCH_AFTER: Duration = Duration::from_seconds(60);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub id: FlowId,
    pub environment: EnvironmentId,
    pub application: Application,
    pub response_mode: ResponseMode,
    /// Kept for whoever answers it, not read here.
    pub authorization_request: Asked,
    /// Whose flow it is, from its first moment: nobody else sees it or acts on it.
    pub session: SessionBinding,
    /// The last sign-ons of the session, when they may count: of the flow's own user.
    pub signed_on: Option<SessionFacts>,
    pub remote_ip: Option<IpAddr>,
    /// The identifier typed or hinted without a signature: pre-fills a form, proves nothing.
    pub login_hint: Option<String>,
    /// Earlier sign-ons of the session do not count: `prompt=login`, or `max_age` has passed.
    pub reauthenticate: bool,
    /// A second factor is asked for only of whom a signed hint, a session or a password names.
    #[serde(default)]
    pub requires_hint: bool,
    /// All actions were skipped though nothing vouched for the user: the first one now runs anyway.
    pub unconditional: bool,
    pub user: Option<User>,
    /// In order of priority; those before `policy` have failed.
    pub policies: Vec<Policy>,
    pub policy: usize,
    /// The action of the policy that is due.
    pub action: usize,
    pub proofs: Vec<Proof>,
    pub created_at: Timestamp,
    pub touched_at: Timestamp,
    pub status: Status,
}

impl Remembered for Flow {
    /// It is touched whenever anything of it happens.
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.touched_at.max(self.created_at).is_yet_to_come(now)
            || self.signed_on.as_ref().is_some_and(|it| it.is_ahead(now))
    }
    fn believed_at(mut self, now: Timestamp) -> Self {
        self.created_at = self.created_at.believed_at(now);
        self.touched_at = self.touched_at.believed_at(now);
        self.signed_on = self.signed_on.map(|session| session.believed_at(now));
        for proof in &mut self.proofs {
            proof.at = proof.at.believed_at(now);
        }
        match &mut self.status {
            Status::OtpRequired { challenge, .. } => {
                if let Some(code) = &mut challenge.code {
                    code.expires_at = code.expires_at.ending_as_of(code.sent_at, now);
                    code.sent_at = code.sent_at.believed_at(now);
                }
            }
            // Until when is as wrong; it is judged anew when a code is asked for.
            Status::DeviceSelectionRequired { not_sent, .. } => *not_sent = None,
            Status::SignOnRequired
            | Status::UsernamePasswordRequired
            | Status::PasswordRequired
            | Status::Completed
            | Status::Failed { .. } => {}
        }
        self
    }
}

/// What the client asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub request: AuthorizationRequest,
    /// The session was there already when the flow began.
    pub session_is_stored: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub id: ApplicationId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<Icon>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResponseMode {
    /// `pi.flow`: the flow itself is the answer.
    PiFlow,
    /// Query, fragment or form post: the browser is sent on.
    Redirect,
}

/// The session that the flow will raise, and the cookie that it was begun with. Opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionBinding {
    pub id: String,
    pub token_hash: String,
}

/// What a flow begins with.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own of the request or of the application"
)]
pub struct Start {
    pub id: FlowId,
    pub environment: EnvironmentId,
    pub application: Application,
    pub response_mode: ResponseMode,
    pub authorization_request: Asked,
    pub session: SessionBinding,
    /// The session's last sign-ons, when it has a user. Without a hint, that user is the flow's.
    pub signed_on: Option<SessionFacts>,
    pub remote_ip: Option<IpAddr>,
    pub login_hint: Option<String>,
    /// A signed hint names the user in the facts.
    pub hinted: bool,
    /// In order of priority.
    pub policies: Vec<Policy>,
    pub prompt_none: bool,
    pub prompt_login: bool,
    pub requires_hint: bool,
    pub max_age: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub identified_by: Identification,
}

/// How it is known whom the flow is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Identification {
    SignedHint,
    Session,
    Password,
    /// Somebody typed a name. Before they prove something the flow is about its stand-in.
    Lookup {
        typed: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub method: ProofMethod,
    pub at: Timestamp,
}

impl Proof {
    /// When something was last proved by such a method.
    pub fn last(proofs: &[Self], is_wanted: impl Fn(ProofMethod) -> bool) -> Option<Timestamp> {
        let wanted = proofs.iter().filter(|proof| is_wanted(proof.method));
        wanted.map(|proof| proof.at).max()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProofMethod {
    Password,
    Sms,
    Email,
}

impl ProofMethod {
    /// Something the user knows; all else proves that they have something.
    pub const fn is_password(self) -> bool {
        matches!(self, Self::Password)
    }
}

impl User {
    /// What names the user in conditions: as it was typed, if it was.
    pub(crate) fn identifier(&self) -> &str {
        match &self.identified_by {
            Identification::Lookup { typed } => typed,
            Identification::SignedHint | Identification::Session | Identification::Password => {
                &self.username
            }
        }
    }
}

impl Flow {
    /// The name that was typed, while that is all that is known: the flow is about its stand-in.
    pub fn typed_name(&self) -> Option<&str> {
        match &self.user.as_ref()?.identified_by {
            Identification::Lookup { typed } => Some(typed).filter(|_| self.proofs.is_empty()),
            Identification::SignedHint | Identification::Session | Identification::Password => None,
        }
        .map(String::as_str)
    }
    /// Whether somebody is named, by nothing but a typed name.
    pub fn is_anonymous(&self) -> bool {
        self.typed_name().is_some()
    }
    /// The actions possible now: both what is linked and what is accepted.
    pub fn offered(&self) -> &'static [Action] {
        match &self.status {
            Status::SignOnRequired if self.asks_for_password() => &[
                Action::UserLookup,
                Action::UsernamePasswordCheck,
                Action::SessionReset,
            ],
            Status::SignOnRequired => &[Action::UserLookup, Action::SessionReset],
            Status::UsernamePasswordRequired | Status::PasswordRequired => {
                &[Action::UsernamePasswordCheck, Action::SessionReset]
            }
            Status::DeviceSelectionRequired { .. } => &[Action::DeviceSelect, Action::SessionReset],
            Status::OtpRequired { .. } => {
                &[Action::OtpCheck, Action::DeviceSelect, Action::SessionReset]
            }
            Status::Completed | Status::Failed { .. } => &[],
        }
    }
    /// Whether a LOGIN action is due or follows.
    fn asks_for_password(&self) -> bool {
        let actions = self.current_policy().map(|policy| policy.actions.iter());
        actions
            .into_iter()
            .flatten()
            .skip(self.action)
            .any(|action| matches!(action.kind, ActionKind::Login))
    }
    pub fn offers(&self, action: Action) -> bool {
        self.offered().contains(&action)
    }
    /// What this flow needs for the action beside what everybody's must have: whose password it is.
    pub const fn needs(&self, action: Action) -> Option<&'static str> {
        match action {
            Action::UsernamePasswordCheck if self.user.is_none() => Some("username"),
            Action::UsernamePasswordCheck
            | Action::SessionReset
            | Action::UserLookup
            | Action::DeviceSelect
            | Action::OtpCheck => None,
        }
    }
    pub fn expires_at(&self) -> Timestamp {
        (self.touched_at + IDLE).min(self.ends_at())
    }
    /// At the latest, whatever is done to it.
    pub fn ends_at(&self) -> Timestamp {
        self.created_at + LIFE
    }
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }
    /// Whether somebody may still type the code that this message carries.
    pub fn awaits(&self, message: MessageId, now: Timestamp) -> bool {
        match &self.status {
            Status::OtpRequired { challenge, .. } => {
                challenge.message == message && !self.is_expired(now)
            }
            Status::SignOnRequired
            | Status::UsernamePasswordRequired
            | Status::PasswordRequired
            | Status::DeviceSelectionRequired { .. }
            | Status::Completed
            | Status::Failed { .. } => false,
        }
    }
    /// Notes that somebody is still there.
    pub fn touch(&mut self, now: Timestamp) {
        self.touched_at = self.touched_at.max(now);
    }
    /// Whether a read should be written down as activity; nobody waits for that write.
    pub fn should_persist_touch(&self, now: Timestamp) -> bool {
        now.since(self.touched_at) > TOUCH_AFTER
    }
    /// Whether a code of this flow is on its way, or has come and was not used.
    pub fn awaits_code(&self, now: Timestamp) -> bool {
        matches!(
            &self.status,
            Status::OtpRequired { challenge: Challenge { code: Some(code), .. }, .. }
                if code.expires_at > now
        )
    }
    /// The hash to compare a submitted code with. None when no code is outstanding.
    pub const fn outstanding_code(&self) -> Option<&CodeHash> {
        match &self.status {
            Status::OtpRequired {
                challenge: Challenge {
                    code: Some(code), ..
                },
                ..
            } => Some(&code.hash),
            Status::OtpRequired { .. }
            | Status::SignOnRequired
            | Status::UsernamePasswordRequired
            | Status::PasswordRequired
            | Status::DeviceSelectionRequired { .. }
            | Status::Completed
            | Status::Failed { .. } => None,
        }
    }
    /// The policy that is being, or has been, satisfied.
    pub fn current_policy(&self) -> Option<&Policy> {
        self.policies.get(self.policy)
    }
    /// Why the flow's user may not have what the flow was completed for after all, if so: who was
    /// disabled or locked after the last proof may not, nor who was relieved of MFA after a code, nor
    /// whom the application does not let in.
    pub fn bar(&self, user: &UserFacts, is_permitted: bool, now: Timestamp) -> Option<Failure> {
        let ignore_lock = self.current_policy().is_some_and(Policy::ignores_user_lock);
        let is_the_flows = self.user.as_ref().is_some_and(|own| own.id == user.id);
        if !is_the_flows || !user.is_usable(user.lock.filter(|_| !ignore_lock), now) {
            Some(Failure::AccountNotUsable)
        } else if !is_permitted {
            Some(Failure::NotPermitted)
        } else if !user.mfa_enabled && self.proofs.iter().any(|it| !it.method.is_password()) {
            Some(Failure::MfaDisabled)
        } else {
            None
        }
    }
    /// Authentication context class: the name of the policy that was completed.
    pub fn acr(&self) -> Option<&str> {
        self.current_policy().map(|policy| policy.name.as_str())
    }
    /// Authentication methods (RFC 8176) that were performed in this flow, or earlier in the session
    /// where that counts; `mfa` when two kinds of factor were, in whatever order.
    pub fn amr(&self) -> Vec<&'static str> {
        let earlier = self.session_counts().map(|session| &session.proofs);
        let proved = |wanted: ProofMethod| {
            let all = self.proofs.iter().chain(earlier.into_iter().flatten());
            all.map(|proof| proof.method).any(|method| method == wanted)
        };
        let (by_password, by_sms) = (proved(ProofMethod::Password), proved(ProofMethod::Sms));
        let by_code = by_sms || proved(ProofMethod::Email);
        let told = [
            ("pwd", by_password),
            ("otp", by_code),
            ("sms", by_sms),
            ("mfa", by_password && by_code),
        ];
        let performed = told.into_iter().filter(|(_, is_performed)| *is_performed);
        performed.map(|(name, _)| name).collect()
    }
    /// When the last of that was proved.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.proved_at(|_| true)
    }
    /// When the user last proved, in this very flow, to have something besides a password. Not after a
    /// hint: then somebody else said who the user is.
    pub fn second_factor_at(&self) -> Option<Timestamp> {
        let proofs = Some(&self.proofs).filter(|_| !self.is_hinted())?;
        Proof::last(proofs, |method| !method.is_password())
    }
    /// The session's sign-ons, unless they have to be repeated or are another user's.
    pub(crate) fn session_counts(&self) -> Option<&SessionFacts> {
        let session = self.signed_on.as_ref().filter(|_| !self.reauthenticate)?;
        let user = self.user.as_ref()?;
        (user.id == session.user).then_some(session)
    }
    /// When something was last proved by such a method, in this flow or in the session.
    pub(crate) fn proved_at(&self, is_wanted: impl Fn(ProofMethod) -> bool) -> Option<Timestamp> {
        let session = self.session_counts();
        let earlier = session.and_then(|session| Proof::last(&session.proofs, &is_wanted));
        Proof::last(&self.proofs, &is_wanted).max(earlier)
    }
    pub(crate) fn has_password_proof(&self) -> bool {
        self.proved_at(ProofMethod::is_password).is_some()
    }
    pub(crate) fn is_hinted(&self) -> bool {
        self.user
            .as_ref()
            .is_some_and(|user| user.identified_by == Identification::SignedHint)
    }
    /// Whether more than a typed name speaks for the user.
    pub(crate) fn is_vouched_for(&self) -> bool {
        let Some(user) = &self.user else { return false };
        match user.identified_by {
            Identification::SignedHint | Identification::Password => true,
            Identification::Session => self.session_counts().is_some() || !self.proofs.is_empty(),
            Identification::Lookup { .. } => !self.proofs.is_empty(),
        }
    }
}
