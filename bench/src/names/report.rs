//! The verdict, for people.

use std::{
    fs,
    io::{self, Write},
};

use super::{
    Arguments,
    auc::deviation,
    judge::{Finding, LIMIT, Verdict},
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
        "\n| AUC | what is seen | of somebody's / of nobody's |\n|---|---|---|"
    )?;
    let mut findings: Vec<&Finding> = all.bytes.iter().chain(&all.times).collect();
    findings.sort_by(|a, b| b.auc.total_cmp(&a.auc));
    for Finding {
        auc, name, told, ..
    } in findings.into_iter().take(arguments.top)
    {
        writeln!(out, "| {auc:.3} | {name} | {told} |")?;
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
