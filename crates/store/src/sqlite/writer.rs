//! Writing, by one at a time. Whoever commits while nobody writes has the shift: it takes every
//! batch that waits into one transaction, and they are answered when the disk has it all, so the more
//! is to do, the fewer waits for the disk it costs. No thread is woken for it, nor by it. When a batch
//! of a group is refused, the group is written anew, each batch behind its own savepoint.

use std::{
    collections::VecDeque,
    fs::File,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicI32, Ordering},
    },
};

use rusqlite::Connection;
use tokio::{sync::oneshot, task::yield_now};

use super::{Counters, error::translate, reader::ShortReader, statement::execute};
use crate::engine::{Batch, Expect, StoreError};

/// Batches in one transaction.
const GROUP_AT_MOST: usize = 256;
/// How often whoever is about to write lets those go first who are ready: they put their batches
/// beside this one.
const ROUNDS: usize = 3;
/// Pages in the write-ahead log from which on it is copied back, after the answers.
const CHECKPOINT_FROM: i32 = 1_000;

#[derive(Debug)]
struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Debug)]
pub(super) struct Writer(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    waiting: Mutex<Waiting>,
    connection: Mutex<ShortReader>,
    /// Pages in the write-ahead log after the last commit.
    log_pages: Arc<AtomicI32>,
    counters: Arc<Counters>,
    /// Of the data directory: free when the last group is written and the connection closed, which is
    /// why it comes last here.
    _lock: File,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Somebody writes, and will take what waits.
    is_manned: bool,
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
        Ok(Self(Arc::new(Desk {
            waiting: Mutex::default(),
            connection: Mutex::new(ShortReader::on(connection)?),
            log_pages,
            counters,
            _lock: lock,
        })))
    }

    /// The connection, to read with it, if nobody writes or is about to.
    pub(super) fn idle(&self) -> Option<MutexGuard<'_, ShortReader>> {
        let waiting = self.0.waiting();
        if waiting.is_manned {
            return None;
        }
        match self.0.connection.try_lock() {
            Ok(connection) => Some(connection),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// How many batches wait.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.0.waiting().jobs.len()).unwrap_or(u64::MAX)
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        if let Some(mut shift) = Desk::put(&self.0, Job { batch, answer }) {
            gather().await;
            shift.write_group();
            if shift.is_on {
                tokio::spawn(shift.finish());
            }
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Desk {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shift begins when nobody has it: then whoever puts this job is to write.
    fn put(desk: &Arc<Self>, job: Job) -> Option<Shift> {
        let mut waiting = desk.waiting();
        waiting.jobs.push_back(job);
        let is_free = !mem::replace(&mut waiting.is_manned, true);
        is_free.then(|| Shift {
            desk: Arc::clone(desk),
            is_on: true,
        })
    }
}

/// The duty to write what waits, which one has at a time until nothing waits.
#[derive(Debug)]
struct Shift {
    desk: Arc<Desk>,
    is_on: bool,
}

impl Shift {
    /// Writes what waits, together.
    fn write_group(&mut self) {
        let desk = &*self.desk;
        let mut waiting = desk.waiting();
        let at_most = waiting.jobs.len().min(GROUP_AT_MOST);
        let group = waiting.jobs.drain(..at_most).collect();
        drop(waiting);
        {
            let connection = desk.connection.lock();
            let connection = connection.unwrap_or_else(PoisonError::into_inner);
            let connection = connection.connection();
            write(connection, group, &desk.counters);
            if desk.log_pages.load(Ordering::Relaxed) >= CHECKPOINT_FROM {
                checkpoint(connection);
            }
        }
        let mut waiting = desk.waiting();
        waiting.is_manned = !waiting.jobs.is_empty();
        self.is_on = waiting.is_manned;
    }

    async fn finish(mut self) {
        while self.is_on {
            gather().await;
            self.write_group();
        }
    }
}

impl Drop for Shift {
    /// Whoever had the shift has gone away in the middle of it; the others wait all the same.
    fn drop(&mut self) {
        while self.is_on {
            self.write_group();
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
