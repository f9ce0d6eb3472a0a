//! What a client writes of a user, by POST, PUT or PATCH.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Lifecycle, LifecycleStatus, Population, Profile, User, VerifyStatus, profile::VISIBLE,
};
use crate::{
    hidden::Hidden,
    id::Ref,
    name,
    resource::{Context, Stored},
    resources::{mfa_settings::MfaSettings, population::POPULATION},
    violation::Violation,
};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserDraft {
    #[schemars(length(min = 1, max = 128))]
    pub username: String,
    #[serde(flatten)]
    pub profile: Profile,
    /// Only for a new user; one that is there is moved by another operation.
    pub population: Option<Ref<Population>>,
    pub identity_provider: Option<ProviderDraft>,
    /// Only for a new user.
    pub mfa_enabled: Option<bool>,
    /// Only for a new user.
    pub verify_status: Option<VerifyStatus>,
}

/// Absent or without an id: the environment itself authenticates the user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProviderDraft {
    pub id: Option<String>,
}

impl UserDraft {
    /// Fills in what the environment's settings say about users created without it.
    #[must_use]
    pub fn or_settings(mut self, settings: &MfaSettings) -> Self {
        self.mfa_enabled.get_or_insert(settings.users.mfa_enabled);
        self
    }

    pub(super) fn build(
        self,
        previous: Option<&Stored<User>>,
        context: &Context<'_>,
    ) -> Result<User, Vec<Violation>> {
        let mut faults = self.profile.faults();
        faults.extend(VISIBLE.fault("username", &self.username).or_else(|| {
            name::fault(&self.username).map(|message| Violation::invalid("username", message))
        }));
        if self
            .identity_provider
            .is_some_and(|provider| provider.id.is_some())
        {
            faults.push(Violation::invalid(
                "identityProvider.id",
                "is not an identity provider",
            ));
        }
        let before = previous.map(|previous| &previous.body);
        let population = match before {
            Some(before) => Some(before.population),
            None => self.population.or_else(|| {
                (context.defaults)(&POPULATION).map(|id| Ref {
                    id: crate::id::Id::from_uuid(id),
                })
            }),
        };
        let Some(population) = population else {
            faults.push(Violation::required("population"));
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(match before {
            Some(before) => {
                let same_address = before.profile.email == self.profile.email;
                User {
                    username: self.username,
                    email_verified: before.email_verified && same_address,
                    profile: self.profile,
                    ..before.clone()
                }
            }
            None => User {
                username: self.username,
                profile: self.profile,
                email_verified: false,
                population,
                enabled: true,
                lifecycle: Lifecycle {
                    status: LifecycleStatus::AccountOk,
                },
                mfa_enabled: self.mfa_enabled.unwrap_or(false),
                verify_status: self.verify_status.unwrap_or_default(),
                last_sign_on: None,
                credentials: Hidden::default(),
            },
        })
    }
}
