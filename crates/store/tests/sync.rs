//! An acknowledged write is on the disk. A kill does not show that, since the kernel keeps what
//! was written; so the system calls of a process that writes are read instead. With durability
//! turned off the same check must fail, or it would prove nothing.
//!
//! This test runs itself a second time as that process, so it has no test harness around it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test that meets the unexpected ends there"
)]

use std::{
    io::Write,
    path::Path,
    process::{Command, ExitCode},
};

use stepgate_store::{
    engine::{Batch, Engine},
    installation,
    sqlite::{Options, SqliteEngine},
};

const WRITES: usize = 25;
const LOG: &str = "stepgate.db-wal>";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, durable, directory] = arguments.as_slice()
        && mode == "--write"
    {
        write(durable == "durable", Path::new(directory));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let durable = check(&trace("durable"));
    let careless = check(&trace("careless"));
    println!("durable: {durable:?}; careless: {careless:?}");
    if durable == Ok(WRITES) && careless.is_err() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Commits, and says so on standard output after each answer.
fn write(durable: bool, directory: &Path) {
    let options = Options {
        durable,
        ..Options::default()
    };
    let engine = SqliteEngine::open(directory, &options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for number in 0..WRITES {
        runtime
            .block_on(engine.commit(Batch(vec![installation::set(
                "number",
                &number.to_string(),
            )])))
            .unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

/// The system calls of the writing process, one a line.
fn trace(durable: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let calls = directory.path().join("calls");
    let status = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=openat,pwrite64,write,fdatasync,fsync",
            "-o",
        ])
        .arg(&calls)
        .arg(std::env::current_exe().unwrap())
        .args(["--write", durable])
        .arg(directory.path().join("data"))
        .stdout(std::process::Stdio::null())
        .status()
        .expect("strace is needed to see what reaches the disk");
    assert!(status.success(), "{status}");
    std::fs::read_to_string(calls).unwrap()
}

/// How many writes were acknowledged, each after a sync of all that had been written for it.
fn check(calls: &str) -> Result<usize, String> {
    let (mut unsynced, mut synced, mut acknowledged) = (false, false, 0);
    // A sync that has begun covers what was written before it, once it has returned.
    let mut syncing: Option<&str> = None;
    for line in calls.lines() {
        let (thread, call) = line
            .split_once(' ')
            .ok_or_else(|| format!("not a system call: {line}"))?;
        let call = call.trim_start();
        let is_sync = call.starts_with("fdatasync(") || call.starts_with("fsync(");
        if (call.starts_with("pwrite64(") || call.starts_with("write(")) && call.contains(LOG) {
            (unsynced, synced) = (true, false);
        } else if is_sync && call.contains(LOG) && call.ends_with("= 0") {
            (unsynced, synced) = (false, unsynced);
        } else if is_sync && call.contains(LOG) && call.ends_with("<unfinished ...>") {
            syncing = Some(thread);
        } else if call.contains("sync resumed>") && call.ends_with("= 0") && syncing == Some(thread)
        {
            (unsynced, synced, syncing) = (false, unsynced, None);
        } else if call.starts_with("write(1<")
            && call.contains(&format!("\"acknowledged {acknowledged}\\n\""))
        {
            if unsynced || !synced {
                return Err(format!(
                    "write {acknowledged} was acknowledged before its sync"
                ));
            }
            (acknowledged, synced) = (acknowledged + 1, false);
        }
    }
    Ok(acknowledged)
}
