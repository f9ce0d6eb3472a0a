//! `stepgate openapi`: prints the description of the API, as the server serves it.

use std::process::ExitCode;

use clap::Command;

use crate::output;

pub(super) fn command() -> Command {
    Command::new("openapi").about("Print the API as an OpenAPI 3.1 document")
}

pub(super) fn run() -> ExitCode {
    output::line(format_args!("{:#}", stepgate_http::openapi()));
    ExitCode::SUCCESS
}
