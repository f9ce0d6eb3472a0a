//! Stores the users, through the API like everybody else.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stepgate_client::{
    Application, Client, Request, Tenant, User, Workflow, create_environment, requests,
    worker_token,
};
use tokio::task::JoinSet;

use crate::{process::Server, report};

const CONNECTIONS: usize = 32;
const KEPT: &str = "bench.json";

/// What the flows need to know of the stored data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fixture {
    pub(crate) environment: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// Users 1 to this number have a device.
    pub(crate) users: u32,
    /// Where the next flow goes on in the circle of users. Whoever was sent codes a moment ago is
    /// sent no more for a while, so a run begins where the last one ended.
    #[serde(default)]
    pub(crate) next_user: u32,
    /// How long loading took; absent when the data was there already.
    #[serde(skip)]
    pub(crate) loading: Option<Duration>,
}

/// The data of an earlier run if there is enough of it, else new data.
pub(crate) async fn fixture(
    server: &Server,
    directory: &Path,
    users: u32,
) -> anyhow::Result<Fixture> {
    if let Ok(text) = fs::read_to_string(directory.join(KEPT)) {
        let fixture: Fixture = serde_json::from_str(&text)?;
        anyhow::ensure!(
            fixture.users == users,
            "the kept data has {} users, not {users}",
            fixture.users
        );
        return Ok(fixture);
    }
    let fixture = load(server, directory, users).await?;
    fixture.keep(directory)?;
    Ok(fixture)
}

impl Fixture {
    /// For the next run.
    pub(crate) fn keep(&self, directory: &Path) -> anyhow::Result<()> {
        Ok(fs::write(
            directory.join(KEPT),
            serde_json::to_string(self)?,
        )?)
    }
}

async fn load(server: &Server, directory: &Path, users: u32) -> anyhow::Result<Fixture> {
    let first_run =
        fs::read_to_string(directory.join("data/first-run.json")).context("no first-run.json")?;
    let first_run: Value = serde_json::from_str(&first_run)?;
    let text = |pointer: &str| {
        let found = first_run.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("first-run.json has no {pointer}"))
    };
    let client = Client::new(server.base())?;
    let token = worker_token(
        &client,
        text("/environment/id")?,
        text("/client/id")?,
        text("/client/secret")?,
    )
    .await?;
    let environment =
        create_environment(&client, &token, "Benchmark", text("/license/id")?).await?;
    let tenant = Workflow::new(&client, |_, _| {})
        .set_up(&environment, Application::default(), User::numbered(1))
        .await?;

    report::progress(&format!("loading {users} users"));
    let start = Instant::now();
    let (tenant, next) = (Arc::new(tenant), Arc::new(AtomicU32::new(2)));
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, tenant, next) = (
            Client::new(server.base())?,
            Arc::clone(&tenant),
            Arc::clone(&next),
        );
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number > users {
                    return anyhow::Ok(());
                }
                store_user(&client, &tenant, &User::numbered(number)).await?;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(Fixture {
        environment: environment.id,
        client_id: tenant.client_id.clone(),
        client_secret: tenant.client_secret.clone(),
        users,
        next_user: 0,
        loading: Some(start.elapsed()),
    })
}

async fn store_user(client: &Client, tenant: &Tenant, user: &User) -> anyhow::Result<()> {
    let (env, token) = (&tenant.environment.id, &tenant.environment.token);
    let request = Request::post(requests::management(env, "users")).bearer(token).json(&json!({
        "username": user.username, "population": { "id": tenant.population_id }, "mfaEnabled": true,
    }));
    let made = client.call(request, 201).await?;
    client
        .call(
            requests::sms_device(env, made.text("/id")?, &user.phone).bearer(token),
            201,
        )
        .await?;
    Ok(())
}
