//! Reading: each query sees what was committed when it began.
//!
//! Nearly every query is answered where it is asked: it takes microseconds, and to wake a thread for
//! it, and the asking task for its answer, costs more than the answer. A query that turns out to be
//! long is given up there and begun anew on a thread, so that it stalls no other request. There it is
//! given up for good when it takes too long, or when whoever asked has gone away.
//!
//! A reader forgets its pages whenever something was committed. The connection that writes knows them
//! all still, so while nobody writes the short queries are answered by it, at half the cost.

use std::{
    borrow::Cow,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::{
    Options,
    error::{driver, translate},
    open, statement,
    writer::Writer,
};
use crate::engine::{Row, StoreError, Value};

/// Instructions of the database's machine between two looks at how long a query has become.
const LOOK_EVERY: i32 = 1_000;
/// How many looks a short query lasts at most: about a millisecond.
const SHORT: u32 = 20;

#[derive(Debug)]
pub(super) struct Readers {
    /// Those that answer nobody now.
    short: Mutex<Vec<ShortReader>>,
    /// Of both kinds.
    at_once: usize,
    long: LongReaders,
    /// Long queries that are not answered yet.
    long_queries: AtomicU64,
}

impl Readers {
    /// At most `at_once` queries are answered where they are asked, and as many on threads.
    pub(super) fn start(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        let at_once = options.readers.max(1);
        let short = (0..at_once).map(|_| ShortReader::open(directory));
        Ok(Self {
            short: Mutex::new(short.collect::<Result<_, _>>()?),
            at_once,
            long_queries: AtomicU64::new(0),
            long: LongReaders::start(directory, at_once, options.longest_query)?,
        })
    }

    pub(super) async fn query(
        &self,
        writer: Option<&Writer>,
        sql: Cow<'static, str>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        if let Some(answer) = self.answer_here(writer, &sql, &args) {
            return answer.map_err(|error| translate(&error));
        }
        self.long_queries.fetch_add(1, Ordering::Relaxed);
        let _asked = Asked(&self.long_queries);
        self.long.query(sql, args).await
    }

    /// How many of the short readers answer somebody now.
    pub(super) fn busy(&self) -> u64 {
        let idle = self.short().len();
        u64::try_from(self.at_once.saturating_sub(idle)).unwrap_or(u64::MAX)
    }

    pub(super) fn long_queries(&self) -> u64 {
        self.long_queries.load(Ordering::Relaxed)
    }

    /// Nothing when all are busy, or when the query is long.
    fn answer_here(
        &self,
        writer: Option<&Writer>,
        sql: &str,
        args: &[Value],
    ) -> Option<rusqlite::Result<Vec<Row>>> {
        let by_writer = |writer: &Writer| writer.if_idle(|idle| idle.answer(sql, args));
        if let Some(answer) = writer.and_then(by_writer) {
            return answer;
        }
        let reader = self.short().pop()?;
        let answer = reader.answer(sql, args);
        self.short().push(reader);
        answer
    }

    fn short(&self) -> MutexGuard<'_, Vec<ShortReader>> {
        self.short.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A long query that somebody waits for.
struct Asked<'a>(&'a AtomicU64);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that gives up queries which take long, but nothing else.
#[derive(Debug)]
pub(super) struct ShortReader {
    connection: Connection,
    /// Zero when what runs may take as long as it does.
    looks_left: Arc<AtomicU32>,
}

impl ShortReader {
    fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::on(open::reader(directory)?)
    }

    pub(super) fn on(mut connection: Connection) -> Result<Self, StoreError> {
        let looks_left = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&looks_left);
        let is_long = move || {
            let looks = left.load(Ordering::Relaxed);
            left.store(looks.saturating_sub(1), Ordering::Relaxed);
            looks == 1
        };
        connection
            .progress_handler(LOOK_EVERY, Some(is_long))
            .map_err(|error| translate(&error))?;
        Ok(Self {
            connection,
            looks_left,
        })
    }

    /// Nothing when the query is long.
    pub(super) fn answer(&self, sql: &str, args: &[Value]) -> Option<rusqlite::Result<Vec<Row>>> {
        self.looks_left.store(SHORT, Ordering::Relaxed);
        let answer = statement::query(&self.connection, sql, args);
        self.looks_left.store(0, Ordering::Relaxed);
        let is_long = answer
            .as_ref()
            .is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted));
        (!is_long).then_some(answer)
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }
}

#[derive(Debug)]
struct Question {
    sql: Cow<'static, str>,
    args: Vec<Value>,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<Vec<Row>, StoreError>>;

/// Threads for long queries, each with its own connection.
#[derive(Debug)]
struct LongReaders {
    /// Taken when the engine is dropped, which tells the threads to end.
    questions: Option<mpsc::Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl LongReaders {
    fn start(directory: &Path, threads: usize, longest: Duration) -> Result<Self, StoreError> {
        let (questions, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self {
            questions: Some(questions),
            threads: Vec::new(),
        };
        for number in 1..=threads {
            let reader = LongReader::on(open::reader(directory)?, longest)?;
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new()
                .name(format!("sqlite-read-{number}"))
                .spawn(move || reader.answer_all(&waiting))
                .map_err(driver)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    async fn query(
        &self,
        sql: Cow<'static, str>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let questions = self.questions.as_ref().ok_or(StoreError::Closed)?;
        questions
            .send(Question { sql, args, answer })
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for LongReaders {
    fn drop(&mut self) {
        drop(self.questions.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The question that is being answered, while it is.
type Current = Arc<Mutex<Option<(Instant, Answer)>>>;

/// A connection that gives up queries which nobody waits for any more, or no longer should.
struct LongReader {
    connection: Connection,
    current: Current,
}

impl LongReader {
    fn on(mut connection: Connection, longest: Duration) -> Result<Self, StoreError> {
        let current = Current::default();
        let watched = Arc::clone(&current);
        let is_over = move || {
            let current = watched.lock().unwrap_or_else(PoisonError::into_inner);
            current
                .as_ref()
                .is_some_and(|(since, answer)| answer.is_closed() || since.elapsed() > longest)
        };
        connection
            .progress_handler(LOOK_EVERY, Some(is_over))
            .map_err(|error| translate(&error))?;
        Ok(Self {
            connection,
            current,
        })
    }

    fn current(&self) -> MutexGuard<'_, Option<(Instant, Answer)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer_all(&self, waiting: &Mutex<mpsc::Receiver<Question>>) {
        loop {
            // One thread at a time waits for a question, the others for their turn.
            let question = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok(Question { sql, args, answer }) = question else {
                return;
            };
            // Whoever asked may have gone away.
            if answer.is_closed() {
                continue;
            }
            *self.current() = Some((Instant::now(), answer));
            let found = statement::query(&self.connection, &sql, &args);
            if let Some((_, answer)) = self.current().take() {
                let _ = answer.send(found.map_err(|error| translate(&error)));
            }
        }
    }
}
