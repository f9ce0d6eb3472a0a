//! The server as a process: its start, its end, its time and its memory.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use stepgate_client::{Client, Request};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    base: String,
    ready_after: Duration,
}

impl Server {
    /// Starts the binary on `directory` with further arguments, and waits until it is ready.
    pub(crate) async fn start(
        binary: &Path,
        directory: &Path,
        further: &[&str],
    ) -> anyhow::Result<Self> {
        let address_file = directory.join("address");
        let _ = fs::remove_file(&address_file);
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join("log"))?;
        let start = Instant::now();
        let mut child = Command::new(binary)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--inbox",
                "--log",
                "warn",
                "--data",
            ])
            .arg(directory.join("data"))
            .arg("--address-file")
            .arg(&address_file)
            .args(further)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let base = loop {
            if let Some(status) = child.try_wait()? {
                anyhow::bail!(
                    "the server ended ({status}); see {}",
                    directory.join("log").display()
                );
            }
            if start.elapsed() > PATIENCE {
                child.kill()?;
                anyhow::bail!("the server was not ready within {PATIENCE:?}");
            }
            if let Ok(address) = fs::read_to_string(&address_file) {
                let base = format!("http://{address}");
                if Client::new(base.as_str())?
                    .send(&Request::get("/readyz"))
                    .await
                    .is_ok_and(|it| it.status == 200)
                {
                    break base;
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        Ok(Self {
            child,
            base,
            ready_after: start.elapsed(),
        })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// From the start of the process to the first 200 of `/readyz`.
    pub(crate) fn ready_after(&self) -> Duration {
        self.ready_after
    }

    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu_seconds(&self.child.id().to_string())
    }

    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line
            .and_then(|line| line.split_whitespace().next())
            .context("no VmRSS")?;
        Ok(kilobytes.parse::<u64>()? * 1024)
    }

    /// Ends it as an operator would (SIGTERM).
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            anyhow::ensure!(start.elapsed() < PATIENCE, "the server did not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of all the process's threads so far, in seconds.
pub(crate) fn cpu_seconds(process: &str) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // After the name in parentheses, utime and stime are the 12th and 13th fields (proc(5)).
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse::<u32>);
    let ticks = ticks
        .sum::<Result<u32, _>>()
        .context("the process's times cannot be read")?;
    Ok(f64::from(ticks) / ticks_per_second()?)
}

fn ticks_per_second() -> anyhow::Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
