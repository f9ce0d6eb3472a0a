//! The commands.

mod hint_token;
mod init;
mod openapi;
mod recover;
mod serve;
pub(crate) mod server;

use std::{ffi::OsString, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::{self, Faults},
    demo, output, runtime,
};

/// Nothing was done because of how the command was given, as `clap` itself ends.
const MISUSED: u8 = 2;

fn command() -> Command {
    Command::new("stepgate")
        .about("Self-hosted identity server: second factors by signed hints, OpenID Connect, one binary")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("init")
                .about("Initialize a data directory and print its first credentials, once")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
                .arg(init::region())
                .args(config::arguments()),
        )
        .subcommand(
            Command::new("recover")
                .about("Make another administrator of a stopped server and print its credentials, once")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
                .args(config::arguments()),
        )
        .subcommand(
            Command::new("serve")
                .about("Run the server; an empty data directory is initialized")
                .args(config::arguments()),
        )
        .subcommand(
            Command::new("demo")
                .about("Run the whole sign-on workflow over HTTP against a server of its own")
                .arg(
                    Arg::new("keep")
                        .long("keep")
                        .action(ArgAction::SetTrue)
                        .help("Leave the server running and say where everything is"),
                ),
        )
        .subcommand(hint_token::command())
        .subcommand(openapi::command())
}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(MISUSED));
        }
    };
    match dispatch(&matches) {
        Ok(_) if !output::is_complete() => {
            output::complaint("standard output could not be written");
            ExitCode::FAILURE
        }
        Ok(code) => code,
        Err(error) => {
            output::complaint(format_args!("{error:#}"));
            if error.is::<Faults>() {
                ExitCode::from(MISUSED)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn dispatch(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match matches.subcommand() {
        Some(("init", matches)) => init::run(&config::settings(matches)?, matches),
        Some(("recover", matches)) => {
            recover::run(&config::settings(matches)?, matches.get_flag("json"))
        }
        Some(("serve", matches)) => serve::run(&config::settings(matches)?),
        Some(("demo", matches)) => demo::run(matches.get_flag("keep")),
        Some(("hint-token", matches)) => hint_token::run(matches),
        Some(("openapi", _)) => Ok(openapi::run()),
        _ => anyhow::bail!("no such command"),
    }
}

/// What the operator or the terminal asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// SIGTERM or Ctrl-C.
    Stop,
    /// SIGHUP: read again what can change.
    Reload,
}

#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    /// From now on. Whoever has nothing to reload ends with its terminal, as programs do.
    pub(crate) fn watch(can_reload: bool) -> std::io::Result<Self> {
        let hangup = can_reload.then(|| signal(SignalKind::hangup()));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: hangup.transpose()?,
        })
    }

    pub(crate) async fn asked(&mut self) -> Asked {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = hangup => Asked::Reload,
        }
    }

    pub(crate) async fn asked_to_stop(&mut self) {
        while self.asked().await != Asked::Stop {}
    }
}

/// Runs a command that talks to the network.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = runtime::start()?;
    let done = runtime.block_on(work);
    // A command that has ended waits for nothing more, say for a hash that nobody will be told of.
    runtime.shutdown_background();
    done
}
