//! What is counted and measured, for whoever watches the server. A label is one of a closed set:
//! never an id, a name or an address.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, prometheus_text},
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Metric, Registry},
};
use stepgate_store::{engine::Engine, outbox};

use crate::{App, error::ManagementError};

/// Seconds: from what is answered out of memory to what times out.
const LATENCIES: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    operation: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Because {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sent {
    provider: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

/// What became of an attempt to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    Delivered,
    Retried,
    GivenUp,
}

impl Sending {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retried => "retried",
            Self::GivenUp => "given_up",
        }
    }
}

pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Answered, Counter>,
    latencies: Family<Asked, Histogram, fn() -> Histogram>,
    refusals: Family<Because, Counter>,
    flows_begun: Counter,
    flows_completed: Counter,
    flows_failed: Family<Because, Counter>,
    messages: Family<Sent, Counter>,
    outbox: Family<InState, Gauge>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("stepgate")),
            requests: Family::default(),
            latencies: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            refusals: Family::default(),
            flows_begun: Counter::default(),
            flows_completed: Counter::default(),
            flows_failed: Family::default(),
            messages: Family::default(),
            outbox: Family::default(),
        };
        metrics.register(
            "requests",
            "Requests answered, by operation and status",
            &metrics.requests,
        );
        metrics.register(
            "request_seconds",
            "From the request's head to its answer",
            &metrics.latencies,
        );
        metrics.register(
            "refusals",
            "Requests refused, by the check that failed",
            &metrics.refusals,
        );
        metrics.register("flows_begun", "Sign-ons begun", &metrics.flows_begun);
        metrics.register(
            "flows_completed",
            "Sign-ons whose policy was satisfied",
            &metrics.flows_completed,
        );
        metrics.register(
            "flows_failed",
            "Sign-ons that failed, by reason",
            &metrics.flows_failed,
        );
        metrics.register(
            "messages",
            "Attempts to send a message, by provider and outcome",
            &metrics.messages,
        );
        metrics.register(
            "outbox_messages",
            "Messages that wait, or were given up and are kept",
            &metrics.outbox,
        );
        metrics
            .registry()
            .register_collector(Box::new(StoreFigures(engine)));
        metrics
    }

    /// Adds something else to be shown.
    pub fn register(&self, name: &str, help: &str, metric: &(impl Metric + Clone)) {
        self.registry().register(name, help, metric.clone());
    }

    /// Notes an answered request.
    pub fn answered(&self, operation: &Arc<str>, status: u16, took: Duration) {
        let asked = Asked {
            operation: Arc::clone(operation),
        };
        self.latencies
            .get_or_create(&asked)
            .observe(took.as_secs_f64());
        let answered = Answered {
            operation: asked.operation,
            status,
        };
        self.requests.get_or_create(&answered).inc();
    }

    /// Notes a refused request.
    pub fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&Because { reason }).inc();
    }

    pub(crate) fn flow_begun(&self) {
        self.flows_begun.inc();
    }

    pub(crate) fn flow_completed(&self) {
        self.flows_completed.inc();
    }

    pub(crate) fn flow_failed(&self, reason: &'static str) {
        self.flows_failed.get_or_create(&Because { reason }).inc();
    }

    pub(crate) fn message(&self, provider: &'static str, outcome: Sending) {
        let sent = Sent {
            provider,
            outcome: outcome.as_str(),
        };
        self.messages.get_or_create(&sent).inc();
    }

    /// All of it, in Prometheus's text format.
    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry())?;
        Ok(text)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that is counted now, in Prometheus's text format.
pub async fn text(app: &App) -> Result<String, ManagementError> {
    for (state, count) in outbox::counts(&*app.engine).await? {
        let state = InState {
            state: state.as_str(),
        };
        app.metrics.outbox.get_or_create(&state).set(count);
    }
    let text = app.metrics.text();
    text.map_err(|error| ManagementError::Internal(Box::new(error)))
}

/// What the store counts by itself, read when somebody looks.
#[derive(Debug)]
struct StoreFigures(Arc<dyn Engine>);

impl Collector for StoreFigures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let figures = self.0.statistics();
        let mut show = |name: &str, help: &str, metric: &dyn Shown| {
            let kind = metric.metric_type();
            metric.encode(encoder.encode_descriptor(name, help, None, kind)?)
        };
        let counter = ConstCounter::<u64>::new;
        let gauge = ConstGauge::<u64>::new;
        show(
            "store_queries",
            "Queries of the store",
            &counter(figures.queries),
        )?;
        show(
            "store_commits",
            "Batches committed",
            &counter(figures.commits),
        )?;
        show(
            "store_commit_groups",
            "Transactions that carried them: each waited once for the disk",
            &counter(figures.groups),
        )?;
        show(
            "store_waiting_commits",
            "Batches that wait for the writer",
            &gauge(figures.waiting_commits),
        )?;
        show(
            "store_busy_readers",
            "Short queries that are being answered beside the writer",
            &gauge(figures.busy_readers),
        )?;
        show(
            "store_long_queries",
            "Long queries that are being answered or wait for a thread",
            &gauge(figures.long_queries),
        )
    }
}

/// A metric without its type.
trait Shown: EncodeMetric {}
impl<M: EncodeMetric> Shown for M {}
