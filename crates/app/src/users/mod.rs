//! Users: born with or without a password, changed by verbs, gone with all that is theirs.

pub mod password;

use serde_json::Value;
use stepgate_domain::{
    access::Reach,
    audit::Action,
    authenticator::attempts::UserFailures,
    password::{NewValue, PasswordFailures, WantedPassword},
    resource::{Resource, Stored},
    resources::{
        device::Device,
        mfa_settings::MfaSettings,
        user::{
            BypassMfaDraft, EnabledDraft, ImportDraft, Imported, LockDraft, MfaEnabledDraft,
            MoveDraft, ProviderDraft, User, UserDraft, VerifyStatusDraft, import as build_import,
        },
    },
    schema,
    time::{Duration, Timestamp},
    violation::Violation,
};
use stepgate_store::{counters, engine::Statement, sessions, token_families};
use uuid::Uuid;

use crate::{
    App,
    error::{Denial, ManagementError},
    management::{
        self, Caller, ListRequest, Place, Target, change_with, reaches_below, with_context,
    },
    settings, sign_on,
};

/// Creates a user without a password.
pub async fn create(
    app: &App,
    caller: &Caller,
    place: Place,
    body: Value,
) -> Result<Stored<User>, ManagementError> {
    let settings = settings::current::<MfaSettings>(app, place.environment).await?;
    let draft = schema::decode::<UserDraft>(body)?.or_settings(&settings.body);
    let target = Target::new(app, caller, place, app.new_id::<User>().uuid());
    let built = with_context::<User, _>(&target, None, |context| User::build(draft, None, context))
        .await??;
    management::insert(&target, built.into()).await
}

/// Creates a user with what other bodies may not set, the password included.
pub async fn import(
    app: &App,
    caller: &Caller,
    place: Place,
    body: Value,
) -> Result<Stored<User>, ManagementError> {
    let settings = settings::current::<MfaSettings>(app, place.environment).await?;
    let mut draft = schema::decode::<ImportDraft>(body)?;
    draft.user = draft.user.or_settings(&settings.body);
    let target = Target::new(app, caller, place, app.new_id::<User>().uuid());
    let Imported { user, password } =
        with_context::<User, _>(&target, None, |context| build_import(draft, context)).await??;
    let population = user.population.id.uuid();
    let kind = User::KIND;
    if !reaches_below(app, caller, kind, place.environment, Some(population)).await? {
        return Err(ManagementError::Forbidden(Denial::OutOfReach));
    }
    let user = match password {
        Some(password) => {
            let wanted = WantedPassword {
                value: NewValue::parse(&password.value, "password")?,
                force_change: password.force_change,
                bypass_policy: false,
                target: "password",
            };
            let policy = password::policy_of(app, place.environment, &user).await?;
            let now = app.now();
            let hash = password::accepted(app, &user, &policy.body, &wanted, now).await?;
            user.with_password(hash, wanted.force_change, &policy.body, now)
        }
        None => user,
    };
    management::insert(&target, user.into()).await
}

/// The user goes, and with it devices, sessions, what its tokens are worth, and its counters.
pub async fn remove(target: &Target<'_>) -> Result<(), ManagementError> {
    let Target {
        app,
        caller,
        place,
        id,
        ..
    } = *target;
    management::read::<User>(target).await?;
    let everyone = Caller {
        reach: Reach::Everything,
        ..caller.clone()
    };
    let devices = management::list::<Device>(
        app,
        &everyone,
        Place {
            parent: Some(id),
            ..place
        },
        ListRequest::default(),
    )
    .await?;
    let mut with = end_sessions(target, app.now())?;
    with.extend(
        counters_of(id)
            .into_iter()
            .chain([format!("sends:{id}")])
            .chain(
                devices
                    .items
                    .iter()
                    .map(|device| format!("device:{}", device.id)),
            )
            .map(|subject| counters::delete(place.environment, &subject)),
    );
    management::remove_with::<User>(target, with).await
}

/// Whoever is signed on has to sign on again, and every token of the user is void.
pub(crate) fn end_sessions(
    target: &Target<'_>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    ended(target, None, now)
}

/// A secret of the user, or a way to prove it, is another one or gone: whoever else is signed on has
/// to sign on again. The sign-on by which the user changed it goes on.
pub(crate) fn end_other_sessions(
    target: &Target<'_>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let actor = &target.caller.actor;
    let is_own = actor.user == Some(target.id);
    ended(target, actor.session.filter(|_| is_own), now)
}

fn ended(
    target: &Target<'_>,
    spared: Option<Uuid>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let (environment, user) = (target.place.environment, target.id);
    Ok(vec![
        sessions::delete_of_user(environment, user, spared),
        token_families::revoke_of_user(environment, user, spared, now),
        target.event::<User>(&Action::SESSION_DELETED, now)?,
    ])
}

fn counters_of(user: Uuid) -> [String; 2] {
    [mfa_counter(user), password::counter(user)]
}

fn mfa_counter(user: Uuid) -> String {
    format!("user:{user}")
}

/// How long a count that says nothing is kept.
const EMPTY_COUNT: Duration = Duration::from_days(2);

/// Wrong codes count from nothing again.
fn forgive_codes(target: &Target<'_>) -> Result<Statement, ManagementError> {
    let none = serde_json::to_string(&UserFailures::default())?;
    Ok(forgotten(target, &mfa_counter(target.id), none))
}

/// Wrong passwords count from nothing again.
fn forgive_passwords(target: &Target<'_>) -> Result<Statement, ManagementError> {
    let none = serde_json::to_string(&PasswordFailures::default())?;
    Ok(forgotten(target, &password::counter(target.id), none))
}

fn forgotten(target: &Target<'_>, subject: &str, none: String) -> Statement {
    let expires_at = target.app.now() + EMPTY_COUNT;
    counters::reset(target.place.environment, subject, none, expires_at)
}

/// An end in the past locks nothing.
pub async fn lock(target: &Target<'_>, draft: LockDraft) -> Result<Stored<User>, ManagementError> {
    let now = target.app.now();
    let with = if draft.unlock_at.is_some_and(|end| end <= now) {
        Vec::new()
    } else {
        vec![target.event::<User>(&Action::USER_LOCKED, now)?]
    };
    change_with(target, with, |user: User, now| {
        Ok(user.lock_account(draft.unlock_at, now))
    })
    .await
}

/// Ends every lock of the account, and forgives what led to them.
pub async fn unlock(target: &Target<'_>) -> Result<Stored<User>, ManagementError> {
    let mut with = vec![
        forgive_codes(target)?,
        forgive_passwords(target)?,
        target.event::<User>(&Action::USER_UNLOCKED, target.app.now())?,
    ];
    let username = management::read::<User>(target).await?.body.username;
    with.extend(sign_on::forgive_name(target.app, target.place.environment, &username).await?);
    change_with(target, with, |user: User, _| Ok(user.unlock_account())).await
}

/// Disabling ends the user's sessions and tokens.
pub async fn enable(
    target: &Target<'_>,
    draft: EnabledDraft,
) -> Result<Stored<User>, ManagementError> {
    let with = if draft.enabled {
        Vec::new()
    } else {
        end_sessions(target, target.app.now())?
    };
    change_with(target, with, |user: User, _| Ok(user.enable(draft.enabled))).await
}

pub async fn move_to(
    target: &Target<'_>,
    draft: MoveDraft,
) -> Result<Stored<User>, ManagementError> {
    let event = target.event::<User>(&Action::USER_MOVED, target.app.now())?;
    change_with(target, vec![event], |user: User, _| {
        Ok(user.move_to(draft.id))
    })
    .await
    .map_err(|error| match error {
        // The body of this operation is the population's id alone.
        ManagementError::Invalid(violations) => ManagementError::Invalid(
            violations
                .into_iter()
                .map(|violation| match violation.target.as_str() {
                    "population.id" => Violation {
                        target: "id".to_owned(),
                        ..violation
                    },
                    _ => violation,
                })
                .collect(),
        ),
        other => other,
    })
}

pub async fn enable_mfa(
    target: &Target<'_>,
    draft: MfaEnabledDraft,
) -> Result<Stored<User>, ManagementError> {
    let with = if draft.mfa_enabled {
        Vec::new()
    } else {
        end_other_sessions(target, target.app.now())?
    };
    change_with(target, with, |user: User, _| {
        Ok(user.enable_mfa(draft.mfa_enabled))
    })
    .await
}

pub async fn bypass_mfa(
    target: &Target<'_>,
    draft: BypassMfaDraft,
) -> Result<Stored<User>, ManagementError> {
    change_with(target, Vec::new(), |user: User, now| {
        Ok(user.bypass_mfa(draft.until, now))
    })
    .await
}

pub async fn set_verify_status(
    target: &Target<'_>,
    draft: VerifyStatusDraft,
) -> Result<Stored<User>, ManagementError> {
    change_with(target, Vec::new(), |user: User, _| {
        Ok(user.set_verify_status(draft.verify_status))
    })
    .await
}

/// The environment itself is the only identity provider; nobody chooses their own.
pub async fn set_identity_provider(
    target: &Target<'_>,
    draft: &ProviderDraft,
) -> Result<Stored<User>, ManagementError> {
    if target.caller.actor.user == Some(target.id) {
        return Err(ManagementError::Forbidden(Denial::OwnIdentityProvider));
    }
    if draft.id.is_some() {
        return Err(Violation::invalid("id", "is not an identity provider").into());
    }
    change_with(target, Vec::new(), |user: User, _| Ok(user)).await
}
