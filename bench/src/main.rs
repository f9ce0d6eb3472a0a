//! Closed-loop load generator for the main job: authorize with a hint, code, resume, token.
//!
//! It starts the release binary itself, loads users through the API, and measures in the same run
//! what this machine's signatures allow, so that the figures can be held against each other on any
//! machine.
//!
//! `names` measures something else: whether a stranger who types names can tell which of them somebody
//! has.

mod load;
mod names;
mod process;
mod report;
mod run;
mod signatures;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, builder::ArgPredicate};
use stepgate_client::{Client, Request};

use crate::{
    process::Server,
    report::{Measured, Report},
};

#[derive(Debug, Parser)]
#[command(about, version, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    load: Arguments,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Measures whether a stranger who types names can tell which of them somebody has.
    Names(names::Arguments),
}

#[derive(Debug, Args)]
struct Arguments {
    /// The release binary to measure.
    #[arg(long, default_value = "target/release/stepgate")]
    server: PathBuf,
    /// Users stored, each with an SMS device.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Numbers of connections to measure at, one after the other.
    #[arg(
        long,
        value_delimiter = ',',
        default_value_if("soak", ArgPredicate::IsPresent, "16"),
        default_value = "1,16,64"
    )]
    connections: Vec<usize>,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Measure for so many minutes instead, at 16 connections where none are named, and fail if the
    /// server then holds over 5 % more memory than after the first one.
    #[arg(long, value_name = "MINUTES", conflicts_with = "seconds",
        value_parser = clap::value_parser!(u32).range(2..))]
    soak: Option<u32>,
    /// Seconds before each measurement that are not counted.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Keep the loaded data here and use it again; otherwise a temporary directory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Write the figures as JSON to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

impl Arguments {
    /// After each of these the memory is read.
    fn part(&self) -> Duration {
        Duration::from_secs(if self.soak.is_some() {
            60
        } else {
            self.seconds
        })
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Command::parse();
    match command.other {
        None => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(measure(&command.load)),
        // One request at a time, and no other thread that would have to be woken for it.
        Some(Other::Names(arguments)) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(names::measure(&arguments)),
    }
}

async fn measure(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::Builder::new()
        .prefix("stepgate-bench-")
        .tempdir()?;
    let directory = arguments
        .data
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&directory)?;

    report::progress("measuring RS256 signatures");
    let cores = std::thread::available_parallelism()?.get();
    let alone = signatures::per_cpu_second(1, Duration::from_secs(3))?;
    // The machine is not equally fast at all times, so it is asked before and after each measurement.
    let signatures = || signatures::per_cpu_second(cores, Duration::from_secs(2));

    let server = Server::start(&arguments.server, &directory, &[]).await?;
    let mut fixture = load::fixture(&server, &directory, arguments.users).await?;
    server.stop().await?;

    report::progress("starting again with the users stored");
    let server = Server::start(&arguments.server, &directory, &[]).await?;
    let ready_after = server.ready_after();
    let synchronous = durability(&server).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle_rss = server.resident_bytes()?;

    let (mut phases, mut before) = (Vec::new(), signatures()?);
    for &connections in &arguments.connections {
        let plan = run::Plan {
            connections,
            warm_up: Duration::from_secs(arguments.warm_up),
            part: arguments.part(),
            parts: arguments.soak.unwrap_or(1),
            first_user: fixture.next_user,
        };
        report::progress(&format!(
            "{connections} connections for {} s",
            plan.measured().as_secs()
        ));
        let phase = run::phase(&server, &fixture, &plan).await?;
        fixture.next_user = (fixture.next_user + phase.started) % fixture.users;
        fixture.keep(&directory)?;
        let after = signatures()?;
        phases.push(Measured {
            phase,
            signatures: f64::midpoint(before, after),
        });
        before = after;
    }
    let inbox_cpu = run::cpu_of_reading_the_inbox(&server).await?;
    server.stop().await?;

    let report = Report {
        users: arguments.users,
        cores,
        synchronous,
        signatures_alone: alone,
        ready_after,
        idle_rss,
        loading: fixture.loading,
        inbox_cpu,
        phases,
    };
    report.print();
    if let Some(path) = &arguments.json {
        std::fs::write(path, report.to_json().to_string())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(if report.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A figure without durable commits would be worth nothing, so the server must say that it has them.
async fn durability(server: &Server) -> anyhow::Result<String> {
    let client = Client::new(server.base())?;
    let body = client.call(Request::get("/readyz"), 200).await?.body;
    let synchronous = body
        .pointer("/store/synchronous")
        .and_then(|it| it.as_str())
        .unwrap_or("unknown");
    anyhow::ensure!(
        synchronous == "full",
        "the store is not durable: synchronous is {synchronous}"
    );
    Ok(synchronous.to_owned())
}
