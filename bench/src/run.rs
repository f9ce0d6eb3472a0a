//! Closed loops: each connection begins its next flow when the last one is done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use stepgate_client::{
    Answer, Application, Client, ClientError, Hint, HintAlgorithm, Request, User, messages_to,
    requests,
};
use tokio::task::JoinSet;

use crate::{load::Fixture, process::Server, report};

const DELIVERY: Duration = Duration::from_secs(10);
const INBOX_SAMPLES: u32 = 1_000;

/// The timed requests, in order.
pub(crate) const STEPS: [&str; 4] = ["authorize", "code", "resume", "token"];

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) warm_up: Duration,
    /// What is measured are so many parts; the memory is read at the end of each.
    pub(crate) part: Duration,
    pub(crate) parts: u32,
    /// Where this phase goes on in the circle of users, so that nobody is sent two codes at once.
    pub(crate) first_user: u32,
}

impl Plan {
    pub(crate) fn measured(&self) -> Duration {
        self.part * self.parts
    }
}

/// What one measurement found.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    pub(crate) connections: usize,
    pub(crate) elapsed: Duration,
    /// Flows begun, warm-up included.
    pub(crate) started: u32,
    /// One array of latencies for each measured flow.
    pub(crate) flows: Vec<[Duration; 4]>,
    /// Readings of the inbox during the measurement.
    pub(crate) inbox_readings: u32,
    pub(crate) server_cpu_seconds: f64,
    /// At the end of each part.
    pub(crate) resident_bytes: Vec<u64>,
    pub(crate) errors: u32,
    pub(crate) first_error: Option<String>,
}

pub(crate) async fn phase(
    server: &Server,
    fixture: &Fixture,
    plan: &Plan,
) -> anyhow::Result<Phase> {
    let next = Arc::new(AtomicU32::new(plan.first_user));
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.measured();
    let mut loops = JoinSet::new();
    for _ in 0..plan.connections {
        let connection = Connection {
            client: Client::new(server.base())?,
            fixture: fixture.clone(),
            next: Arc::clone(&next),
        };
        loops.spawn(connection.run(begin, end));
    }

    tokio::time::sleep_until(begin.into()).await;
    let (cpu, start) = (server.cpu_seconds()?, Instant::now());
    let mut resident_bytes = Vec::new();
    for part in 1..=plan.parts {
        tokio::time::sleep_until((begin + plan.part * part).into()).await;
        let bytes = server.resident_bytes()?;
        resident_bytes.push(bytes);
        if plan.parts > 1 {
            report::resident(part, bytes);
        }
    }
    let (server_cpu_seconds, elapsed) = (server.cpu_seconds()? - cpu, start.elapsed());

    let mut phase = Phase {
        connections: plan.connections,
        elapsed,
        server_cpu_seconds,
        resident_bytes,
        ..Phase::default()
    };
    while let Some(part) = loops.join_next().await {
        let part = part?;
        phase.flows.extend(part.flows);
        phase.inbox_readings += part.inbox_readings;
        phase.errors += part.errors;
        phase.first_error = phase.first_error.or(part.first_error);
    }
    phase.started = next.load(Ordering::Relaxed) - plan.first_user;
    Ok(phase)
}

struct Connection {
    client: Client,
    fixture: Fixture,
    next: Arc<AtomicU32>,
}

impl Connection {
    async fn run(self, begin: Instant, end: Instant) -> Phase {
        let mut phase = Phase::default();
        while Instant::now() < end {
            let number = self.next.fetch_add(1, Ordering::Relaxed) % self.fixture.users + 1;
            let outcome = self.flow(&User::numbered(number)).await;
            let now = Instant::now();
            if now < begin || now > end {
                continue;
            }
            match outcome {
                Ok((latencies, readings)) => {
                    phase.flows.push(latencies);
                    phase.inbox_readings += readings;
                }
                Err(error) => {
                    phase.errors += 1;
                    phase.first_error.get_or_insert(error.to_string());
                }
            }
        }
        phase
    }

    /// One flow: the latencies of its four requests, and how often the inbox was read in between.
    async fn flow(&self, user: &User) -> Result<([Duration; 4], u32), ClientError> {
        let (env, client_id) = (&self.fixture.environment, &self.fixture.client_id);
        let application = Application::default();
        let audience = format!("{}/{env}/as", self.client.base());
        let hint = Hint::starting_now(client_id, &user.username, &audience, 300)
            .sign(HintAlgorithm::Hs256, &self.fixture.client_secret)?;
        let request = requests::authorize(env, client_id, &application.redirect_uri, &hint, &[]);
        let (begun, authorize) = self.timed(request).await?;
        let flow_id = begun.text("/id")?;
        let cookie = begun.cookies().unwrap_or_default();

        let begun_at = begun.text("/createdAt")?;
        let (code, readings) = self.code(&user.phone, begun_at).await?;
        let (_, check) = self
            .timed(requests::check_code(env, flow_id, &cookie, &code))
            .await?;
        let (resumed, resume) = self.timed(requests::resume(env, flow_id, &cookie)).await?;
        let code = resumed.text("/authorizeResponse/code")?;
        let credentials = (client_id.as_str(), self.fixture.client_secret.as_str());
        let (tokens, token) = self
            .timed(requests::redeem_code(env, &application, credentials, code))
            .await?;
        tokens.text("/id_token")?;
        Ok(([authorize, check, resume, token], readings))
    }

    /// The code that was sent since `begun_at`, and how many readings of the inbox it took. Times
    /// are all the server's and of one form, so they compare as text.
    async fn code(&self, phone: &str, begun_at: &str) -> Result<(String, u32), ClientError> {
        let (start, mut readings) = (Instant::now(), 0);
        while start.elapsed() < DELIVERY {
            let messages = messages_to(&self.client, phone).await?;
            readings += 1;
            if let Some(message) = messages.last().filter(|it| it.time.as_str() >= begun_at) {
                return Ok((message.code.clone().unwrap_or_default(), readings));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Err(ClientError::NoMessage {
            to: phone.to_owned(),
            waited: DELIVERY,
        })
    }

    async fn timed(&self, request: Request) -> Result<(Answer, Duration), ClientError> {
        let start = Instant::now();
        let exchange = self.client.exchange(request).await?;
        let elapsed = start.elapsed();
        Ok((exchange.expect(200)?, elapsed))
    }
}

/// CPU seconds of the server for one reading of the inbox: the generator's doing, not the flow's.
pub(crate) async fn cpu_of_reading_the_inbox(server: &Server) -> anyhow::Result<f64> {
    let client = Client::new(server.base())?;
    let before = server.cpu_seconds()?;
    for number in 0..INBOX_SAMPLES {
        messages_to(&client, &User::numbered(number + 1).phone).await?;
    }
    Ok((server.cpu_seconds()? - before) / f64::from(INBOX_SAMPLES))
}
