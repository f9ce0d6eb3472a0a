//! Flows and the counters that attempts are judged by.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use stepgate_domain::{
    resource::{ORGANIZATION_SPACE, Resource},
    resources::environment::Environment,
};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::{Fault, StoreError},
    flows::{self, StoredFlow},
};
use uuid::Uuid;

use crate::fixture::{NOW, Store, commit, draft, fault, new_id, put, race, winners};

pub(crate) async fn a_flow_is_written_by_version(engine: Store) {
    let here = new_id();
    let flow = StoredFlow {
        environment: here,
        id: new_id(),
        user: None,
        version: 1,
        expires_at: NOW,
        body: "{}".to_owned(),
    };
    commit(&*engine, vec![flows::insert(flow.clone())])
        .await
        .unwrap();
    assert_eq!(
        flows::read(&*engine, here, flow.id).await.unwrap(),
        Some(flow.clone())
    );
    assert_eq!(
        flows::read(&*engine, new_id(), flow.id).await.unwrap(),
        None
    );
    let outcomes = race(&engine, 8, |_| {
        vec![flows::update(StoredFlow {
            user: Some(new_id()),
            body: "{\"a\":1}".to_owned(),
            ..flow.clone()
        })]
    })
    .await;
    assert_eq!(winners(&outcomes), 1);
    let now = flows::read(&*engine, here, flow.id).await.unwrap().unwrap();
    assert_eq!(
        (now.version, now.user.is_some(), now.body.as_str()),
        (2, true, "{\"a\":1}")
    );
    assert_eq!(
        fault(commit(&*engine, vec![flows::update(flow)]).await),
        Fault::Stale
    );
}

fn counter(here: Uuid, version: i64, body: &str) -> StoredCounter {
    StoredCounter {
        environment: here,
        subject: "device:1".to_owned(),
        version,
        expires_at: NOW,
        body: body.to_owned(),
    }
}

pub(crate) async fn a_flow_is_found_without_its_environment(engine: Store) {
    let environment = put(&*engine, draft(Environment::KIND, ORGANIZATION_SPACE)).await;
    put(&*engine, draft(Environment::KIND, ORGANIZATION_SPACE)).await;
    let flow = StoredFlow {
        environment: environment.id,
        id: new_id(),
        user: None,
        version: 1,
        expires_at: NOW,
        body: "{}".to_owned(),
    };
    let id = flow.id;
    commit(&*engine, vec![flows::insert(flow)]).await.unwrap();
    let found = async |id| flows::environment_of(&*engine, id).await.unwrap();
    assert_eq!(found(id).await, Some(environment.id));
    assert_eq!(found(new_id()).await, None);
}

pub(crate) async fn a_counter_begins_at_absence(engine: Store) {
    let here = new_id();
    let subjects = ["device:1".to_owned(), "user:1".to_owned()];
    assert_eq!(counters::read(&*engine, here, &subjects).await.unwrap(), []);
    assert_eq!(counters::read(&*engine, here, &[]).await.unwrap(), []);
    commit(&*engine, vec![counters::write(counter(here, 0, "1"))])
        .await
        .unwrap();
    // Absence is judged by once only.
    assert_eq!(
        fault(commit(&*engine, vec![counters::write(counter(here, 0, "1"))]).await),
        Fault::Stale
    );
    assert_eq!(
        fault(commit(&*engine, vec![counters::write(counter(here, 2, "1"))]).await),
        Fault::Stale
    );
    commit(&*engine, vec![counters::write(counter(here, 1, "2"))])
        .await
        .unwrap();
    assert_eq!(
        counters::read(&*engine, here, &subjects).await.unwrap(),
        [counter(here, 2, "2")]
    );
    assert_eq!(
        counters::read(&*engine, new_id(), &subjects).await.unwrap(),
        []
    );
}

pub(crate) async fn whoever_judged_by_a_counter_before_its_reset_finds_it_stale(engine: Store) {
    let here = new_id();
    let subjects = ["device:1".to_owned()];
    let reset = || counters::reset(here, "device:1", "0".to_owned(), NOW);
    // There is nothing to reset, and nothing comes of it.
    commit(&*engine, vec![reset()]).await.unwrap();
    assert_eq!(counters::read(&*engine, here, &subjects).await.unwrap(), []);
    commit(&*engine, vec![counters::write(counter(here, 0, "4"))])
        .await
        .unwrap();
    commit(&*engine, vec![reset()]).await.unwrap();
    assert_eq!(
        fault(commit(&*engine, vec![counters::write(counter(here, 1, "5"))]).await),
        Fault::Stale
    );
    assert_eq!(
        counters::read(&*engine, here, &subjects).await.unwrap(),
        [counter(here, 2, "0")]
    );
    commit(&*engine, vec![counters::delete(here, "device:1")])
        .await
        .unwrap();
    assert_eq!(counters::read(&*engine, here, &subjects).await.unwrap(), []);
}

/// One guess: read, judge, write; again when something changed meanwhile. Whether it was judged.
async fn guess(engine: &Store, here: Uuid) -> bool {
    const ALLOWED: u32 = 5;
    loop {
        let found = counters::read(&**engine, here, &["device:1".to_owned()])
            .await
            .unwrap()
            .pop();
        let (version, attempts) = found.map_or((0, 0), |found| {
            (found.version, found.body.parse::<u32>().unwrap())
        });
        if attempts >= ALLOWED {
            return false;
        }
        let write = counters::write(counter(here, version, &(attempts + 1).to_string()));
        match commit(&**engine, vec![write]).await {
            Ok(()) => return true,
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

pub(crate) async fn sixty_four_guesses_are_judged_five_times(engine: Store) {
    let here = new_id();
    let judged = Arc::new(AtomicU32::new(0));
    let guesses: Vec<_> = (0..64)
        .map(|_| {
            let (engine, judged) = (Arc::clone(&engine), Arc::clone(&judged));
            tokio::spawn(async move {
                if guess(&engine, here).await {
                    judged.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for guess in guesses {
        guess.await.unwrap();
    }
    assert_eq!(judged.load(Ordering::Relaxed), 5);
}
