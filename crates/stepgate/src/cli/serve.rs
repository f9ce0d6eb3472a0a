//! `stepgate serve`.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::Context;

use super::{Asked, Signals, block_on, server};
use crate::{
    config::Settings,
    telemetry,
    whole_file::{PUBLIC, WholeFile},
};

pub(super) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    block_on(async {
        let mut signals = Signals::watch(settings.tls.is_some())?;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(mode = %settings.mode, inbox = settings.inbox, version, "starting");
        let running = server::start(settings).await?;
        let (tls, connections) = (settings.tls.is_some(), settings.connections.connections);
        for address in &running.addresses {
            tracing::info!(%address, tls, connections, "listening");
        }
        if let Some(path) = &settings.address_file {
            // Whoever waits for the file must never read half of it.
            let lines: Vec<String> = running
                .addresses
                .iter()
                .map(SocketAddr::to_string)
                .collect();
            WholeFile::write(path, &lines.join("\n"), PUBLIC)
                .and_then(WholeFile::appear)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        while signals.asked().await == Asked::Reload {
            running.reload_certificate();
        }
        tracing::info!("finishing what was taken");
        tokio::select! {
            () = running.stop() => tracing::info!("stopped"),
            () = signals.asked_to_stop() => {
                tracing::warn!("stopped before all was finished: asked twice");
                return Ok(ExitCode::FAILURE);
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
