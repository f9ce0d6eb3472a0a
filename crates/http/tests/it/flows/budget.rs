//! What the four requests of the main job cost once configuration is cached: the budget of
//! `docs/performance.md`, counted. What the outbox worker does is not a request's, so it stands still
//! while a request is counted.

use reqwest::RequestBuilder;
use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Answer, Flow, Spent, Trial, send};

const AUTHORIZE: Spent = spent(1, 1, 0);
const CODE: Spent = spent(1, 1, 0);
const RESUME: Spent = spent(1, 1, 0);
const TOKEN: Spent = spent(1, 1, 2);

const fn spent(queries: u64, commits: u64, signatures: u64) -> Spent {
    Spent {
        queries,
        commits,
        signatures,
    }
}

#[tokio::test]
async fn the_requests_of_the_main_job_keep_to_their_budget() {
    let mut trial = Trial::start().await;
    trial.server.stop_workers().await;
    // Everything is read once, and kept.
    main_job(&mut trial).await;
    // Nobody is sent two codes at once.
    trial.server.advance(Duration::from_hours(1));
    let costs = main_job(&mut trial).await;
    assert_eq!(costs, [AUTHORIZE, CODE, RESUME, TOKEN]);
}

/// What each request of one sign-on cost.
async fn main_job(trial: &mut Trial) -> [Spent; 4] {
    let hint = trial.hint();
    let request = trial
        .server
        .authorize(&trial.parameters("pi.flow", Some(&hint)));
    let (begun, authorize) = counted(trial, request).await;
    let flow = Flow::of(&begun);

    trial.server.start_workers();
    let code = trial.server.code().await;
    trial.server.stop_workers().await;

    let body = json!({ "otp": code }).to_string();
    let request = trial.server.act(&flow, "otp.check", &body);
    let (checked, check) = counted(trial, request).await;
    assert_eq!(checked.json(200)["status"], "COMPLETED");

    let (resumed, resume) = counted(trial, trial.server.resume(&flow)).await;
    let resumed = resumed.json(200);
    let code = resumed["authorizeResponse"]["code"].as_str().unwrap();

    let (tokens, token) = counted(trial, trial.redeem(code)).await;
    assert!(tokens.json(200)["id_token"].is_string());
    [authorize, check, resume, token]
}

async fn counted(trial: &Trial, request: RequestBuilder) -> (Answer, Spent) {
    let before = trial.server.spent();
    let answer = send(request).await;
    (answer, trial.server.spent() - before)
}
