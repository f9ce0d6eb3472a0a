//! `stepgate init`.

use std::process::ExitCode;

use super::{block_on, server};
use crate::{config::Settings, output, telemetry};

pub(super) fn run(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    let made = block_on(server::init(settings))?;
    if json {
        output::line(made.to_json());
    } else {
        output::line(format_args!("organization   {}", made.organization));
        output::line(format_args!("license        {}", made.license));
        output::line(format_args!(
            "environment    {}  (Administrators)",
            made.environment
        ));
        output::line(format_args!("client id      {}", made.client_id));
        output::line(format_args!(
            "client secret  {}  (shown this once)",
            made.client_secret.expose()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
