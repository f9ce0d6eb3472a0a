//! Logs: to standard error, as JSON where machines read them and readable on a terminal.
//!
//! No layer here ever sees a query string, a body or a header: the HTTP crate logs matched paths.
//! Libraries whose debug output holds whole URLs or messages are held to warnings.

mod terminal;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::Mode;

const TALKATIVE: &str = "hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn,lettre=warn,h2=warn";

/// `filter` has the form of `tracing`'s directives, for example `info` or `stepgate_app=debug`.
pub(crate) fn parse_filter(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(format!("{filter},{TALKATIVE}"))
        .map_err(|error| format!("is no log filter: {error}"))
}

/// Starts logging for this process. A second call changes nothing.
pub(crate) fn start(mode: Mode, filter: &str) {
    let filter = parse_filter(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let watched = io::stderr().is_terminal();
    let _ = if mode == Mode::Production || !watched {
        builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init()
    } else {
        builder
            .with_ansi(true)
            .event_format(terminal::Terminal)
            .try_init()
    };
}
