//! `stepgate serve`.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context;

use super::{block_on, server};
use crate::{config::Settings, telemetry};

pub(super) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    block_on(async {
        let asked_to_stop = super::asked_to_stop()?;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(mode = %settings.mode, inbox = settings.inbox, version, "starting");
        let running = server::start(settings).await?;
        tracing::info!(address = %running.address, "listening");
        if let Some(path) = &settings.address_file {
            announce(path, &running.address.to_string())
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        asked_to_stop.await;
        tracing::info!("finishing what was taken");
        running.stop().await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// Whoever waits for the file must never read half an address: it appears whole.
fn announce(path: &Path, address: &str) -> std::io::Result<()> {
    let whole = path.with_extension("new");
    fs::write(&whole, address)?;
    fs::rename(whole, path)
}
