//! `stepgate serve`.

use std::process::ExitCode;

use anyhow::Context;

use super::{block_on, server};
use crate::{
    config::Settings,
    telemetry,
    whole_file::{PUBLIC, WholeFile},
};

pub(super) fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    block_on(async {
        let asked_to_stop = super::asked_to_stop()?;
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(mode = %settings.mode, inbox = settings.inbox, version, "starting");
        let running = server::start(settings).await?;
        tracing::info!(address = %running.address, "listening");
        if let Some(path) = &settings.address_file {
            // Whoever waits for the file must never read half an address.
            WholeFile::write(path, &running.address.to_string(), PUBLIC)
                .and_then(WholeFile::appear)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        asked_to_stop.await;
        tracing::info!("finishing what was taken");
        running.stop().await?;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}
