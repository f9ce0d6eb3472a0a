//! Commits that share a task with others: polled late, in turn, or no more. Each ends all the same.

use std::{pin::pin, time::Duration};

use futures_util::{
    FutureExt, StreamExt, future::join_all, poll, select_biased, stream::FuturesUnordered,
};
use stepgate_domain::entropy::{Entropy, Seeded};
use stepgate_store::{engine::Statement, installation};
use tokio::{runtime, task::yield_now, time::timeout};

use crate::fixture::{Store, commit, number};

/// Commits in each round of each way.
const COMMITS: usize = 12;
const ROUNDS: usize = 25;
/// Nothing here takes a second. Whoever waits so long waits for ever.
const FOR_EVER: Duration = Duration::from_mins(1);

fn fact(name: &str) -> Vec<Statement> {
    vec![installation::set(name, "1")]
}

/// Begins some and leaves them alone while it waits for one of its own.
async fn beside_a_set(engine: &Store, round: &str) {
    let mut begun: FuturesUnordered<_> = (0..COMMITS)
        .map(|commit_of| {
            let name = format!("{round}-set-{commit_of}");
            async move { commit(&**engine, fact(&name)).await }
        })
        .collect();
    assert!(begun.next().now_or_never().is_none_or(|it| it.is_some()));
    commit(&**engine, fact(&format!("{round}-set")))
        .await
        .unwrap();
    while begun.next().await.transpose().unwrap().is_some() {}
}

/// Waits for one of its own in an arm of a choice, while the other arm has begun.
async fn beside_a_choice(engine: &Store, round: &str) {
    let name = format!("{round}-choice-other");
    let mut other = pin!(commit(&**engine, fact(&name)).fuse());
    let mut ready = pin!(yield_now().fuse());
    select_biased! {
        outcome = other => outcome.unwrap(),
        () = ready => {
            commit(&**engine, fact(&format!("{round}-choice"))).await.unwrap();
            other.await.unwrap();
        }
    }
}

async fn together(engine: &Store, round: &str) {
    let all = (0..COMMITS).map(|commit_of| {
        let name = format!("{round}-together-{commit_of}");
        async move { commit(&**engine, fact(&name)).await.unwrap() }
    });
    join_all(all).await;
}

/// Begins some and drops each after as many polls as the entropy says.
async fn half_way(engine: &Store, round: &str, entropy: &mut Seeded) {
    for dropped in 0..COMMITS {
        let name = format!("{round}-dropped-{dropped}");
        let mut begun = pin!(commit(&**engine, fact(&name)));
        let [polls] = <dyn Entropy>::bytes(entropy);
        for _ in 0..polls % 4 {
            if poll!(begun.as_mut()).is_ready() {
                break;
            }
            yield_now().await;
        }
    }
    commit(&**engine, fact(&format!("{round}-dropped")))
        .await
        .unwrap();
}

async fn every_way(engine: &Store, task: usize) {
    let mut entropy = Seeded(u64::try_from(task).unwrap());
    for round in 0..ROUNDS {
        let round = format!("{task}-{round}");
        beside_a_set(engine, &round).await;
        beside_a_choice(engine, &round).await;
        together(engine, &round).await;
        half_way(engine, &round, &mut entropy).await;
    }
}

fn on(mut builder: runtime::Builder, engine: &Store, tasks: usize) {
    let runtime = builder.enable_time().build().unwrap();
    let ended = runtime.block_on(timeout(
        FOR_EVER,
        join_all((0..tasks).map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move { every_way(&engine, task).await })
        })),
    ));
    let Ok(tasks) = ended else {
        panic!("a commit waits for ever");
    };
    for task in tasks {
        task.unwrap();
    }
}

pub(crate) async fn commits_end_whoever_polls_them(engine: Store) {
    let asked = engine.clone();
    tokio::task::spawn_blocking(move || {
        on(runtime::Builder::new_current_thread(), &asked, 1);
        on(runtime::Builder::new_current_thread(), &asked, 8);
        let mut several = runtime::Builder::new_multi_thread();
        several.worker_threads(4);
        on(several, &asked, 8);
    })
    .await
    .unwrap();
    let awaited = "SELECT COUNT(*) FROM installation WHERE name NOT LIKE '%-dropped-%'";
    let each = i64::try_from(ROUNDS * (COMMITS + 1 + 2 + COMMITS + 1)).unwrap();
    assert_eq!(number(&*engine, awaited).await, 8 * each);
    assert!(engine.longest_wait().is_zero());
}
