//! `stepgate serve`.

use std::{fs, net::SocketAddr, path::Path, process::ExitCode};

use anyhow::Context;

use super::{Asked, Signals, block_on, server};
use crate::{config::Settings, telemetry};

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
            announce(path, &running.addresses)
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

/// Whoever waits for the file must never read half of it: it appears whole.
fn announce(path: &Path, addresses: &[SocketAddr]) -> std::io::Result<()> {
    let lines: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let whole = path.with_extension("new");
    fs::write(&whole, lines.join("\n"))?;
    fs::rename(whole, path)
}
