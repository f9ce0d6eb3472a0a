//! The secret of an application or of a resource, and its rotation. While the one before has not
//! expired, both are right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::{
    entropy::Entropy,
    secret::Secret,
    time::{Duration, Timestamp},
    violation::Violation,
};

/// Under these names the sealed members stand beside the document.
pub const CURRENT: &str = "secret";
pub const PREVIOUS: &str = "previousSecret";

/// 64 characters of base64url.
const BYTES: usize = 48;
const SHORTEST_GRACE: Duration = Duration::from_minutes(1);
const LONGEST_GRACE: Duration = Duration::from_days(30);

#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviousSecret {
    pub secret: Secret<String>,
    pub expires_at: Timestamp,
    pub last_used: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct ClientSecrets {
    pub current: Secret<String>,
    pub previous: Option<PreviousSecret>,
}

/// The body of a rotation: whether, and until when, the secret of now remains right.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct RotationDraft {
    pub previous: Option<PreviousDraft>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct PreviousDraft {
    pub expires_at: Timestamp,
}

/// Which secret was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    Current,
    Previous,
}

impl ClientSecrets {
    pub fn new(entropy: &mut dyn Entropy) -> Self {
        Self {
            current: Secret::new(entropy.token(BYTES)),
            previous: None,
        }
    }

    /// From the members as they were sealed. A previous one that cannot be read counts as gone.
    pub fn open(current: Secret<String>, previous: Option<&Secret<String>>) -> Self {
        let previous = previous.and_then(|sealed| serde_json::from_str(sealed.expose()).ok());
        Self { current, previous }
    }

    /// The members to be sealed.
    pub fn seal(self) -> Vec<(&'static str, Option<Secret<String>>)> {
        let previous = self
            .previous
            .and_then(|previous| serde_json::to_string(&previous).ok());
        vec![
            (CURRENT, Some(self.current)),
            (PREVIOUS, previous.map(Secret::new)),
        ]
    }

    /// Without [`RotationDraft::previous`], the secret of now is wrong at once.
    pub fn rotate(
        self,
        draft: RotationDraft,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, Vec<Violation>> {
        let previous = match draft.previous {
            None => None,
            Some(PreviousDraft { expires_at }) => {
                if expires_at < now + SHORTEST_GRACE || expires_at > now + LONGEST_GRACE {
                    let message = "must be between 1 minute and 30 days from now";
                    return Err(vec![Violation::invalid("previous.expiresAt", message)]);
                }
                Some(PreviousSecret {
                    secret: self.current,
                    expires_at,
                    last_used: None,
                })
            }
        };
        Ok(Self {
            previous,
            ..Self::new(entropy)
        })
    }

    #[must_use]
    pub fn without_previous(self) -> Self {
        Self {
            previous: None,
            ..self
        }
    }

    /// Notes that the previous secret was used.
    #[must_use]
    pub fn with_previous_used(self, now: Timestamp) -> Self {
        let previous = self.previous.map(|previous| PreviousSecret {
            last_used: Some(now),
            ..previous
        });
        Self { previous, ..self }
    }

    /// Compares in constant time.
    pub fn matching(&self, presented: &[u8], now: Timestamp) -> Option<Matched> {
        let previous = self
            .valid_previous(now)
            .is_some_and(|previous| previous.secret.matches(presented));
        if self.current.matches(presented) {
            Some(Matched::Current)
        } else {
            previous.then_some(Matched::Previous)
        }
    }

    /// The secrets that a signature may have been made with, the current one first.
    pub fn candidates(&self, now: Timestamp) -> impl Iterator<Item = (Matched, &Secret<String>)> {
        let previous = self
            .valid_previous(now)
            .map(|previous| (Matched::Previous, &previous.secret));
        std::iter::once((Matched::Current, &self.current)).chain(previous)
    }

    fn valid_previous(&self, now: Timestamp) -> Option<&PreviousSecret> {
        self.previous
            .as_ref()
            .filter(|previous| now < previous.expires_at)
    }

    /// The members of the answer, secrets in clear: for those only who may read them.
    pub fn view(&self, now: Timestamp) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("secret".to_owned(), self.current.expose().as_str().into());
        if let Some(Ok(previous)) = self.valid_previous(now).map(serde_json::to_value) {
            members.insert("previous".to_owned(), previous);
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{entropy::Seeded, resources::trial::NOW};

    fn until(duration: Duration) -> RotationDraft {
        RotationDraft {
            previous: Some(PreviousDraft {
                expires_at: NOW + duration,
            }),
        }
    }

    fn reopened(secrets: ClientSecrets) -> ClientSecrets {
        let mut sealed = secrets.seal();
        let (_, previous) = sealed.pop().unwrap();
        let (_, current) = sealed.pop().unwrap();
        ClientSecrets::open(current.unwrap(), previous.as_ref())
    }

    #[test]
    fn a_secret_is_long_and_of_the_documented_characters() {
        let secrets = ClientSecrets::new(&mut Seeded(1));
        let secret = secrets.current.expose();
        assert!(secret.len() >= 64);
        assert!(
            secret
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)),
            "{secret}"
        );
    }

    #[test]
    fn during_the_grace_both_secrets_are_right_and_then_only_the_new_one() {
        let first = ClientSecrets::new(&mut Seeded(1));
        let old = first.current.clone();
        let grace = Duration::from_minutes(5);
        let second = reopened(first.rotate(until(grace), NOW, &mut Seeded(2)).unwrap());
        let new = second.current.expose().as_bytes();
        let old = old.expose().as_bytes();

        assert_eq!(second.matching(new, NOW), Some(Matched::Current));
        assert_eq!(second.matching(old, NOW), Some(Matched::Previous));
        assert_eq!(second.candidates(NOW).count(), 2);
        assert_eq!(second.matching(old, NOW + grace), None);
        assert_eq!(second.candidates(NOW + grace).count(), 1);
        assert_eq!(second.matching(b"guess", NOW), None);
        assert!(second.view(NOW).contains_key("previous"));
        assert!(!second.view(NOW + grace).contains_key("previous"));
    }

    #[test]
    fn without_a_grace_the_old_secret_is_wrong_at_once() {
        let first = ClientSecrets::new(&mut Seeded(1));
        let old = first.current.clone();
        let second = reopened(
            first
                .rotate(RotationDraft::default(), NOW, &mut Seeded(2))
                .unwrap(),
        );
        assert_eq!(second.matching(old.expose().as_bytes(), NOW), None);
    }

    #[test]
    fn a_dropped_secret_is_wrong_and_a_used_one_says_when() {
        let first = ClientSecrets::new(&mut Seeded(1));
        let old = first.current.clone();
        let second = first
            .rotate(until(Duration::from_hours(1)), NOW, &mut Seeded(2))
            .unwrap();
        let used = reopened(second.with_previous_used(NOW));
        let members = used.view(NOW);
        assert_eq!(
            members.get("previous").unwrap()["lastUsed"],
            NOW.to_string()
        );
        assert_eq!(
            used.without_previous()
                .matching(old.expose().as_bytes(), NOW),
            None
        );
    }

    #[test]
    fn a_grace_shorter_than_a_minute_or_longer_than_thirty_days_is_refused() {
        for (grace, is_accepted) in [
            (Duration::from_seconds(59), false),
            (Duration::from_seconds(60), true),
            (Duration::from_days(30), true),
            (
                Duration::from_millis(Duration::from_days(30).as_millis() + 1),
                false,
            ),
        ] {
            let rotated =
                ClientSecrets::new(&mut Seeded(1)).rotate(until(grace), NOW, &mut Seeded(2));
            assert_eq!(rotated.is_ok(), is_accepted, "{grace:?}");
        }
    }
}
