//! What tokens tell of a stored user.

use stepgate_domain::{
    oauth::{
        grants::{self, TokenFamily},
        scope::OFFLINE_ACCESS,
    },
    oidc::claims::{AddressClaims, UserClaims},
    resource::Stored,
    resources::user::User,
    time::Timestamp,
};
use stepgate_store::{engine::StoreError, standing::Standing};

use crate::management::typed;

/// Those who stand behind a grant, judged.
#[derive(Debug)]
pub(super) struct Backing {
    pub(super) user: Option<Stored<User>>,
    pub(super) standing: grants::Standing,
}

impl Backing {
    pub(super) fn of(stored: &Standing, now: Timestamp) -> Result<Self, StoreError> {
        let user = stored.user.as_ref().map(typed::<User>).transpose()?;
        let standing = grants::Standing {
            user_is_usable: user.as_ref().is_some_and(|user| user.body.may_sign_on(now)),
            session_is_alive: stored
                .session_expires_at
                .is_some_and(|expires_at| now < expires_at),
        };
        Ok(Self { user, standing })
    }

    /// Whether tokens of the family are worth anything.
    pub(super) fn supports(&self, family: &TokenFamily) -> bool {
        let outlives_session = family.authorization.granted.scopes.contains(OFFLINE_ACCESS);
        family.revoked_at.is_none()
            && self.standing.user_is_usable
            && (self.standing.session_is_alive || outlives_session)
    }

    pub(super) fn claims(&self) -> UserClaims {
        self.user.as_ref().map(claims).unwrap_or_default()
    }
}

/// The standard claims (OIDC Core §5.1) from a user's attributes.
fn claims(stored: &Stored<User>) -> UserClaims {
    let user = &stored.body;
    let profile = &user.profile;
    let name = profile.name.as_ref();
    let given_name = name.and_then(|name| name.given.clone());
    let family_name = name.and_then(|name| name.family.clone());
    let parts: Vec<&str> = [&given_name, &family_name]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    let formatted = name.and_then(|name| name.formatted.clone());
    UserClaims {
        name: formatted.or_else(|| (!parts.is_empty()).then(|| parts.join(" "))),
        given_name,
        family_name,
        middle_name: name.and_then(|name| name.middle.clone()),
        preferred_username: Some(user.username.clone()),
        nickname: profile.nickname.clone(),
        picture: profile.photo.as_ref().map(|photo| photo.href.clone()),
        zoneinfo: profile.timezone.clone(),
        locale: profile.locale.clone(),
        updated_at: Some(stored.updated_at),
        email: profile.email.clone(),
        email_verified: Some(user.email_verified),
        phone_number: profile.primary_phone.clone(),
        address: profile
            .address
            .as_ref()
            .map(|address| AddressClaims {
                formatted: None,
                street_address: address.street_address.clone(),
                locality: address.locality.clone(),
                region: address.region.clone(),
                postal_code: address.postal_code.clone(),
                country: address.country_code.clone(),
            })
            .unwrap_or_default(),
        ..UserClaims::default()
    }
}
