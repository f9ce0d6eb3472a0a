//! What was acknowledged survives a SIGKILL, and nothing is half there.
//!
//! `STEPGATE_CRASH_ROUNDS` asks for more rounds, `STEPGATE_CRASH_SEED` for other moments.

mod journey;

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use stepgate_client::{Request, Tenant, messages_to, requests};
use stepgate_domain::entropy::{Entropy, Seeded};
use tokio::{sync::Notify, task::JoinSet};

use self::journey::Journey;
use crate::support::{Admin, Server};

const ROUNDS: u64 = 100;
const SEED: u64 = 1;
const WORKERS: usize = 4;
/// No round is killed before this many acknowledgements.
const AT_LEAST: usize = 50;
/// How long the acknowledgements of one round may take.
const PATIENCE: Duration = Duration::from_mins(1);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var_os(variable).map_or(default, |text| text.to_str().unwrap().parse().unwrap())
}

/// Counts acknowledgements, and wakes the killer when there are enough.
#[derive(Debug, Default)]
struct Acknowledgements {
    count: AtomicUsize,
    enough_at: usize,
    enough: Notify,
}

impl Acknowledgements {
    fn add(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 >= self.enough_at {
            self.enough.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_survives_a_kill_at_a_random_moment() {
    let (rounds, seed) = (
        number("STEPGATE_CRASH_ROUNDS", ROUNDS),
        number("STEPGATE_CRASH_SEED", SEED),
    );
    eprintln!("crash test: {rounds} rounds, STEPGATE_CRASH_SEED={seed}");
    let mut chance = Seeded(seed);

    let mut server = Server::start().await;
    let mut admin = Admin::of(&server).await;
    let tenant = Arc::new(admin.tenant("Crash").await);
    let next_user = Arc::new(AtomicU32::new(2));
    let (mut users_known, mut messages) = (1, Vec::new());

    for round in 0..rounds {
        let [more, delay] = <dyn Entropy>::bytes::<2>(&mut chance);
        let enough_at = AT_LEAST + usize::from(more % 40);
        let acknowledgements = Arc::new(Acknowledgements {
            enough_at,
            ..Acknowledgements::default()
        });
        let workers = start_workers(&admin, &tenant, &next_user, &acknowledgements);

        let enough = tokio::time::timeout(PATIENCE, acknowledgements.enough.notified()).await;
        assert!(
            enough.is_ok(),
            "round {round}, seed {seed}: the server stopped acknowledging\n{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_micros(u64::from(delay) * 80)).await;
        server.kill();
        let journeys: Vec<Journey> = workers.join_all().await.into_iter().flatten().collect();

        server = server.restart().await;
        admin = Admin::of(&server).await;
        users_known += journeys.iter().filter(|journey| journey.has_user()).count();
        messages.extend(journeys.iter().map(Journey::messages));
        let mut checks = JoinSet::new();
        for journey in journeys {
            let (admin, tenant) = (admin.clone(), Arc::clone(&tenant));
            checks.spawn(async move { journey.must_have_survived(&admin, &tenant).await });
        }
        while let Some(checked) = checks.join_next().await {
            assert!(checked.is_ok(), "round {round}, seed {seed}");
        }
    }
    counts_agree(&admin, &tenant, users_known).await;
    let last = next_user.fetch_add(1, Ordering::Relaxed);
    was_sent_as_said(&admin, &tenant, last, &messages).await;
}

/// Every code that a flow spoke of was delivered, once, and no other.
async fn was_sent_as_said(
    admin: &Admin,
    tenant: &Tenant,
    last: u32,
    messages: &[(String, RangeInclusive<usize>)],
) {
    // Its code arrives after everything that was due before it.
    let mut journey = Journey::new(last);
    assert!(journey.go(admin, tenant, &|| {}).await);
    assert!(messages.iter().any(|(_, expected)| expected.contains(&1)));
    for (phone, expected) in messages {
        let received = messages_to(&admin.client, phone).await.unwrap().len();
        assert!(
            expected.contains(&received),
            "{received} messages to {phone}, expected {expected:?}"
        );
    }
}

fn start_workers(
    admin: &Admin,
    tenant: &Arc<Tenant>,
    next_user: &Arc<AtomicU32>,
    acknowledgements: &Arc<Acknowledgements>,
) -> JoinSet<Vec<Journey>> {
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (admin, tenant) = (admin.clone(), Arc::clone(tenant));
        let (next_user, acknowledgements) = (Arc::clone(next_user), Arc::clone(acknowledgements));
        workers.spawn(async move {
            let mut journeys = Vec::new();
            loop {
                let mut journey = Journey::new(next_user.fetch_add(1, Ordering::Relaxed));
                let alive = journey
                    .go(&admin, &tenant, &|| acknowledgements.add())
                    .await;
                journeys.push(journey);
                if !alive {
                    return journeys;
                }
            }
        });
    }
    workers
}

/// A user and its population's counter are written together, so they agree however often the
/// process died in between. A user may be there whose acknowledgement was lost.
async fn counts_agree(admin: &Admin, tenant: &Tenant, users_known: usize) {
    let env = &tenant.environment.id;
    let population = Request::get(requests::management(
        env,
        &format!("populations/{}", tenant.population_id),
    ));
    let counted = admin.call(population, 200).await["userCount"]
        .as_u64()
        .unwrap();

    let (mut listed, mut next) = (0, Some(requests::management(env, "users?limit=1000")));
    while let Some(path) = next {
        let page = admin.call(Request::get(path), 200).await;
        listed += page["_embedded"]["users"].as_array().unwrap().len() as u64;
        let href = page["_links"]["next"]["href"].as_str();
        next = href.map(|href| href.strip_prefix(admin.client.base()).unwrap().to_owned());
    }
    assert_eq!(counted, listed);
    assert!(
        listed >= users_known as u64,
        "{listed} users are there, {users_known} were acknowledged"
    );
}
