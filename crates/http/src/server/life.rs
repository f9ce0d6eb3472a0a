//! What a connection is doing, and until when it may go on doing it.
//!
//! The transport tells what bytes move, the service tells which requests are under way. The time that
//! is left follows from both; one alarm for a connection looks at it, so that no request sets a timer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Limits;

#[derive(Debug)]
pub(super) struct Life {
    limits: Arc<Limits>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Several requests share the connection (HTTP/2).
    is_multiplexed: bool,
    /// Whether a request was ever taken.
    has_begun: bool,
    /// When it was opened, or had answered last.
    quiet_since: Instant,
    /// When the request that is half there began to come.
    head_since: Option<Instant>,
    /// Requests taken and not yet answered to the end.
    under_way: usize,
    /// Those of them whose answer has begun.
    answering: usize,
    /// When an answer moved last.
    answered_last: Instant,
    /// Since when the client takes nothing of what waits to be sent.
    stalled_since: Option<Instant>,
}

/// Why a connection ends that the client did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// The rest of a request that is half there.
    Head,
    /// The first or the next request.
    Idle,
    /// Taking the answer.
    Write,
}

impl Life {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        let now = Instant::now();
        Self {
            limits,
            state: Mutex::new(State {
                is_multiplexed: false,
                has_begun: false,
                quiet_since: now,
                head_since: None,
                under_way: 0,
                answering: 0,
                answered_last: now,
                stalled_since: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first request may come from now on.
    pub(super) fn open(&self, is_multiplexed: bool) {
        let mut state = self.state();
        state.is_multiplexed = is_multiplexed;
        state.quiet_since = Instant::now();
        state.head_since = None;
    }

    pub(super) fn received(&self) {
        let mut state = self.state();
        if state.under_way == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// What waits to be sent was not taken, or some of it was.
    pub(super) fn sending(&self, is_stalled: bool) {
        let mut state = self.state();
        match (is_stalled, state.stalled_since) {
            (true, None) => state.stalled_since = Some(Instant::now()),
            (false, Some(_)) => {
                state.stalled_since = None;
                state.quiet_since = Instant::now();
            }
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether bytes of a request came that is not whole.
    pub(super) fn has_half_a_head(&self) -> bool {
        let state = self.state();
        !state.is_multiplexed && state.under_way == 0 && state.head_since.is_some()
    }

    /// Whether nothing was asked yet, and nothing is about to be.
    pub(super) fn is_fresh(&self) -> bool {
        let state = self.state();
        !state.has_begun && (state.is_multiplexed || state.head_since.is_none())
    }

    /// Whether a client of a server that stops may still ask: what is half there may become whole,
    /// and who has just come may begin until then.
    pub(super) fn may_ask(&self, until: Instant) -> bool {
        self.has_half_a_head() || (self.is_fresh() && Instant::now() < until)
    }

    /// Whether nothing is under way, to the last byte of an answer.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.under_way == 0 && state.stalled_since.is_none()
    }

    /// When the client is late, and with what. Nothing waits for the client while its request is
    /// being worked on; who reads a body sees to the time that it takes.
    pub(super) fn due(&self) -> Option<(Instant, Late)> {
        let state = self.state();
        let late = |since, limit, late| Some((since + limit, late));
        let Limits {
            headers,
            idle,
            write,
            ..
        } = *self.limits;
        if let Some(since) = state.stalled_since {
            return late(since, write, Late::Write);
        }
        if state.under_way > 0 {
            return late(state.answered_last, write, Late::Write).filter(|_| state.answering > 0);
        }
        let half_a_head = state.head_since.filter(|_| !state.is_multiplexed);
        match half_a_head {
            Some(since) if state.has_begun => late(since, headers, Late::Head),
            Some(_) => late(state.quiet_since, headers, Late::Head),
            None if state.has_begun => late(state.quiet_since, idle, Late::Idle),
            None => late(state.quiet_since, headers, Late::Idle),
        }
    }
}

/// A request from the moment it is taken until its answer is with the transport, or given up.
#[derive(Debug)]
pub(super) struct UnderWay {
    life: Arc<Life>,
    is_multiplexed: bool,
    is_answering: bool,
}

impl UnderWay {
    pub(super) fn begin(life: &Arc<Life>) -> Self {
        let mut state = life.state();
        state.has_begun = true;
        state.head_since = None;
        state.under_way += 1;
        Self {
            life: life.clone(),
            is_multiplexed: state.is_multiplexed,
            is_answering: false,
        }
    }

    pub(super) fn is_multiplexed(&self) -> bool {
        self.is_multiplexed
    }

    /// The answer begins, or a part of it has gone.
    pub(super) fn answer_moves(&mut self) {
        if !self.is_multiplexed {
            return;
        }
        let mut state = self.life.state();
        state.answered_last = Instant::now();
        if !self.is_answering {
            self.is_answering = true;
            state.answering += 1;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.life.state();
        state.under_way = state.under_way.saturating_sub(1);
        if self.is_answering {
            state.answering = state.answering.saturating_sub(1);
        }
        if state.under_way == 0 {
            state.quiet_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_in(life: &Life) -> Option<(u64, Late)> {
        life.due()
            .map(|(at, late)| (at.duration_since(Instant::now()).as_secs(), late))
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_is_left_follows_from_what_the_connection_does() {
        let life = Arc::new(Life::new(Arc::new(Limits::default())));
        life.open(false);
        pass(4).await;
        life.received();
        assert_eq!(
            due_in(&life),
            Some((6, Late::Head)),
            "the first byte gives no more time"
        );
        let under_way = UnderWay::begin(&life);
        pass(100).await;
        assert_eq!(due_in(&life), None, "our own time is not the client's");
        drop(under_way);
        assert_eq!(due_in(&life), Some((60, Late::Idle)));
        pass(59).await;
        life.received();
        pass(3).await;
        life.received();
        assert_eq!(
            due_in(&life),
            Some((7, Late::Head)),
            "a second byte gives no more time"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_nothing_of_an_answer_is_late() {
        let life = Arc::new(Life::new(Arc::new(Limits::default())));
        life.open(false);
        let under_way = UnderWay::begin(&life);
        life.sending(true);
        pass(20).await;
        life.sending(true);
        assert_eq!(due_in(&life), Some((10, Late::Write)));
        life.sending(false);
        assert_eq!(due_in(&life), None);
        life.sending(true);
        assert_eq!(due_in(&life), Some((30, Late::Write)));
        drop(under_way);
        assert_eq!(
            due_in(&life),
            Some((30, Late::Write)),
            "the rest waits in our buffer"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn streams_that_move_nothing_are_late_together() {
        let life = Arc::new(Life::new(Arc::new(Limits::default())));
        life.open(true);
        life.received();
        let (mut first, second) = (UnderWay::begin(&life), UnderWay::begin(&life));
        assert_eq!(due_in(&life), None);
        first.answer_moves();
        pass(10).await;
        assert_eq!(due_in(&life), Some((20, Late::Write)));
        first.answer_moves();
        assert_eq!(due_in(&life), Some((30, Late::Write)));
        drop(first);
        assert_eq!(due_in(&life), None);
        drop(second);
        life.received();
        assert_eq!(
            due_in(&life),
            Some((60, Late::Idle)),
            "a ping is no request"
        );
    }
}
