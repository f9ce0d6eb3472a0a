//! The end of an environment.

use stepgate_domain::resource::{Reference, Term};
use stepgate_store::{
    audit::{self, StoredEvent},
    data_keys::{self, DataKey},
    documents::Draft,
    engine::Engine,
    outbox::{self, OutboxMessage},
    tombstones::{self, Progress},
};
use uuid::Uuid;

use crate::fixture::{
    APPLICATION, DEVICE, GRANT, NOW, POPULATION, Store, USER, USER_ROLE, commit, draft, named,
    new_id, owned, put,
};

async fn settle(engine: &dyn Engine, here: Uuid) -> StoredEvent {
    for number in 0..5 {
        let population = put(engine, named(&POPULATION, here, &number.to_string())).await;
        let user = put(
            engine,
            Draft {
                terms: vec![Term::new("a", "b")],
                ..owned(&USER, here, population.id)
            },
        )
        .await;
        put(engine, owned(&DEVICE, here, user.id)).await;
        put(engine, owned(&USER_ROLE, here, user.id)).await;
        // A mention from a later object to an earlier one, and across families.
        let references = vec![Reference::to(&POPULATION, population.id, "population.id")];
        let application = put(
            engine,
            Draft {
                references,
                ..draft(&APPLICATION, here)
            },
        )
        .await;
        put(engine, owned(&GRANT, here, application.id)).await;
    }
    let event = StoredEvent {
        environment: here,
        id: new_id(),
        recorded_at: NOW,
        action: "ENVIRONMENT.CREATED".to_owned(),
        body: "{}".to_owned(),
    };
    let message = OutboxMessage {
        id: new_id().to_string(),
        environment: here,
        flow: None,
        due_at: NOW,
        attempts: 0,
        created_at: NOW,
        payload: "sealed".to_owned(),
    };
    let key = DataKey {
        environment: here,
        id: "1".to_owned(),
        sealed: "sealed".to_owned(),
        created_at: NOW,
    };
    commit(
        engine,
        vec![
            audit::insert(event.clone()),
            outbox::enqueue(message, None),
            data_keys::insert(key),
        ],
    )
    .await
    .unwrap();
    event
}

/// How many rows an environment has, in all tables but that of its audit trail.
async fn rows(engine: &dyn Engine, environment: Uuid) -> i64 {
    let tables = [
        "resource",
        "resource_key",
        "resource_term",
        "resource_reference",
        "user_account",
        "user_account_term",
        "device",
        "user_role",
        "tally",
        "outbox",
        "change_log",
        "data_key",
    ];
    let mut total = 0;
    for table in tables {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE environment = $1");
        let found = engine
            .query(sql.into(), vec![environment.to_string().into()])
            .await
            .unwrap();
        total += found[0].integer(0).unwrap();
    }
    total
}

pub(crate) async fn a_deleted_environment_is_emptied_and_no_other(engine: Store) {
    let (here, elsewhere) = (new_id(), new_id());
    let kept = settle(&*engine, here).await;
    let event = settle(&*engine, elsewhere).await;
    let untouched = rows(&*engine, elsewhere).await;
    assert_eq!(rows(&*engine, here).await, untouched);
    commit(
        &*engine,
        vec![tombstones::mark(here, NOW), tombstones::mark(here, NOW)],
    )
    .await
    .unwrap();
    assert_eq!(tombstones::list(&*engine).await.unwrap(), [here]);
    let mut calls = 0;
    while tombstones::remove(&*engine, here, 3).await.unwrap() == Progress::More {
        calls += 1;
        assert!(calls < 200, "it comes to an end");
    }
    assert!(calls > 10, "not all at once: {calls}");
    assert_eq!(rows(&*engine, here).await, 0);
    assert_eq!(rows(&*engine, elsewhere).await, untouched);
    assert_eq!(audit::list(&*engine, elsewhere, 10).await.unwrap(), [event]);
    // What was done there is not forgotten with it.
    assert_eq!(audit::list(&*engine, here, 10).await.unwrap(), [kept]);
    assert!(tombstones::list(&*engine).await.unwrap().is_empty());
}
