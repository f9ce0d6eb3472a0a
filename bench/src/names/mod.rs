//! Whether a stranger who types names learns which of them somebody has: everything that the answers
//! show, and how long they took, for names of users of every kind and for made-up ones of the same form.

mod auc;
mod judge;
mod learned;
mod observe;
mod people;
mod report;
mod table;
mod typing;
mod wire;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use fastrand::Rng;
use serde_json::Value;
use stepgate_client::{Client, create_environment, worker_token};

use self::{
    judge::Verdict,
    observe::Patterns,
    people::Person,
    table::Table,
    typing::{Stranger, Street, Visit},
    wire::Wire,
};
use crate::{process::Server, report::progress};

/// The least time between two messages to one address, and a second.
const BETWEEN_VISITS: Duration = Duration::from_secs(11);
/// Names that are typed before anything counts.
const WARM_UP: usize = 100;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The release binary to measure.
    #[arg(long, default_value = "target/release/stepgate")]
    server: PathBuf,
    /// Names of somebody's, and as many of nobody's.
    #[arg(long, default_value_t = 500)]
    samples: usize,
    /// Draws the names and their order.
    #[arg(long, default_value_t = 88)]
    seed: u64,
    /// What is tried with each name, one after the other; `return` goes on with the flow of `first`.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "first,return,second,third,page,password"
    )]
    visits: Vec<Visit>,
    /// Rows of the table that are printed.
    #[arg(long, default_value_t = 25)]
    top: usize,
}

/// Success where no byte and no time tells more than the limit.
pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut rng = Rng::with_seed(arguments.seed);
    let people = people::invent(&mut rng, arguments.samples);
    let directory = tempfile::Builder::new()
        .prefix("stepgate-names-")
        .tempdir()?;
    let proxied = [
        "--trusted-proxies",
        "127.0.0.1",
        "--forwarded-header",
        "X-Forwarded-For",
    ];
    let server = Server::start(&arguments.server, directory.path(), &proxied).await?;

    progress(&format!("storing {} users", arguments.samples));
    let client = Client::new(server.base())?;
    let first_run = fs::read(directory.path().join("data/first-run.json"));
    let first_run: Value = serde_json::from_slice(&first_run.context("no first-run.json")?)?;
    let text = |pointer: &str| {
        let found = first_run.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("first-run.json has no {pointer}"))
    };
    let (id, secret) = (text("/client/id")?, text("/client/secret")?);
    let token = worker_token(&client, text("/environment/id")?, id, secret).await?;
    let environment = create_environment(&client, &token, "Names", text("/license/id")?).await?;
    let place = people::settle(&client, &environment, &people).await?;

    let mut street = Street {
        wire: Wire::connect(server.base()).await?,
        place,
        patterns: Patterns::new()?,
        table: Table::new(WARM_UP),
        addresses: 0,
    };
    progress("warming up");
    let strangers = people::invent(&mut rng, WARM_UP).into_iter();
    let mut strangers: Vec<_> = strangers
        .filter(|it| !it.is_somebody())
        .enumerate()
        .collect();
    for (row, person) in strangers.drain(..) {
        Stranger::of(person, row)
            .pay(Visit::First, &mut street)
            .await?;
    }
    street.table = Table::new(people.len());
    visit_all(&people, &arguments.visits, &mut street).await?;
    server.stop().await?;

    let verdicts = verdicts(&street.table, &people);
    report::print(arguments, &verdicts);
    Ok(if verdicts.iter().all(Verdict::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn visit_all(people: &[Person], visits: &[Visit], street: &mut Street) -> anyhow::Result<()> {
    let strangers = people.iter().cloned().enumerate();
    let mut strangers: Vec<_> = strangers.map(|(row, it)| Stranger::of(it, row)).collect();
    for &visit in visits {
        progress(&format!("typing {} names: {visit:?}", people.len()));
        let start = Instant::now();
        for stranger in &mut strangers {
            stranger.pay(visit, street).await?;
        }
        // As the names come in the same order each time, each waits as long as the first one does.
        tokio::time::sleep(BETWEEN_VISITS.saturating_sub(start.elapsed())).await;
    }
    Ok(())
}

/// Of all names first, then of each group of users against nobody's.
fn verdicts(table: &Table, people: &[Person]) -> Vec<Verdict> {
    let all: Vec<usize> = (0..people.len()).collect();
    let is_somebody: Vec<bool> = people.iter().map(Person::is_somebody).collect();
    let mut verdicts = vec![Verdict::of(table, "everybody", &all, &is_somebody)];
    let mut groups: Vec<&str> = people
        .iter()
        .flat_map(|it| it.groups.iter().copied())
        .collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let rows = people.iter().enumerate();
        let rows = rows.filter(|(_, it)| !it.is_somebody() || it.groups.contains(&group));
        let (rows, is_somebody): (Vec<usize>, Vec<bool>) =
            rows.map(|(row, it)| (row, it.is_somebody())).unzip();
        verdicts.push(Verdict::of(table, group, &rows, &is_somebody));
    }
    verdicts
}
