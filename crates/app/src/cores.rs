//! Work that takes a core for long: beside the requests, and no more at once than there are cores.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::spawn_blocking};

/// Why there is no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    #[error("too much work of this kind is waiting")]
    Crowded,
    #[error("the work ended early")]
    Interrupted,
}

/// The places at which work is done, and before them a queue with an end.
#[derive(Debug)]
pub(crate) struct Cores {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Cores {
    /// One place for each core, and a queue of so many for each of them.
    pub(crate) fn with_queue(each: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            places: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(cores * (each + 1))),
        }
    }

    /// The outcome of the work. Places belong to work that runs or waits in a task of its own, never
    /// to a future that its owner may leave unpolled.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let queued = self.queue.clone().try_acquire_owned();
        let queued = queued.map_err(|_| WorkError::Crowded)?;
        let places = self.places.clone();
        let begin = move |place| {
            spawn_blocking(move || {
                let _held = (queued, place);
                work()
            })
        };
        let outcome = match places.clone().try_acquire_owned() {
            Ok(place) => begin(Some(place)).await,
            Err(_) => tokio::spawn(async move { begin(places.acquire_owned().await.ok()).await })
                .await
                .and_then(|outcome| outcome),
        };
        outcome.map_err(|_| WorkError::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Barrier, Mutex, mpsc},
        time::Duration,
    };

    use futures_util::FutureExt;

    use super::*;

    fn one_place(queue: usize) -> Cores {
        Cores {
            places: Arc::new(Semaphore::new(1)),
            queue: Arc::new(Semaphore::new(1 + queue)),
        }
    }

    #[tokio::test]
    async fn work_ends_beside_work_that_nobody_polls() {
        let cores = one_place(8);
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let mut first = Box::pin(cores.run(move || wait.lock().unwrap().recv()));
        // The place is taken when this is polled once.
        assert!(first.as_mut().now_or_never().is_none());
        let mut unpolled = Box::pin(cores.run(|| ()));
        assert!(unpolled.as_mut().now_or_never().is_none());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        let other = tokio::time::timeout(Duration::from_mins(1), cores.run(|| ()));
        other.await.unwrap().unwrap();
        unpolled.await.unwrap();
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let cores = one_place(1);
        let barrier = Arc::new(Barrier::new(2));
        let until = barrier.clone();
        let mut running = Box::pin(cores.run(move || until.wait().is_leader()));
        assert!(running.as_mut().now_or_never().is_none());
        let mut waiting = Box::pin(cores.run(|| ()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(cores.run(|| ()).await, Err(WorkError::Crowded));
        tokio::task::spawn_blocking(move || barrier.wait().is_leader())
            .await
            .unwrap();
        running.await.unwrap();
        waiting.await.unwrap();
        cores.run(|| ()).await.unwrap();
    }
}
