//! The figures, as JSON and as a table.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde_json::{Value, json};

use crate::run::{Phase, STEPS};

/// How much of the memory after the first part there may be at the end.
const MOST_GROWTH: f64 = 1.05;

#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) users: u32,
    pub(crate) cores: usize,
    pub(crate) synchronous: String,
    /// RS256, 2048 bits, in a second of CPU time while one core signs and the others rest.
    pub(crate) signatures_alone: f64,
    pub(crate) ready_after: Duration,
    pub(crate) idle_rss: u64,
    pub(crate) loading: Option<Duration>,
    /// CPU seconds of one reading of the inbox.
    pub(crate) inbox_cpu: f64,
    pub(crate) phases: Vec<Measured>,
}

#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) phase: Phase,
    /// In a second of CPU time while all cores sign, around the time of this phase.
    pub(crate) signatures: f64,
}

pub(crate) fn progress(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text} …");
}

/// While it is measured.
pub(crate) fn resident(part: u32, bytes: u64) {
    progress(&format!("{part}: RSS {:.1} MB", megabytes(bytes)));
}

fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// p50, p90 and p99 by nearest rank.
fn percentiles(mut latencies: Vec<Duration>) -> [Duration; 3] {
    latencies.sort_unstable();
    [50, 90, 99].map(|percent| {
        let rank = (latencies.len() * percent).div_ceil(100);
        latencies
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

/// At the end of each part, and how it grew between the first and the last.
fn resident_in_parts(phase: &Phase) -> String {
    let parts = phase.resident_bytes.iter();
    let parts: Vec<_> = parts
        .map(|bytes| format!("{:.1}", megabytes(*bytes)))
        .collect();
    match parts.len() {
        0 | 1 => parts.concat(),
        _ => format!("{} ({:.3} of the first)", parts.join(", "), growth(phase)),
    }
}

/// The memory at the end over that after the first part.
fn growth(phase: &Phase) -> f64 {
    match phase.resident_bytes.as_slice() {
        [first, .., last] => megabytes(*last) / megabytes(*first),
        _ => 1.0,
    }
}

fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1024).map_or(f64::from(u32::MAX), f64::from) / 1024.0
}

impl Report {
    /// No error, no phase in which nothing was done, and none whose memory grew.
    pub(crate) fn is_sound(&self) -> bool {
        self.phases.iter().all(|Measured { phase, .. }| {
            phase.errors == 0 && !phase.flows.is_empty() && growth(phase) <= MOST_GROWTH
        })
    }

    fn flows_per_second(phase: &Phase) -> f64 {
        count(phase.flows.len()) / phase.elapsed.as_secs_f64()
    }

    /// Server CPU of a flow in milliseconds, without what reading the inbox cost.
    fn cpu_per_flow(&self, phase: &Phase) -> f64 {
        let inbox = f64::from(phase.inbox_readings) * self.inbox_cpu;
        (phase.server_cpu_seconds - inbox).max(0.0) * 1_000.0 / count(phase.flows.len()).max(1.0)
    }

    /// Server CPU of a flow over the CPU of its two signatures, at so many in a second of it.
    fn cpu_ratio(&self, phase: &Phase, signatures: f64) -> f64 {
        self.cpu_per_flow(phase) / (2_000.0 / signatures)
    }

    /// Flows per second over what the signatures alone would allow on all cores.
    fn throughput_ratio(&self, measured: &Measured) -> f64 {
        Self::flows_per_second(&measured.phase) / (count(self.cores) * measured.signatures / 2.0)
    }

    fn latencies(phase: &Phase) -> Vec<(&'static str, [f64; 3])> {
        let step = |index: usize| {
            let of_step = phase
                .flows
                .iter()
                .filter_map(|flow| flow.get(index).copied());
            percentiles(of_step.collect()).map(milliseconds)
        };
        let mut rows: Vec<_> = STEPS
            .iter()
            .enumerate()
            .map(|(index, name)| (*name, step(index)))
            .collect();
        let whole = phase.flows.iter().map(|flow| flow.iter().sum()).collect();
        rows.push(("flow", percentiles(whole).map(milliseconds)));
        rows
    }

    pub(crate) fn to_json(&self) -> Value {
        let phases: Vec<Value> = self
            .phases
            .iter()
            .map(|measured| {
                let Measured { phase, signatures } = measured;
                let latencies: serde_json::Map<String, Value> = Self::latencies(phase)
                    .into_iter()
                    .map(|(name, [p50, p90, p99])| {
                        (
                            name.to_owned(),
                            json!({ "p50": p50, "p90": p90, "p99": p99 }),
                        )
                    })
                    .collect();
                json!({
                    "connections": phase.connections,
                    "seconds": phase.elapsed.as_secs_f64(),
                    "flows": phase.flows.len(),
                    "errors": phase.errors,
                    "flowsPerSecond": Self::flows_per_second(phase),
                    "latencyMs": latencies,
                    "serverCpuMsPerFlow": self.cpu_per_flow(phase),
                    "residentBytes": phase.resident_bytes,
                    "residentGrowth": growth(phase),
                    "rs256SignaturesPerCpuSecond": signatures,
                    "cpuOverTwoSignatures": self.cpu_ratio(phase, *signatures),
                    "cpuOverTwoSignaturesAlone": self.cpu_ratio(phase, self.signatures_alone),
                    "flowsOverSignatureLimit": self.throughput_ratio(measured),
                })
            })
            .collect();
        json!({
            "users": self.users,
            "cores": self.cores,
            "synchronous": self.synchronous,
            "rs256SignaturesPerCpuSecondAlone": self.signatures_alone,
            "readyMs": milliseconds(self.ready_after),
            "idleResidentBytes": self.idle_rss,
            "loadingSeconds": self.loading.map(|it| it.as_secs_f64()),
            "inboxReadingCpuMs": self.inbox_cpu * 1_000.0,
            "phases": phases,
        })
    }

    pub(crate) fn print(&self) {
        line(&format!(
            "{} users, {} cores, synchronous={}, {:.0} RS256 signatures/s on one core alone",
            self.users, self.cores, self.synchronous, self.signatures_alone
        ));
        let ready = milliseconds(self.ready_after);
        line(&format!(
            "ready after {ready:.0} ms, idle RSS {:.1} MB",
            megabytes(self.idle_rss)
        ));
        for measured in &self.phases {
            let Measured { phase, signatures } = measured;
            line("");
            line(&format!(
                "{} connections: {:.1} flows/s, {} flows, {} errors, RSS {} MB",
                phase.connections,
                Self::flows_per_second(phase),
                phase.flows.len(),
                phase.errors,
                resident_in_parts(phase)
            ));
            if let Some(error) = &phase.first_error {
                line(&format!("  first error: {error}"));
            }
            line("  ms           p50      p90      p99");
            for (name, [p50, p90, p99]) in Self::latencies(phase) {
                line(&format!("  {name:<10}{p50:7.2}  {p90:7.2}  {p99:7.2}"));
            }
            line(&format!(
                "  {signatures:.0} RS256 signatures per CPU second with all cores signing; flows/s = {:.0} % of what they allow",
                self.throughput_ratio(measured) * 100.0
            ));
            line(&format!(
                "  server CPU {:.2} ms a flow = {:.2} x its two signatures ({:.2} x those of a core alone)",
                self.cpu_per_flow(phase),
                self.cpu_ratio(phase, *signatures),
                self.cpu_ratio(phase, self.signatures_alone),
            ));
        }
        line("");
        line(&self.to_json().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(resident_megabytes: &[u64]) -> Report {
        let phase = Phase {
            flows: vec![[Duration::ZERO; 4]],
            resident_bytes: resident_megabytes.iter().map(|it| it << 20).collect(),
            ..Phase::default()
        };
        let phases = vec![Measured {
            phase,
            signatures: 1_000.0,
        }];
        Report {
            users: 1,
            cores: 1,
            synchronous: "full".to_owned(),
            signatures_alone: 1_000.0,
            ready_after: Duration::ZERO,
            idle_rss: 0,
            loading: None,
            inbox_cpu: 0.0,
            phases,
        }
    }

    #[test]
    fn memory_that_grows_after_the_first_part_is_a_failure() {
        for steady in [&[60][..], &[60, 90, 63], &[60, 20]] {
            assert!(report(steady).is_sound(), "{steady:?}");
        }
        assert!(!report(&[60, 60, 64]).is_sound());
    }

    #[test]
    fn percentiles_are_taken_from_the_sorted_latencies() {
        let latencies = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(
            percentiles(latencies),
            [50, 90, 99].map(Duration::from_millis)
        );
        assert_eq!(percentiles(Vec::new()), [Duration::ZERO; 3]);
    }
}
