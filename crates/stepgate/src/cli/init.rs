//! `stepgate init`.

use std::process::ExitCode;

use clap::{Arg, ArgMatches};
use stepgate_domain::resources::environment::Region;

use super::{block_on, server};
use crate::{config::Settings, output, telemetry};

const REGION: &str = "region";

/// Where the installation is said to be.
pub(super) fn region() -> Arg {
    let names = Region::ALL.map(Region::as_str);
    Arg::new(REGION)
        .long(REGION)
        .value_parser(names)
        .default_value(Region::default().as_str())
        .help("The region that every environment of the installation is in")
}

pub(super) fn run(settings: &Settings, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    telemetry::start(settings.mode, &settings.log);
    let json = matches.get_flag("json");
    let region = matches.get_one::<String>(REGION);
    let region = region.and_then(|name| Region::named(name));
    block_on(server::init(settings, region.unwrap_or_default(), |made| {
        if json {
            output::only_copy(made.to_json())
        } else {
            output::only_copy(made.to_text())
        }
    }))?;
    Ok(ExitCode::SUCCESS)
}
