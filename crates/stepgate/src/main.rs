//! The `stepgate` binary: command line, configuration, wiring, telemetry and the demo.

mod cli;
mod config;
mod demo;
mod output;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os())
}
