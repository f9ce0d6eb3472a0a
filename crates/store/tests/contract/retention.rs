//! Rows that are kept for a time.

use stepgate_domain::entropy::Seeded;
use stepgate_domain::{
    id::Id,
    time::{Duration, Timestamp},
};
use stepgate_store::{
    audit::{self, StoredEvent},
    change_log,
    documents::Draft,
    engine::Engine,
    outbox::{self, Lease, OutboxMessage},
    retention::{self, Trail},
};
use uuid::Uuid;

use crate::fixture::{APPLICATION, NOW, Store, commit, draft, new_id, put};

fn event(environment: Uuid, recorded_at: Timestamp, seed: u64) -> StoredEvent {
    StoredEvent {
        environment,
        id: Id::<StoredEvent>::new(recorded_at, &mut Seeded(seed)).uuid(),
        recorded_at,
        action: "A".to_owned(),
        body: "{}".to_owned(),
    }
}

async fn forget_all(engine: &dyn Engine, trail: Trail, before: Timestamp) -> usize {
    let mut batches = 0;
    while let Some(environment) = retention::reaching_back(engine, trail, before)
        .await
        .unwrap()
    {
        let forget = retention::forget(trail, &environment, before, 2);
        commit(engine, vec![forget]).await.unwrap();
        batches += 1;
    }
    batches
}

pub(crate) async fn the_audit_trail_is_forgotten_in_small_batches(engine: Store) {
    let (here, there) = (new_id(), new_id());
    let minute = Duration::from_minutes(1);
    let mut events = Vec::new();
    let times = [NOW - minute, NOW - minute, NOW - minute, NOW, NOW + minute];
    for (seed, time) in (0..).zip(times) {
        for environment in [here, there] {
            events.push(audit::insert(event(environment, time, seed)));
        }
    }
    commit(&*engine, events).await.unwrap();
    assert_eq!(forget_all(&*engine, Trail::Audit, NOW).await, 4);
    for environment in [here, there] {
        let left = audit::list(&*engine, environment, 100).await.unwrap();
        let left: Vec<_> = left.iter().map(|event| event.recorded_at).collect();
        assert_eq!(left, [NOW + minute, NOW]);
    }
}

pub(crate) async fn changes_are_forgotten_by_age(engine: Store) {
    let here = new_id();
    let later = NOW + Duration::from_days(1);
    for now in [NOW, NOW, NOW, later] {
        let draft = draft(&APPLICATION, here);
        put(&*engine, Draft { now, ..draft }).await;
    }
    assert_eq!(forget_all(&*engine, Trail::Changes, NOW).await, 0);
    assert_eq!(forget_all(&*engine, Trail::Changes, later).await, 2);
    let left = change_log::since(&*engine, here, "", 100).await.unwrap();
    let left: Vec<_> = left.iter().map(|change| change.changed_at).collect();
    assert_eq!(left, [later]);
}

pub(crate) async fn dead_messages_are_forgotten_by_age(engine: Store) {
    let message = |id: &str| OutboxMessage {
        id: id.to_owned(),
        environment: new_id(),
        flow: None,
        due_at: NOW,
        attempts: 0,
        created_at: NOW,
        payload: "sealed".to_owned(),
    };
    let lease = || {
        Some(Lease {
            id: "lease".to_owned(),
            until: NOW,
        })
    };
    let statements = vec![
        outbox::enqueue(message("dead"), lease()),
        outbox::enqueue(message("dying"), lease()),
        outbox::enqueue(message("pending"), None),
        outbox::dead("dead", "lease", "refused"),
        outbox::dead("dying", "lease", "refused"),
    ];
    commit(&*engine, statements).await.unwrap();
    let later = NOW + Duration::from_days(30);
    assert!(!retention::has_dead_messages(&*engine, NOW).await.unwrap());
    for _ in 0..2 {
        assert!(retention::has_dead_messages(&*engine, later).await.unwrap());
        let forget = retention::forget_dead_messages(later, 1);
        commit(&*engine, vec![forget]).await.unwrap();
    }
    assert!(!retention::has_dead_messages(&*engine, later).await.unwrap());
    assert!(outbox::status(&*engine, "pending").await.unwrap().is_some());
}
