//! What goes on without a request. The clock of the waits is a paused one that leaps.

use std::{sync::Arc, time::Duration as Wait};

use stepgate_app::{outbox as outgoing, workers::Workers};
use stepgate_domain::{
    message::{Channel, Message},
    secret::Secret,
    time::Duration,
};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::{Batch, Engine},
    outbox,
};
use tokio::time::{Instant, sleep};

use crate::fixture::World;

/// Longer than anything here has to wait for.
const PATIENCE: Wait = Wait::from_mins(2);

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        sleep(Wait::from_millis(100)).await;
    }
}

fn message(id: &str) -> Message {
    Message {
        id: id.to_owned(),
        channel: Channel::Sms,
        to: Secret::new("+4712345678".to_owned()),
        subject: None,
        text: Secret::new("your code".to_owned()),
        code: None,
        sender: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_out_though_nobody_waited_for_its_commit() {
    let world = World::new().await;
    let (app, environment) = (&world.app, world.environment.uuid());
    let workers = Workers::start(app);
    let key = app.data_key(environment).await.unwrap();
    tokio::task::yield_now().await;
    let (row, queued) =
        outgoing::queue(app, &key, environment, None, message("m"), app.now()).unwrap();
    app.commit(Batch(vec![row])).await.unwrap();
    drop(queued);
    until(async || outbox::status(&*world.engine, "m").await.unwrap().is_none()).await;
    workers.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_leaves_no_message_of_its_own_behind() {
    let world = World::new().await;
    let (app, environment) = (&world.app, world.environment.uuid());
    let workers = Workers::start(app);
    let key = app.data_key(environment).await.unwrap();
    tokio::task::yield_now().await;
    let mut rows = Vec::new();
    let mut handed = Vec::new();
    for number in 0..300 {
        let message = message(&format!("m{number}"));
        let (row, queued) =
            outgoing::queue(app, &key, environment, None, message, app.now()).unwrap();
        rows.push(row);
        handed.push(queued);
    }
    app.commit(Batch(rows)).await.unwrap();
    for queued in handed {
        queued.committed();
    }
    workers.stop().await;
    let left = app
        .engine
        .query("SELECT lease FROM outbox".into(), Vec::new())
        .await
        .unwrap();
    // Those for which there was no room are nobody's.
    for row in &left {
        assert_eq!(row.optional_text(0).unwrap(), None);
    }
    assert!(left.len() < 300);
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_not_made_for_a_flow_that_went_on_without_it() {
    let world = World::new().await;
    world.mira().await;
    let otto = world.user("otto").await;
    world.phone(otto, "+4712345699").await;
    let done = world.begin("mira.k").await;
    world.begin("otto").await;
    let (now, engine) = (world.app.now(), &*world.engine);
    let lease = outbox::claim(engine, "first", now, now + Duration::from_days(1), 9);
    let rows = lease.await.unwrap();
    let key = world.app.data_key(world.environment.uuid()).await.unwrap();
    let opened = rows.iter().map(|row| outgoing::open(&key, row).unwrap());
    let (messages, notices): (Vec<Message>, Vec<Message>) =
        opened.partition(|message| message.code.is_some());
    assert_eq!(messages.len(), 2);
    let of_otto = |message: &&Message| message.to.expose() == "+4712345699";
    let (wanted, other) = match messages.iter().find(of_otto) {
        Some(wanted) if wanted.id == messages[0].id => (wanted, &messages[1]),
        Some(wanted) => (wanted, &messages[0]),
        None => panic!("otto is sent a code"),
    };
    let code = other.code.as_ref().unwrap().expose();
    world.check(&done, code).await.unwrap();
    let again = messages
        .iter()
        .map(|message| outbox::retry(&message.id, "first", now, "slow"));
    let gone = notices
        .iter()
        .map(|notice| outbox::delivered(&notice.id, "first"));
    let batch = Batch(again.chain(gone).collect());
    world.app.commit(batch).await.unwrap();
    let workers = Workers::start(&world.app);
    until(async || outbox::next_due(engine).await.unwrap().is_none()).await;
    workers.stop().await;
    let taken = world.taken.lock().unwrap();
    assert_eq!(*taken, std::slice::from_ref(&wanted.id));
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_goes_at_once_however_much_it_is() {
    let world = World::new().await;
    let now = world.app.now();
    let ended = (0..2_001).map(|number| {
        counters::write(StoredCounter {
            environment: world.environment.uuid(),
            subject: format!("device:{number}"),
            version: 0,
            expires_at: now - Duration::from_seconds(1),
            body: "{}".to_owned(),
        })
    });
    world.app.commit(Batch(ended.collect())).await.unwrap();
    let workers = Workers::start(&world.app);
    // The first look comes after half a minute, and finds all of them.
    sleep(Wait::from_secs(30)).await;
    let engine = Arc::clone(&world.engine);
    until(async || {
        let query = engine.query("SELECT COUNT(*) FROM counter".into(), Vec::new());
        query.await.unwrap()[0].integer(0).unwrap() == 0
    })
    .await;
    workers.stop().await;
}

async fn rows(world: &World, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    let rows = world.engine.query(sql.into(), Vec::new()).await.unwrap();
    rows[0].integer(0).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_flow_goes_fifteen_minutes_after_it_was_last_touched() {
    let world = World::new().await;
    world.mira().await;
    let untouched = world.begin("mira.k").await;
    let touched = world.begin_with(&world.visitor(), &[]).await;
    assert_eq!(rows(&world, "flow").await, 2);
    world.wait(Duration::from_minutes(10));
    world.look(&touched).await.unwrap();
    world.wait(Duration::from_minutes(6));
    let workers = Workers::start(&world.app);
    until(async || rows(&world, "flow").await == 1).await;
    world.look(&untouched).await.unwrap_err();
    world.look(&touched).await.unwrap();
    world.wait(Duration::from_minutes(16));
    until(async || rows(&world, "flow").await == 0).await;
    workers.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_long_enough_is_forgotten() {
    let world = World::new().await;
    world.mira().await;
    let fresh = async || {
        let begun = world.begin("mira.k").await;
        drop(begun);
    };
    fresh().await;
    let (audit, changes) = (
        rows(&world, "audit_event").await,
        rows(&world, "change_log").await,
    );
    assert!(audit > 0 && changes > 0);
    let workers = Workers::start(&world.app);
    // Which nobody reads any more.
    world.wait(Duration::from_days(2));
    until(async || rows(&world, "change_log").await == 0).await;
    assert_eq!(rows(&world, "audit_event").await, audit);
    world.wait(Duration::from_days(399));
    fresh().await;
    until(async || {
        let left = rows(&world, "audit_event").await;
        left > 0 && left < audit
    })
    .await;
    workers.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_clock_that_ran_ahead_has_written_goes_in_its_time() {
    let world = World::new().await;
    world.mira().await;
    world.wait(Duration::from_days(60_000));
    drop(world.begin("mira.k").await);
    world.wait(Duration::from_millis(
        -Duration::from_days(60_000).as_millis(),
    ));
    assert_eq!(rows(&world, "flow").await, 1);
    let workers = Workers::start(&world.app);
    // It is found on the first round,
    let ahead = "flow WHERE expires_at > 2000000000000";
    until(async || rows(&world, ahead).await == 0).await;
    // and counts from there.
    world.wait(Duration::from_minutes(16));
    until(async || rows(&world, "flow").await == 0).await;
    world.wait(Duration::from_days(3));
    until(async || rows(&world, "counter").await == 0).await;
    workers.stop().await;
}
