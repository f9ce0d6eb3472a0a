//! The server as the commands see it: initialized, started and stopped.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use serde_json::{Value, json};
use stepgate_domain::secret::Secret;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::config::Settings;

/// What a first start makes. The secret is shown once.
#[derive(Debug)]
pub(crate) struct InitOutput {
    pub(crate) organization: String,
    pub(crate) license: String,
    pub(crate) environment: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
}

impl InitOutput {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "organization": { "id": self.organization },
            "license": { "id": self.license },
            "environment": { "id": self.environment },
            "client": { "id": self.client_id, "secret": self.client_secret.expose() },
        })
    }
}

/// A server that answers. Dropping it stops the server as `stop` does, but waits for nothing.
#[derive(Debug)]
pub(crate) struct RunningServer {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl RunningServer {
    /// Takes no new connection, finishes what was taken, and returns.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let _ = self.stop.send(());
        self.serving.await?.context("the server ended badly")
    }
}

/// Makes the organization, its licence, the administrators' environment and the worker application.
pub(crate) async fn init(settings: &Settings) -> anyhow::Result<InitOutput> {
    anyhow::bail!("{}: not wired", settings.data.display())
}

/// Opens the store, and answers at the address that is in the result.
pub(crate) async fn start(settings: &Settings) -> anyhow::Result<RunningServer> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let address = listener.local_addr()?;
    let router = router(settings, address).await?;
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(async move {
        axum::serve(
            listener,
            router.into_make_service_with_connect_info::<SocketAddr>(),
        )
        .with_graceful_shutdown(async { drop(stopped.await) })
        .await
    });
    Ok(RunningServer {
        address,
        stop,
        serving,
    })
}

async fn router(settings: &Settings, address: SocketAddr) -> anyhow::Result<Router> {
    anyhow::bail!("{} at {address}: not wired", settings.data.display())
}
