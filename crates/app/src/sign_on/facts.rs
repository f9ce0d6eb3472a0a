//! What a step is judged by, from stored rows.

use serde::de::DeserializeOwned;
use stepgate_domain::{
    authenticator::{
        Versioned,
        attempts::Lockout,
        sending::{DailyHistory, Senders},
    },
    condition::Condition,
    flow::{
        Facts, Flow, Policy, PolicyAction, Subject, SubjectFacts, policy::ActionKind, stand_in,
        stored,
    },
    id::Id,
    message::Channel,
    name,
    resource::{Built, Resource, Stored},
    resources::{
        application::Application,
        device::{Device, order},
        mfa_settings::MfaSettings,
        user::User,
    },
    time::{Remembered, Timestamp},
};
use stepgate_store::{
    counters::{self, StoredCounter},
    documents::Document,
    engine::Statement,
    facts::{UserFacts, UserKey, sign_on_facts as read_facts},
};
use uuid::Uuid;

use super::code::Drawn;
use crate::{
    App,
    error::ManagementError,
    management::{Place, prepare_replace, typed},
    remembered,
    seal::DataKey,
    settings,
};

/// A user with devices and counters: the rows, and what the engine is told of them.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) document: Document,
    pub(super) user: Stored<User>,
    pub(super) devices: Vec<(Document, Stored<Device>)>,
    pub(super) subject: SubjectFacts,
    counters: Vec<StoredCounter>,
}

impl Known {
    pub(super) fn of(rows: UserFacts, now: Timestamp) -> Result<Self, ManagementError> {
        let user = typed::<User>(&rows.user)?;
        let mut devices = rows
            .devices
            .iter()
            .map(typed::<Device>)
            .collect::<Result<Vec<_>, _>>()?;
        let preferred = user.body.credentials.device_order.as_deref();
        order::arrange(&mut devices, preferred);
        let mut told = Vec::with_capacity(devices.len());
        for device in &devices {
            let document = rows.devices.iter().find(|row| row.id == device.id.uuid());
            let address_key = document
                .and_then(|row| row.subject.as_deref()?.strip_prefix("address:"))
                .unwrap_or_default()
                .to_owned();
            let failures = versioned(&rows.counters, &Subject::DeviceFailures(device.id.cast()))?;
            let sends = versioned(&rows.counters, &Subject::AddressSends(address_key.clone()))?;
            told.push(stored::of_device(device, address_key, failures, sends, now));
        }
        let id = user.id.cast();
        let failures = versioned(&rows.counters, &Subject::UserFailures(id))?;
        let sends = versioned(&rows.counters, &Subject::UserSends(id))?;
        let subject = SubjectFacts {
            user: stored::of_user(&user, failures, sends, rows.holds_a_role, now),
            devices: told,
        };
        let devices = devices
            .into_iter()
            .filter_map(|device| {
                let row = rows.devices.iter().find(|row| row.id == device.id.uuid());
                Some((row?.clone(), device))
            })
            .collect();
        Ok(Self {
            document: rows.user,
            user,
            devices,
            subject,
            counters: rows.counters,
        })
    }

    /// Whether something of it was ahead of the clock. Then it is corrected, and to be read again.
    pub(super) async fn was_ahead(
        &self,
        app: &App,
        now: Timestamp,
    ) -> Result<bool, ManagementError> {
        let (counters, user) = (self.subject.is_ahead(now), self.user.body.is_ahead(now));
        if counters {
            let mut corrections = Vec::new();
            for (facts, (document, device)) in self.subject.devices.iter().zip(&self.devices) {
                let failures = facts.failures.state;
                let until = failures.believed_at(now).locked_until;
                let lock = device.body.lock.and_then(|lock| lock.expires_at);
                if failures.is_ahead(now) && lock.is_some() && lock == failures.locked_until {
                    let locked = device.body.clone().locked(until);
                    corrections.extend(replaced(app, document, locked.into(), now).await?);
                }
            }
            remembered::correct(app, corrections).await?;
            remembered::counters(app, self.counters.clone(), now).await?;
        }
        if user {
            let body = self.user.body.clone().believed_at(now);
            let corrections = replaced(app, &self.document, body.into(), now).await?;
            remembered::correct(app, corrections).await?;
        }
        Ok(counters || user)
    }

    pub(super) async fn by_id(
        app: &App,
        environment: Uuid,
        id: Uuid,
    ) -> Result<Option<Self>, ManagementError> {
        Self::find(app, environment, UserKey::Id(id)).await
    }

    /// By the username ([`name::fold`]); never by an address.
    pub(super) async fn by_username(
        app: &App,
        environment: Uuid,
        username: &str,
    ) -> Result<Option<Self>, ManagementError> {
        let key = UserKey::Unique {
            name: "username",
            value: &name::fold(username),
            former: &name::former_fold(username),
        };
        Self::find(app, environment, key).await
    }

    async fn find(
        app: &App,
        environment: Uuid,
        key: UserKey<'_>,
    ) -> Result<Option<Self>, ManagementError> {
        let mut attempts_left = CORRECTIONS;
        loop {
            let now = app.now();
            let rows = read_facts(&*app.engine, environment, key).await?;
            let found = rows.map(|rows| Self::of(rows, now)).transpose()?;
            attempts_left -= 1;
            match found {
                Some(known) if attempts_left > 0 && known.was_ahead(app, now).await? => {}
                found => return Ok(found),
            }
        }
    }
}

/// How often it is tried to correct what was written while the clock ran ahead.
const CORRECTIONS: u32 = 3;

async fn replaced<R: Resource>(
    app: &App,
    document: &Document,
    built: Built<R>,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let place = Place {
        environment: document.environment,
        parent: document.parent,
    };
    Ok(prepare_replace(app, place, document, built, now).await?.0)
}

/// Whether the application lets the user in. Nothing is told of a name that nobody has.
pub(super) fn is_permitted(application: &Stored<Application>, known: Option<&Known>) -> bool {
    !application.body.admits_only_administrators()
        || known.is_none_or(|known| known.subject.user.holds_a_role)
}

/// The counter of the subject; a row that is missing counts nothing.
fn versioned<T: DeserializeOwned + Default>(
    counters: &[StoredCounter],
    subject: &Subject,
) -> Result<Versioned<T>, ManagementError> {
    let key = subject.key();
    let Some(row) = counters.iter().find(|row| row.subject == key) else {
        return Ok(Versioned::default());
    };
    Ok(Versioned {
        version: row.version,
        state: serde_json::from_str(&row.body)?,
    })
}

/// Whom a step is about.
#[derive(Debug)]
pub(super) struct Whom<'a> {
    pub(super) known: Option<&'a Known>,
    /// Whether the application lets them in.
    pub(super) is_permitted: bool,
    /// For a name that was typed ([`stand_in_of`]).
    pub(super) stand_in: Option<SubjectFacts>,
}

/// All that is to be known beside the flow itself.
pub(super) async fn facts<'a>(
    app: &App,
    environment: Uuid,
    policies: &[Policy],
    whom: Whom<'_>,
    drawn: &'a Drawn<'_>,
    now: Timestamp,
) -> Result<Facts<'a>, ManagementError> {
    let settings = settings::current::<MfaSettings>(app, environment).await?;
    let (environment_sends, strangers_sends) = if policies.iter().any(has_environment_quota) {
        sends_of_environment(app, environment, now).await?
    } else {
        (Versioned::default(), Versioned::default())
    };
    let mut subject = whom.known.map(|known| known.subject.clone());
    if let (Some(known), Some(subject)) = (whom.known, &mut subject)
        && policies.iter().any(asks_for_the_user)
    {
        subject.user.attributes = stored::attributes(&known.user, now);
    }
    Ok(Facts {
        now,
        subject,
        is_permitted: whom.is_permitted,
        stand_in: whom.stand_in,
        environment_sends,
        strangers_sends,
        lockout: settings.body.lockout.map(Lockout::from),
        floors: app.settings.floors,
        senders: Senders {
            sms: app.senders.has(Channel::Sms),
            email: app.senders.has(Channel::Email),
        },
        new_code: drawn,
    })
}

fn asks_for_the_user(policy: &Policy) -> bool {
    let mut conditions = policy.actions.iter().filter_map(|it| it.condition.as_ref());
    conditions.any(Condition::asks_for_the_user)
}

fn has_environment_quota(policy: &Policy) -> bool {
    policy
        .actions
        .iter()
        .any(|PolicyAction { kind, .. }| match kind {
            ActionKind::MultiFactorAuthentication(settings) => {
                settings.notifications.has_environment_quota()
            }
            ActionKind::Login => false,
        })
}

/// Of those who were named otherwise than by typing, and of the others.
async fn sends_of_environment(
    app: &App,
    environment: Uuid,
    now: Timestamp,
) -> Result<(Versioned<DailyHistory>, Versioned<DailyHistory>), ManagementError> {
    let (theirs, strangers) = (Subject::EnvironmentSends, Subject::StrangersSends);
    let keys = [theirs.key(), strangers.key()];
    let rows = counters::read(&*app.engine, environment, &keys).await?;
    let rows = remembered::counters(app, rows, now).await?;
    Ok((versioned(&rows, &theirs)?, versioned(&rows, &strangers)?))
}

/// Wrong codes count from nothing again that strangers gave who typed the name.
pub(crate) async fn forgive_name(
    app: &App,
    environment: Uuid,
    name: &str,
) -> Result<Vec<Statement>, ManagementError> {
    let key = app.data_key(environment).await?;
    let any_flow = Id::from_uuid(Uuid::nil());
    let subject = stand_in::subject(name, any_flow, |parts| key.hash("typed name", parts));
    let failures = subject.counters().into_iter().filter(|subject| {
        matches!(
            subject,
            Subject::UserFailures(_) | Subject::DeviceFailures(_)
        )
    });
    let forgotten = failures.map(|subject| counters::delete(environment, &subject.key()));
    Ok(forgotten.collect())
}

/// Whom a typed name stands for, with the counters that are kept for it.
pub(super) async fn stand_in_of(
    app: &App,
    key: &DataKey,
    flow: &Flow,
    name: &str,
    now: Timestamp,
) -> Result<SubjectFacts, ManagementError> {
    let environment = flow.environment.uuid();
    let mut subject = stand_in::subject(name, flow.id, |parts| key.hash("typed name", parts));
    let keys: Vec<String> = subject.counters().iter().map(Subject::key).collect();
    let rows = counters::read(&*app.engine, environment, &keys).await?;
    let rows = remembered::counters(app, rows, now).await?;
    let user = &mut subject.user;
    user.failures = versioned(&rows, &Subject::UserFailures(user.counted_as))?;
    user.sends = versioned(&rows, &Subject::UserSends(user.counted_as))?;
    for device in &mut subject.devices {
        device.failures = versioned(&rows, &Subject::DeviceFailures(device.counted_as))?;
        device.sends = versioned(&rows, &Subject::AddressSends(device.address_key.clone()))?;
    }
    Ok(subject)
}
