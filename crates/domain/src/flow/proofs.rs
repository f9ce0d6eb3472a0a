//! What was proved in a flow, and what tokens say of it.

use serde::{Deserialize, Serialize};

use super::{
    facts::SessionFacts,
    state::{Flow, Identification},
};
use crate::time::Timestamp;

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

impl Flow {
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
