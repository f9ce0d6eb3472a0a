//! Refusals for the audit trail. Anybody can have any number of requests refused, so what is refused
//! for the same reason is gathered: the first is written at once, the others by their number, in
//! intervals that grow for as long as it goes on.
//!
//! Nothing waits for these writes: a refusal has acknowledged nothing. What a killed process had not
//! written yet is lost; one that is stopped writes everything.

use std::{
    collections::HashMap,
    mem,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use stepgate_domain::{
    audit::{Action, Actor, Actors, AuditEvent, AuditStatus, Source},
    id::Id,
    resource::ORGANIZATION_SPACE,
    resources::environment::Environment,
    time::{Duration, Timestamp},
};
use stepgate_store::engine::{Batch, Statement};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{App, audit, error::ManagementError, management::cached};

/// How many kinds of refusals are told apart at a time. What comes beyond them is counted by its
/// reason only.
const KINDS_AT_MOST: usize = 512;
const FIRST_INTERVAL: Duration = Duration::from_minutes(1);
const LONGEST_INTERVAL: Duration = Duration::from_hours(1);
const AFTER_A_FAILURE: Duration = Duration::from_seconds(5);

/// Who was refused what, and why.
#[derive(Debug, Clone)]
pub struct Refused {
    pub action: Action,
    /// The check that failed: one of a closed set.
    pub check: &'static str,
    /// The operation as it is in the list of operations.
    pub operation: String,
    /// What the path or the client says; whether there is such an environment is not known yet.
    pub environment: Option<Uuid>,
    pub client: Option<Uuid>,
    /// The environment of client and user.
    pub home: Option<Uuid>,
    pub user: Option<Uuid>,
    pub correlation_id: String,
    pub remote_ip: Option<IpAddr>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    action: Action,
    check: &'static str,
    environment: Option<Uuid>,
    client: Option<Uuid>,
    user: Option<Uuid>,
}

#[derive(Debug)]
struct Tally {
    latest: Refused,
    /// Not written yet.
    count: u64,
    due_at: Timestamp,
    interval: Duration,
}

/// Refusals that are to be written.
#[derive(Debug, Default)]
pub struct Refusals {
    tallies: Mutex<HashMap<Kind, Tally>>,
    arrived: Notify,
}

/// A number of refusals of one kind.
struct Gathered {
    kind: Kind,
    latest: Refused,
    count: u64,
}

impl Refusals {
    pub fn note(&self, refused: Refused, now: Timestamp) {
        let mut tallies = self.lock();
        let mut kind = Kind {
            action: refused.action.clone(),
            check: refused.check,
            environment: refused.environment,
            client: refused.client,
            user: refused.user,
        };
        let mut refused = refused;
        if tallies.len() >= KINDS_AT_MOST && !tallies.contains_key(&kind) {
            (kind.environment, kind.client, kind.user) = (None, None, None);
            (refused.environment, refused.client, refused.user) = (None, None, None);
        }
        if let Some(tally) = tallies.get_mut(&kind) {
            tally.count = tally.count.saturating_add(1);
            tally.latest = refused;
            return;
        }
        let tally = Tally {
            latest: refused,
            count: 1,
            due_at: now,
            interval: FIRST_INTERVAL,
        };
        tallies.insert(kind, tally);
        self.arrived.notify_one();
    }

    /// Returns when there is a refusal of a kind that was not there before.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// What is to be written by now; everything, at the end. What was quiet is forgotten.
    fn take(&self, now: Timestamp, is_the_end: bool) -> Vec<Gathered> {
        let mut gathered = Vec::new();
        self.lock().retain(|kind, tally| {
            if !is_the_end && now < tally.due_at {
                return true;
            }
            if tally.count == 0 {
                return false;
            }
            gathered.push(Gathered {
                kind: kind.clone(),
                latest: tally.latest.clone(),
                count: mem::take(&mut tally.count),
            });
            tally.due_at = now + tally.interval;
            let twice = Duration::from_seconds(2 * tally.interval.as_seconds_ceil());
            tally.interval = twice.min(LONGEST_INTERVAL);
            true
        });
        gathered
    }

    /// Puts back what could not be written.
    fn put_back(&self, gathered: Vec<Gathered>, now: Timestamp) {
        let mut tallies = self.lock();
        for Gathered { kind, count, .. } in gathered {
            if let Some(tally) = tallies.get_mut(&kind) {
                tally.count = tally.count.saturating_add(count);
                tally.due_at = now + AFTER_A_FAILURE;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what is to be written by now, or everything.
pub(crate) async fn write(app: &App, is_the_end: bool) -> Result<(), ManagementError> {
    let now = app.now();
    let gathered = app.refusals.take(now, is_the_end);
    if gathered.is_empty() {
        return Ok(());
    }
    let written = commit(app, &gathered, now).await;
    if written.is_err() {
        app.refusals.put_back(gathered, now);
    }
    written
}

async fn commit(app: &App, gathered: &[Gathered], now: Timestamp) -> Result<(), ManagementError> {
    let mut batch = Batch::default();
    for it in gathered {
        batch.push(event(app, it, now).await?);
    }
    Ok(app.commit(batch).await?)
}

/// Filed in the environment that was asked, if there is one.
async fn event(
    app: &App,
    Gathered { latest, count, .. }: &Gathered,
    now: Timestamp,
) -> Result<Statement, ManagementError> {
    let filed_in = match latest.environment {
        Some(id) if cached::<Environment>(app, id, id).await?.is_some() => id,
        Some(_) | None => ORGANIZATION_SPACE,
    };
    let home = latest.home.filter(|home| *home != filed_in);
    let actor = |id: Uuid| Actor {
        id: Id::from_uuid(id),
        name: None,
        environment: home.map(|home| Id::from_uuid(home).into()),
        population: None,
    };
    let event = AuditEvent {
        correlation_id: latest.correlation_id.clone(),
        actors: Actors {
            client: latest.client.map(actor),
            user: latest.user.map(actor),
        },
        description: Some(format!("{}: {}", latest.operation, latest.check).into()),
        status: AuditStatus::Failed,
        resources: Vec::new(),
        changed: Vec::new(),
        count: (*count > 1).then_some(*count),
        source: latest.remote_ip.map(|ip| Source {
            ip_address: Some(ip),
            user_agent: None,
        }),
    };
    Ok(audit::written(filed_in, &latest.action, &event, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

    fn refused(client: u128) -> Refused {
        Refused {
            action: Action::CLIENT_REFUSED,
            check: "client_secret_wrong",
            operation: "POST /{environmentID}/as/token".to_owned(),
            environment: Some(Uuid::from_u128(1)),
            client: Some(Uuid::from_u128(client)),
            home: None,
            user: None,
            correlation_id: String::new(),
            remote_ip: None,
        }
    }

    fn counts(gathered: &[Gathered]) -> Vec<u64> {
        gathered.iter().map(|it| it.count).collect()
    }

    #[test]
    fn a_flood_of_one_kind_is_a_few_events_with_its_number() {
        let refusals = Refusals::default();
        let (mut events, mut told) = (0, 0);
        for second in 0..7_200 {
            let now = NOW + Duration::from_seconds(second);
            for _ in 0..10 {
                refusals.note(refused(2), now);
            }
            let taken = refusals.take(now, false);
            events += taken.len();
            told += counts(&taken).iter().sum::<u64>();
        }
        let rest = refusals.take(NOW, true);
        assert_eq!(told + counts(&rest).iter().sum::<u64>(), 72_000);
        assert!(events <= 8, "{events} events");
    }

    #[test]
    fn the_first_of_a_kind_is_due_at_once_and_a_quiet_kind_is_forgotten() {
        let refusals = Refusals::default();
        refusals.note(refused(2), NOW);
        refusals.note(refused(3), NOW);
        assert_eq!(counts(&refusals.take(NOW, false)), [1, 1]);
        let later = NOW + FIRST_INTERVAL;
        assert!(refusals.take(later, false).is_empty());
        assert!(refusals.lock().is_empty());
        refusals.note(refused(2), later);
        assert_eq!(counts(&refusals.take(later, false)), [1]);
    }

    #[test]
    fn kinds_without_number_are_counted_together() {
        let refusals = Refusals::default();
        for client in 0..10_000 {
            refusals.note(refused(client), NOW);
        }
        let taken = refusals.take(NOW, false);
        assert_eq!(taken.len(), KINDS_AT_MOST + 1);
        assert_eq!(counts(&taken).iter().sum::<u64>(), 10_000);
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        let refusals = Refusals::default();
        refusals.note(refused(2), NOW);
        let taken = refusals.take(NOW, false);
        refusals.note(refused(2), NOW);
        refusals.put_back(taken, NOW);
        assert!(refusals.take(NOW, false).is_empty());
        let later = NOW + AFTER_A_FAILURE;
        assert_eq!(counts(&refusals.take(later, false)), [2]);
    }
}
