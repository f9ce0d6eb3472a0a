//! What is particular to the embedded engine: its directory, its files, its groups, and how it
//! fails.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected ends there"
)]

use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use stepgate_domain::time::{Duration, Timestamp};
use stepgate_store::{
    engine::{Batch, Engine, Statement, StoreError},
    health::Trouble,
    installation, migrations,
    outbox::{self, OutboxMessage},
    sqlite::{Options, SqliteEngine},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use uuid::Uuid;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &Path) -> Result<SqliteEngine, StoreError> {
    SqliteEngine::open(directory, &Options::default())
}

fn fact(number: usize) -> Statement {
    installation::set(&format!("{number:06}"), &"x".repeat(100))
}

async fn facts(engine: &SqliteEngine) -> i64 {
    engine
        .query("SELECT COUNT(*) FROM installation".into(), Vec::new())
        .await
        .unwrap()[0]
        .integer(0)
        .unwrap()
}

#[tokio::test]
async fn a_second_writer_is_refused_until_the_first_is_gone() {
    let directory = directory();
    let first = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(StoreError::Locked)));
    drop(first);
    open(directory.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_directory_is_free_as_soon_as_the_engine_is_dropped() {
    let directory = directory();
    // Others take the machine away from whoever wrote, before they find that nothing more waits.
    let is_over = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..16)
        .map(|_| {
            let is_over = is_over.clone();
            thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
        })
        .collect();
    for number in 0..100 {
        let engine = open(directory.path()).unwrap();
        engine.commit(Batch(vec![fact(number)])).await.unwrap();
        drop(engine);
    }
    is_over.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn reading_needs_no_lock_and_writes_nothing() {
    let directory = directory();
    SqliteEngine::open_read_only(directory.path()).unwrap_err();
    let writer = open(directory.path()).unwrap();
    let reader = SqliteEngine::open_read_only(directory.path()).unwrap();
    writer.commit(Batch(vec![fact(1)])).await.unwrap();
    assert_eq!(facts(&reader).await, 1);
    reader.commit(Batch(vec![fact(2)])).await.unwrap_err();
    reader
        .query("DELETE FROM installation".into(), Vec::new())
        .await
        .unwrap_err();
    // Without a writer beside it, too.
    drop((writer, reader));
    let reader = SqliteEngine::open_read_only(directory.path()).unwrap();
    assert_eq!(facts(&reader).await, 1);
}

#[tokio::test]
async fn commits_are_durable_by_default() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    assert_eq!(
        (
            engine.settings().journal_mode.as_str(),
            engine.settings().synchronous
        ),
        ("wal", 2)
    );
}

#[tokio::test]
async fn files_belong_to_their_owner_alone() {
    let parent = directory();
    let directory = parent.path().join("new/data");
    let engine = open(&directory).unwrap();
    engine.commit(Batch(vec![fact(1)])).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut files = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    files.sort();
    assert_eq!(
        files,
        [
            "stepgate.db",
            "stepgate.db-shm",
            "stepgate.db-wal",
            "stepgate.lock"
        ]
    );
    // Files that others could read are narrowed.
    drop(engine);
    let database = directory.join("stepgate.db");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).unwrap();
    open(&directory).unwrap();
    assert_eq!(mode(&database), 0o600);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    let newer = migrations::known() + 1;
    let record = Statement::new(
        "INSERT INTO schema_version (version) VALUES ($1)",
        vec![newer.into()],
    );
    engine.commit(Batch(vec![record])).await.unwrap();
    drop(engine);
    for outcome in [
        open(directory.path()),
        SqliteEngine::open_read_only(directory.path()),
    ] {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, StoreError::NewerSchema { found, known } if (found, known) == (newer, newer - 1)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    for number in 0..20 {
        engine.commit(Batch(vec![fact(number)])).await.unwrap();
    }
    drop(engine);
    assert!(
        !directory.path().join("stepgate.db-wal").exists(),
        "the log is put away"
    );
    assert_eq!(facts(&open(directory.path()).unwrap()).await, 20);
}

#[tokio::test]
async fn a_message_that_a_dead_process_had_claimed_is_due_at_once() {
    let directory = directory();
    let now = Timestamp::from_millis(1_769_860_800_000);
    let until = now + Duration::from_minutes(1);
    let waiting = OutboxMessage {
        id: "m1".to_owned(),
        environment: Uuid::from_u128(1),
        flow: None,
        due_at: now,
        attempts: 0,
        created_at: now,
        payload: "sealed".to_owned(),
    };
    let first = open(directory.path()).unwrap();
    first
        .commit(Batch(vec![outbox::enqueue(waiting, None)]))
        .await
        .unwrap();
    let claimed = outbox::claim(&first, "first", now, until, 9).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(outbox::next_due(&first).await.unwrap(), Some(until));
    drop(first);

    let second = open(directory.path()).unwrap();
    let claimed = outbox::claim(&second, "second", now, until, 9).await;
    assert_eq!(claimed.unwrap()[0].attempts, 2);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_damaged() {
    let directory = directory();
    fs::write(
        directory.path().join("stepgate.db"),
        "this is not a database at all".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        open(directory.path()),
        Err(StoreError::Damaged(_))
    ));
}

#[tokio::test]
async fn a_damaged_page_is_reported_by_reads_and_writes() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    engine
        .commit(Batch((0..2_000).map(fact).collect()))
        .await
        .unwrap();
    drop(engine);
    let path = directory.path().join("stepgate.db");
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The last pages hold facts; the schema, which is read when opening, comes before them.
    let pages = file.metadata().unwrap().len() / 4_096;
    for page in pages - 20..pages {
        file.write_all_at(&[0xa5; 4_096], page * 4_096).unwrap();
    }
    let engine = open(directory.path()).unwrap();
    let read = engine
        .query("SELECT MAX(value) FROM installation".into(), Vec::new())
        .await;
    assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
    let write = engine.commit(Batch((0..2_000).map(fact).collect())).await;
    assert!(matches!(write, Err(StoreError::Damaged(_))), "{write:?}");
}

#[tokio::test]
async fn a_full_disk_fails_the_batch_and_leaves_the_rest_as_it_was() {
    let directory = directory();
    drop(open(directory.path()).unwrap());
    let pages = fs::metadata(directory.path().join("stepgate.db"))
        .unwrap()
        .len()
        / 4_096;
    let options = Options {
        page_limit: Some(u32::try_from(pages).unwrap() + 5),
        ..Options::default()
    };
    let engine = Arc::new(SqliteEngine::open(directory.path(), &options).unwrap());
    engine.commit(Batch(vec![fact(0)])).await.unwrap();
    // One batch too many for the disk among others that fit, all at once.
    let mut commits = JoinSet::new();
    for number in 1..=10 {
        let engine = Arc::clone(&engine);
        commits.spawn(async move {
            let size = if number == 5 { 5_000 } else { 1 };
            let batch = (0..size).map(|row| fact(number * 10_000 + row)).collect();
            (number, engine.commit(Batch(batch)).await)
        });
    }
    while let Some(outcome) = commits.join_next().await {
        let (number, outcome) = outcome.unwrap();
        if number == 5 {
            assert!(matches!(outcome, Err(StoreError::DiskFull)), "{outcome:?}");
        } else {
            outcome.unwrap();
        }
    }
    assert_eq!(facts(&engine).await, 10);
}

#[tokio::test]
async fn batches_that_wait_share_one_transaction() {
    let directory = directory();
    let engine = Arc::new(open(directory.path()).unwrap());
    let mut commits = JoinSet::new();
    // The first keeps the writer busy while the others queue up.
    for number in 0..=200 {
        let engine = Arc::clone(&engine);
        commits.spawn(async move {
            let size = if number == 0 { 20_000 } else { 1 };
            engine
                .commit(Batch(
                    (0..size).map(|row| fact(number * 100_000 + row)).collect(),
                ))
                .await
        });
    }
    while let Some(outcome) = commits.join_next().await {
        outcome.unwrap().unwrap();
    }
    let done = engine.statistics();
    assert_eq!(done.commits, 201);
    assert!(done.groups <= 3, "{done:?}");
}

#[tokio::test]
async fn dropping_the_engine_finishes_what_it_took() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    let waiting: Vec<_> = (0..50)
        .map(|number| engine.commit(Batch(vec![fact(number)])))
        .collect();
    let mut waiting: Vec<_> = waiting.into_iter().map(Box::pin).collect();
    // Polled once, they are taken; nobody waits for the answers.
    for commit in &mut waiting {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = commit.as_mut().poll(&mut context);
    }
    drop(waiting);
    drop(engine);
    assert_eq!(facts(&open(directory.path()).unwrap()).await, 50);
}

#[tokio::test]
async fn the_log_is_copied_back_while_the_engine_runs() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    for round in 0..60 {
        let batch = (0..500)
            .map(|row| installation::set(&format!("{row}"), &format!("{round}").repeat(200)))
            .collect();
        engine.commit(Batch(batch)).await.unwrap();
    }
    let log = fs::metadata(directory.path().join("stepgate.db-wal"))
        .unwrap()
        .len();
    assert!(log < 16 * 1024 * 1024, "{log} bytes");
}

#[tokio::test]
async fn queries_and_commits_are_counted() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    engine.commit(Batch(vec![fact(1), fact(2)])).await.unwrap();
    let refused = Statement::new("DELETE FROM tombstone", Vec::new())
        .once(stepgate_store::engine::Fault::Missing);
    engine.commit(Batch(vec![refused])).await.unwrap_err();
    facts(&engine).await;
    let done = engine.statistics();
    assert_eq!((done.queries, done.commits, done.groups), (1, 1, 1));
}

/// Counts to `$1`.
const COUNT: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
                     SELECT COUNT(*) FROM n";
/// What takes longer to count to than a short query may take.
const FAR: i64 = 300_000;

#[tokio::test]
async fn a_long_query_is_answered_as_a_short_one_is() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    for end in [1, FAR, 1] {
        let answer = engine.query(COUNT.into(), vec![end.into()]).await.unwrap();
        assert_eq!(answer[0].integer(0).unwrap(), end);
    }
}

#[tokio::test]
async fn a_long_query_holds_up_nobody() {
    let directory = directory();
    let engine = open(directory.path()).unwrap();
    let mut long = Box::pin(engine.query(COUNT.into(), vec![FAR.into()]));
    assert!(futures_util::poll!(&mut long).is_pending());
    assert_eq!(facts(&engine).await, 0);
    assert_eq!(long.await.unwrap()[0].integer(0).unwrap(), FAR);
}

#[tokio::test]
async fn a_batch_is_written_though_nobody_waits_for_it_any_more() {
    let directory = directory();
    let engine = Arc::new(open(directory.path()).unwrap());
    let commit = |number| {
        let engine = Arc::clone(&engine);
        async move { engine.commit(Batch(vec![fact(number)])).await }
    };
    let mut first = Box::pin(commit(0));
    // It has begun to write, and lets others put theirs beside it.
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(commit(1));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    second.await.unwrap();
    assert_eq!(facts(&engine).await, 2);
    commit(2).await.unwrap();
    assert_eq!(facts(&engine).await, 3);
}

/// Counts for longer than anybody waits.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";

#[tokio::test]
async fn a_query_that_takes_too_long_is_given_up() {
    let directory = directory();
    let options = Options {
        readers: 1,
        longest_query: std::time::Duration::from_millis(20),
        ..Options::default()
    };
    let engine = SqliteEngine::open(directory.path(), &options).unwrap();
    for _ in 0..2 {
        let error = engine.query(ENDLESS.into(), Vec::new()).await.unwrap_err();
        assert!(matches!(error, StoreError::TooLong), "{error}");
    }
    assert_eq!(facts(&engine).await, 0);
}

#[tokio::test]
async fn a_query_whose_asker_has_gone_is_given_up() {
    let directory = directory();
    // One thread for long queries, which nothing but the asker's end would free.
    let options = Options {
        readers: 1,
        longest_query: std::time::Duration::MAX,
        ..Options::default()
    };
    let engine = SqliteEngine::open(directory.path(), &options).unwrap();
    let moment = std::time::Duration::from_millis(50);
    for _ in 0..3 {
        let abandoned = engine.query(ENDLESS.into(), Vec::new());
        tokio::time::timeout(moment, abandoned).await.unwrap_err();
    }
    // Long, but not endless.
    let long = ENDLESS.replace("FROM n)", "FROM n WHERE i < 300000)");
    let rows = engine.query(long.into(), Vec::new()).await.unwrap();
    assert_eq!(rows[0].integer(0).unwrap(), 300_000);
}

#[tokio::test]
async fn a_commit_that_the_disk_refuses_is_remembered_until_one_succeeds() {
    let directory = directory();
    let options = Options {
        page_limit: Some(120),
        ..Options::default()
    };
    let engine = SqliteEngine::open(directory.path(), &options).unwrap();
    assert_eq!(engine.health().trouble(), None);
    let large = || installation::set("large", &"x".repeat(1_000_000));
    engine.commit(Batch(vec![large()])).await.unwrap_err();
    assert_eq!(engine.health().trouble(), Some(Trouble::DiskFull));
    // What the rules refuse says nothing of the disk, whichever way it was.
    let twice = || Batch(vec![installation::establish("name", "value")]);
    engine.commit(twice()).await.unwrap();
    assert_eq!(engine.health().trouble(), None);
    engine.commit(twice()).await.unwrap_err();
    assert_eq!(engine.health().trouble(), None);
    engine.commit(Batch(vec![large()])).await.unwrap_err();
    engine.commit(twice()).await.unwrap_err();
    assert_eq!(engine.health().trouble(), Some(Trouble::DiskFull));
}
