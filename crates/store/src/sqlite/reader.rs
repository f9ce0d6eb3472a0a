//! Threads that read, each with its own connection: a query sees what was committed when it began.

use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{error::driver, open, statement};
use crate::engine::{Row, StoreError, Value};

#[derive(Debug)]
struct Question {
    sql: Cow<'static, str>,
    args: Vec<Value>,
    answer: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

#[derive(Debug)]
pub(super) struct Readers {
    /// Taken when the engine is dropped, which tells the threads to end.
    questions: Option<mpsc::Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(directory: &Path, threads: usize) -> Result<Self, StoreError> {
        let (questions, waiting) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut readers = Self {
            questions: Some(questions),
            threads: Vec::new(),
        };
        for number in 1..=threads.max(1) {
            let connection = open::reader(directory)?;
            let waiting = Arc::clone(&waiting);
            let thread = thread::Builder::new()
                .name(format!("sqlite-read-{number}"))
                .spawn(move || answer_all(&connection, &waiting))
                .map_err(driver)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    pub(super) async fn query(
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

impl Drop for Readers {
    fn drop(&mut self) {
        drop(self.questions.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn answer_all(connection: &Connection, waiting: &Mutex<mpsc::Receiver<Question>>) {
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
        if !answer.is_closed() {
            let _ = answer.send(statement::query(connection, &sql, &args));
        }
    }
}
