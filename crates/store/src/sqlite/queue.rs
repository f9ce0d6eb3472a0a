//! What waits to be written, and whether somebody sees to it. The rule that nothing waits unseen is
//! this file alone, so that a model checker can try every order of events.

use std::{collections::VecDeque, time::Instant};

/// Always behind a lock.
#[derive(Debug)]
pub(super) struct Queue<J> {
    waiting: VecDeque<(Instant, J)>,
    /// When the oldest of those began to wait that were taken and are not settled.
    in_hand: Option<Instant>,
    is_served: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            in_hand: None,
            is_served: false,
        }
    }
}

impl<J> Queue<J> {
    /// Whether whoever puts this has to begin the service, because nobody serves.
    #[must_use = "nobody else begins the service"]
    pub(super) fn put(&mut self, job: J, now: Instant) -> bool {
        self.waiting.push_back((now, job));
        !std::mem::replace(&mut self.is_served, true)
    }

    /// What whoever serves is to do next.
    pub(super) fn take(&mut self, at_most: usize) -> Vec<J> {
        self.in_hand = self.waiting.front().map(|(since, _)| *since);
        let count = self.waiting.len().min(at_most);
        self.waiting.drain(..count).map(|(_, job)| job).collect()
    }

    /// What was taken is done. Whether to serve on; if not, the service has ended.
    #[must_use = "the service goes on, or has ended"]
    pub(super) fn settle(&mut self) -> bool {
        self.in_hand = None;
        self.is_served = !self.waiting.is_empty();
        self.is_served
    }

    /// How many nobody has taken.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn is_served(&self) -> bool {
        self.is_served
    }

    /// When the oldest of those began to wait that are not done.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.in_hand
            .or_else(|| self.waiting.front().map(|(since, _)| *since))
    }
}

#[cfg(test)]
mod tests {
    use loom::{
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use super::*;

    /// Puts one job, and serves when it has to, as the writer does.
    fn commit(queue: &Mutex<Queue<u8>>, done: &Mutex<Vec<u8>>, writes: &AtomicBool, job: u8) {
        if !queue.lock().unwrap().put(job, Instant::now()) {
            return;
        }
        loop {
            let taken = queue.lock().unwrap().take(2);
            assert!(!writes.swap(true, Ordering::SeqCst), "two write at once");
            done.lock().unwrap().extend(taken);
            writes.store(false, Ordering::SeqCst);
            if !queue.lock().unwrap().settle() {
                return;
            }
        }
    }

    #[test]
    fn in_every_order_of_events_each_job_is_done_once_by_one_at_a_time() {
        // Beyond three, more threads that give way bring no new order of so few steps.
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let queue = Arc::new(Mutex::new(Queue::default()));
            let done = Arc::new(Mutex::new(Vec::new()));
            let writes = Arc::new(AtomicBool::new(false));
            let threads: Vec<_> = (0..2)
                .map(|job| {
                    let (queue, done, writes) = (queue.clone(), done.clone(), writes.clone());
                    thread::spawn(move || commit(&queue, &done, &writes, job))
                })
                .collect();
            commit(&queue, &done, &writes, 2);
            for thread in threads {
                thread.join().unwrap();
            }
            let mut done = done.lock().unwrap().clone();
            done.sort_unstable();
            assert_eq!(done, [0, 1, 2]);
            let queue = queue.lock().unwrap();
            assert!(!queue.is_served());
            assert_eq!(queue.waiting_since(), None);
        });
    }

    #[test]
    fn a_job_waits_until_it_is_settled() {
        let mut queue = Queue::default();
        assert!(queue.put("a", Instant::now()));
        let since = queue.waiting_since();
        assert!(!queue.put("b", Instant::now()));
        assert_eq!(queue.take(1), ["a"]);
        assert_eq!(queue.waiting_since(), since);
        assert!(queue.settle());
        assert!(queue.waiting_since() > since);
        assert_eq!(queue.take(1), ["b"]);
        assert!(!queue.settle());
        assert_eq!(queue.waiting_since(), None);
    }
}
