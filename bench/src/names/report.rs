//! The verdict, for people.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
};

use super::{
    Arguments,
    auc::deviation,
    judge::{Finding, LIMIT, Verdict},
    observe::SHOWS,
};

pub(super) fn print(arguments: &Arguments, verdicts: &[Verdict]) {
    let _ = write(&mut io::stdout().lock(), arguments, verdicts);
}

fn write(out: &mut impl Write, arguments: &Arguments, verdicts: &[Verdict]) -> io::Result<()> {
    let Some((all, groups)) = verdicts.split_first() else {
        return Ok(());
    };
    writeln!(out, "{}", worst("byte", &all.bytes))?;
    writeln!(out, "{}", worst("time", &all.times))?;
    let [bytes, times, both] = all.together;
    writeln!(
        out,
        "all together: bytes {bytes:.3}, times {times:.3}, both {both:.3}"
    )?;
    let columns = all.bytes.len() + all.times.len();
    writeln!(
        out,
        "{} names of somebody's and {} of nobody's, seed {}; {columns} things differ from name to name; \
         where nothing tells, the AUC is 0.5 ± {:.3}; the limit is {LIMIT:.2}; load {}",
        all.somebody,
        all.nobody,
        arguments.seed,
        deviation(all.somebody, all.nobody),
        load(),
    )?;
    writeln!(
        out,
        "\n| AUC | where it is worst · what | answers | of somebody's / of nobody's |\n|---|---|---|---|"
    )?;
    for (finding, answers) in worst_of_each(all).into_iter().take(arguments.top) {
        let Finding {
            auc, name, told, ..
        } = finding;
        writeln!(out, "| {auc:.3} | {name} | {answers} | {told} |")?;
    }
    writeln!(
        out,
        "\n| users against nobody | number | limit | worst byte | worst time | all together |\n|---|---|---|---|---|---|"
    )?;
    for group in groups {
        let best = |findings: &[Finding]| {
            let best = findings.first();
            best.map_or("none".to_owned(), |it| format!("{:.3} {}", it.auc, it.name))
        };
        let (name, number, limit) = (&group.group, group.somebody, group.limit);
        let (byte, time) = (best(&group.bytes), best(&group.times));
        let [.., both] = group.together;
        let mark = if group.holds() { "" } else { " **exceeded**" };
        writeln!(
            out,
            "| {name} | {number} | {limit:.2}{mark} | {byte} | {time} | {both:.3} |"
        )?;
    }
    let verdict = if verdicts.iter().all(Verdict::holds) {
        "held"
    } else {
        "EXCEEDED"
    };
    writeln!(out, "\nlimit {verdict}")
}

/// Of what several answers show, the worst, and how many it is the worst of. Worst first.
fn worst_of_each(verdict: &Verdict) -> Vec<(&Finding, usize)> {
    let mut each: BTreeMap<&str, (&Finding, usize)> = BTreeMap::new();
    let bytes = verdict.bytes.iter().map(|it| {
        let what = it.name.split_once(SHOWS);
        (what.map_or(it.name.as_str(), |(_, what)| what), it)
    });
    let times = verdict.times.iter().map(|it| (it.name.as_str(), it));
    for (what, finding) in bytes.chain(times) {
        each.entry(what).or_insert((finding, 0)).1 += 1;
    }
    let mut worst: Vec<_> = each.into_values().collect();
    worst.sort_by(|a, b| b.0.auc.total_cmp(&a.0.auc));
    worst
}

fn worst(what: &str, findings: &[Finding]) -> String {
    findings.first().map_or_else(
        || format!("worst {what}: none differs"),
        |it| format!("worst {what}: {:.3} {} ({})", it.auc, it.name, it.told),
    )
}

/// Others on the machine blur the times, so it is said how many there were.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
