//! Writing, by one at a time. What is committed waits in a queue; a task of its own takes all that
//! waits into one transaction, and answers when the disk has it, so the more there is to do, the fewer
//! waits for the disk it costs. The task begins when something waits and ends when nothing does.
//! Nobody but the runtime polls it: whoever commits may stand beside other futures of one task, be
//! polled late, or be dropped, and the others' batches are written all the same.

use std::{
    fs::File,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::{sync::oneshot, task::yield_now};

use super::{Counters, error::translate, queue::Queue, reader::ShortReader, statement::execute};
use crate::engine::{Batch, Expect, StoreError};

/// Batches in one transaction.
const GROUP_AT_MOST: usize = 256;
/// How often the writer lets those go first who are ready: they put their batches beside the others.
const ROUNDS: usize = 3;
/// Pages in the write-ahead log from which on it is copied back, after the answers.
const CHECKPOINT_FROM: i32 = 1_000;

#[derive(Debug)]
struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Debug)]
pub(super) struct Writer(Arc<Leader>);

#[derive(Debug)]
struct Leader {
    queue: Mutex<Queue<Job>>,
    /// Nothing when the engine is dropped.
    desk: Mutex<Option<Desk>>,
    /// Pages in the write-ahead log after the last commit.
    log_pages: Arc<AtomicI32>,
    counters: Arc<Counters>,
}

/// What one may write with. Cleared by whoever drops the engine, and not by a service that may look
/// at it a moment longer: who comes next finds the directory free.
#[derive(Debug)]
struct Desk {
    connection: ShortReader,
    /// Of the data directory: comes last, since it is free when the connection is closed.
    _lock: File,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        lock: File,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let log_pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&log_pages);
        // Takes the place of automatic checkpoints, which would run before the answers.
        connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                seen.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| translate(&error))?;
        Ok(Self(Arc::new(Leader {
            queue: Mutex::default(),
            desk: Mutex::new(Some(Desk {
                connection: ShortReader::on(connection)?,
                _lock: lock,
            })),
            log_pages,
            counters,
        })))
    }

    /// Reads with the connection, if nobody writes or is about to.
    pub(super) fn if_idle<T>(&self, read: impl FnOnce(&ShortReader) -> T) -> Option<T> {
        if self.0.queue().is_served() {
            return None;
        }
        let desk = match self.0.desk.try_lock() {
            Ok(desk) => desk,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        desk.as_ref().map(|desk| read(&desk.connection))
    }

    /// How many batches wait.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.0.queue().len()).unwrap_or(u64::MAX)
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let has_to_serve = self.0.queue().put(Job { batch, answer }, Instant::now());
        if has_to_serve {
            tokio::spawn(Service::begin(&self.0).run());
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// How long the oldest commit has waited that is not answered.
    pub(super) fn longest_wait(&self) -> Duration {
        let since = self.0.queue().waiting_since();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for Writer {
    /// What was taken is written, also when the service has not come to it.
    fn drop(&mut self) {
        while self.0.queue().is_served() && self.0.serve() {}
        drop(self.0.desk().take());
    }
}

impl Leader {
    fn queue(&self) -> MutexGuard<'_, Queue<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn desk(&self) -> MutexGuard<'_, Option<Desk>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, together. Whether more waits.
    fn serve(&self) -> bool {
        // Whoever waits for a group that ends in a panic learns that it was not written.
        if catch_unwind(AssertUnwindSafe(|| self.write_group())).is_err() {
            tracing::error!("a group ended in a panic: the writer goes on with what waits");
        }
        self.queue().settle()
    }

    fn write_group(&self) {
        let group = self.queue().take(GROUP_AT_MOST);
        let desk = self.desk();
        let Some(desk) = desk.as_ref() else {
            return;
        };
        let connection = desk.connection.connection();
        write(connection, group, &self.counters);
        if self.log_pages.load(Ordering::Relaxed) >= CHECKPOINT_FROM {
            checkpoint(connection);
        }
    }
}

/// Writes until nothing waits. There is one at a time. It keeps nothing open: when the engine is
/// dropped, so are the connection and the lock, after what was taken is written.
#[derive(Debug)]
struct Service {
    leader: Weak<Leader>,
    is_over: bool,
}

impl Service {
    fn begin(leader: &Arc<Leader>) -> Self {
        Self {
            leader: Arc::downgrade(leader),
            is_over: false,
        }
    }

    async fn run(mut self) {
        while !self.is_over {
            gather().await;
            self.serve();
        }
    }

    fn serve(&mut self) {
        self.is_over = self.leader.upgrade().is_none_or(|leader| !leader.serve());
    }
}

impl Drop for Service {
    /// The runtime shuts down in the middle of it: the others wait all the same.
    fn drop(&mut self) {
        while !self.is_over {
            self.serve();
        }
    }
}

async fn gather() {
    for _ in 0..ROUNDS {
        yield_now().await;
    }
}

/// Readers are not disturbed; what they still need stays in the log.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be copied back");
    }
}

/// Why no batch of a group is in the database.
enum Failure {
    /// The database took the whole transaction back because of one statement.
    TakenBack(rusqlite::Error),
    /// It could not be begun or committed.
    Transaction(rusqlite::Error),
}

fn write(connection: &Connection, mut group: Vec<Job>, counters: &Counters) {
    let outcomes = write_together(connection, &group).and_then(|written| {
        if written {
            Ok(group.iter().map(|_| Ok(())).collect())
        } else {
            write_group(connection, &group)
        }
    });
    match outcomes {
        Ok(outcomes) => {
            let committed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            if committed > 0 {
                counters.groups.fetch_add(1, Ordering::Relaxed);
                counters.commits.fetch_add(
                    u64::try_from(committed).unwrap_or_default(),
                    Ordering::Relaxed,
                );
            }
            for (job, outcome) in group.into_iter().zip(outcomes) {
                let _ = job.answer.send(outcome);
            }
        }
        // One batch must not fail for another's sake.
        Err(Failure::TakenBack(_)) if group.len() > 1 => {
            for job in mem::take(&mut group) {
                write(connection, vec![job], counters);
            }
        }
        Err(Failure::TakenBack(error) | Failure::Transaction(error)) => {
            for job in group {
                let _ = job.answer.send(Err(translate(&error)));
            }
        }
    }
}

/// Every batch, or none of them (false). Nearly always none is refused, and then the savepoints
/// are spared, which would copy each page before its first change in every batch.
fn write_together(connection: &Connection, group: &[Job]) -> Result<bool, Failure> {
    let transaction = Transaction::begin(connection).map_err(Failure::Transaction)?;
    for job in group {
        if !matches!(write_statements(connection, &job.batch), Ok(Ok(()))) {
            return Ok(false);
        }
    }
    transaction.commit().map_err(Failure::Transaction)?;
    Ok(true)
}

fn write_group(
    connection: &Connection,
    group: &[Job],
) -> Result<Vec<Result<(), StoreError>>, Failure> {
    let transaction = Transaction::begin(connection).map_err(Failure::Transaction)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(write_batch(connection, &job.batch)?);
    }
    if outcomes.iter().any(Result::is_ok) {
        transaction.commit().map_err(Failure::Transaction)?;
    }
    Ok(outcomes)
}

fn write_batch(connection: &Connection, batch: &Batch) -> Result<Result<(), StoreError>, Failure> {
    let bare = |sql: &str| execute(connection, sql, &[]).map(|_| ());
    let outcome = bare("SAVEPOINT batch").and_then(|()| write_statements(connection, batch));
    let outcome = match outcome {
        Ok(Ok(())) => bare("RELEASE batch").map(Ok),
        Ok(Err(refused)) => bare("ROLLBACK TO batch")
            .and_then(|()| bare("RELEASE batch"))
            .map(|()| Err(refused)),
        Err(error) if connection.is_autocommit() => return Err(Failure::TakenBack(error)),
        Err(error) => bare("ROLLBACK TO batch")
            .and_then(|()| bare("RELEASE batch"))
            .map(|()| Err(translate(&error))),
    };
    outcome.map_err(Failure::TakenBack)
}

fn write_statements(
    connection: &Connection,
    batch: &Batch,
) -> rusqlite::Result<Result<(), StoreError>> {
    for statement in &batch.0 {
        let touched = execute(connection, &statement.sql, &statement.args)?;
        match statement.expect {
            Expect::Exactly(expected) if touched != expected => {
                return Ok(Err(StoreError::Refused(statement.otherwise.clone())));
            }
            Expect::Exactly(_) | Expect::Any => {}
        }
    }
    Ok(Ok(()))
}

/// Rolled back unless committed.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        execute(connection, "BEGIN IMMEDIATE", &[])?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        execute(self.0, "COMMIT", &[]).map(|_| ())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit()
            && let Err(error) = execute(self.0, "ROLLBACK", &[])
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
    }
}
