//! `stepgate recover`.

use std::process::ExitCode;

use super::{block_on, server};
use crate::{config::Settings, output, telemetry};

pub(super) fn run(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    block_on(server::recover(settings, |made| {
        if json {
            output::only_copy(made.to_json())
        } else {
            output::only_copy(made.to_text())
        }
    }))?;
    Ok(ExitCode::SUCCESS)
}
