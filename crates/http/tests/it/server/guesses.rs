//! One-time codes and those who guess at them.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    Answer, Flow,
    held::{Trial, wrong_codes},
    send, text,
};

/// With three attempts, and this many minutes of cool-down.
async fn with_cool_down(minutes: u32) -> Arc<Trial> {
    let cool_down = json!({ "duration": minutes, "timeUnit": "MINUTES" });
    let otp = json!({ "failure": { "count": 3, "coolDown": cool_down } });
    Arc::new(Trial::with(json!({}), otp).await)
}

async fn at_once(trial: &Arc<Trial>, guesses: Vec<(Flow, String)>) -> Vec<Answer> {
    let mut requests = JoinSet::new();
    for (flow, code) in guesses {
        let trial = trial.clone();
        requests.spawn(async move { trial.server.check(&flow, &code).await });
    }
    requests.join_all().await
}

/// Eight flows of the same device, with their codes.
async fn eight_flows(trial: &Trial) -> Vec<(Flow, String)> {
    let mut flows = Vec::new();
    for _ in 0..8 {
        trial.wait(10);
        let flow = trial.begin("mira.k").await;
        assert_eq!(flow.status(), "OTP_REQUIRED");
        flows.push((flow, trial.code().await));
    }
    flows
}

/// How many of the answers say that a guess was judged and another one may follow, that the
/// attempts are used up, and that there was nothing to judge by.
fn counted(answers: &[Answer]) -> (usize, usize, usize) {
    let (mut wrong, mut used_up, mut other) = (0, 0, 0);
    for answer in answers {
        let body = if answer.status == 200 {
            // The flow has moved on, and nothing was proved.
            let body = answer.json(200);
            assert_eq!(body["status"], "FAILED", "{body:#}");
            other += 1;
            continue;
        } else {
            answer.json(400)
        };
        let detail = &body["details"][0];
        match detail["code"].as_str().unwrap() {
            "INVALID_OTP" if detail["innerError"]["attemptsRemaining"].is_u64() => wrong += 1,
            "LIMIT_EXCEEDED" => used_up += 1,
            "INVALID_OTP" | "INVALID_ACTION" => other += 1,
            code => panic!("{code} was not expected: {body:#}"),
        }
    }
    (wrong, used_up, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_guesses_at_once_on_one_flow_are_judged_three_times() {
    for cool_down in [0, 2] {
        let trial = with_cool_down(cool_down).await;
        let flow = trial.begin("mira.k").await;
        let right = trial.code().await;
        let guesses = wrong_codes(&right)
            .take(64)
            .map(|code| (flow.clone(), code));
        let answers = at_once(&trial, guesses.collect()).await;
        assert_eq!(counted(&answers), (2, 1, 61), "cool-down {cool_down}");
        assert_eq!(trial.judged().await, 3);
        let late = trial.server.check(&flow, &right).await;
        assert_ne!(late.status, 200, "the code is void: {}", late.text);
        assert_eq!(trial.sent().await.len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_guesses_over_eight_flows_of_a_device_are_judged_three_times() {
    for cool_down in [0, 2] {
        let trial = with_cool_down(cool_down).await;
        let flows = eight_flows(&trial).await;
        let right: Vec<&str> = flows.iter().map(|(_, code)| code.as_str()).collect();
        let wrong = wrong_codes(right[0]).filter(|code| !right.contains(&code.as_str()));
        let guesses = wrong.zip(flows.iter().cycle()).take(64);
        let guesses = guesses.map(|(code, (flow, _))| (flow.clone(), code));
        let answers = at_once(&trial, guesses.collect()).await;
        let (wrong, used_up, _) = counted(&answers);
        assert_eq!(wrong, 2, "cool-down {cool_down}");
        // Each flow is told of the lock; only one of them has been judged for it.
        let told = if cool_down == 0 { 1..=1 } else { 1..=8 };
        assert!(told.contains(&used_up), "{used_up}, cool-down {cool_down}");
        assert_eq!(trial.judged().await, 3);
        for (flow, code) in &flows {
            let late = trial.server.check(flow, code).await;
            assert_ne!(late.status, 200, "every code is void: {}", late.text);
        }
        assert_eq!(trial.judged().await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_code_sent_eight_times_at_once_gives_one_authorization_code() {
    let trial = with_cool_down(0).await;
    let flow = trial.begin("mira.k").await;
    let right = trial.code().await;
    let answers = at_once(&trial, vec![(flow.clone(), right); 8]).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
    assert_eq!(winner.json(200)["status"], "COMPLETED");
    for answer in answers.iter().filter(|answer| answer.status == 400) {
        let (code, detail, ..) = answer.refusal(400);
        assert_eq!(
            (code.as_str(), detail.as_str()),
            ("REQUEST_FAILED", "INVALID_ACTION")
        );
    }

    let mut resumes = JoinSet::new();
    for _ in 0..8 {
        let (trial, flow) = (trial.clone(), flow.clone());
        resumes.spawn(async move { send(trial.server.resume(&flow)).await });
    }
    let (granted, late): (Vec<Answer>, Vec<Answer>) = resumes
        .join_all()
        .await
        .into_iter()
        .partition(|answer| answer.status == 200);
    assert_eq!((granted.len(), late.len()), (1, 7));
    assert!(late.iter().all(|answer| answer.status == 404));
    let code = text(&granted[0].json(200)["authorizeResponse"], "code");
    let bought = trial.server.redeem(&trial.client, &code).await;
    bought.json(200);
}

#[tokio::test]
async fn a_code_is_worth_nothing_elsewhere() {
    let trial = with_cool_down(0).await;
    let (other_user, _) = trial.user("otto", "+4787654321").await;
    let first = trial.begin("mira.k").await;
    let of_first = trial.code().await;
    trial.wait(10);
    let second = trial.begin("mira.k").await;
    let of_second = trial.code().await;
    let of_other_user = trial.begin(&other_user).await;
    let code_of_other = trial.code().await;
    for (flow, code) in [
        (&first, &of_second),
        (&second, &of_first),
        (&of_other_user, &of_first),
        (&first, &code_of_other),
    ] {
        let (_, detail, ..) = trial.server.check(flow, code).await.refusal(400);
        assert!(["INVALID_OTP", "LIMIT_EXCEEDED"].contains(&detail.as_str()));
    }
    // A new code voids the flow's older one.
    trial.wait(10);
    trial.server.select(&second, &trial.device).await.json(200);
    let newer = trial.code().await;
    if newer != of_second {
        let (_, detail, ..) = trial.server.check(&second, &of_second).await.refusal(400);
        assert!(["INVALID_OTP", "LIMIT_EXCEEDED"].contains(&detail.as_str()));
    }
}

#[tokio::test]
async fn a_flow_of_one_environment_is_not_there_in_another() {
    let trial = with_cool_down(0).await;
    let flow = trial.begin("mira.k").await;
    let code = trial.code().await;
    let body = json!({ "name": "Elsewhere", "type": "SANDBOX", "region": "NA",
        "license": { "id": trial.server.installation.license } });
    let made = trial
        .server
        .request(reqwest::Method::POST, "/v1/environments")
        .bearer_auth(trial.server.admin_token().await)
        .header("content-type", "application/json")
        .body(body.to_string());
    let elsewhere = text(&send(made).await.json(201), "id");
    for path in [
        format!("/{elsewhere}/flows/{}", flow.id),
        format!("/{elsewhere}/as/resume?flowId={}", flow.id),
    ] {
        let read = trial
            .server
            .request(reqwest::Method::GET, &path)
            .header("cookie", &flow.cookie);
        assert_eq!(send(read).await.status, 404, "{path}");
    }
    let check = trial
        .server
        .request(
            reqwest::Method::POST,
            &format!("/{elsewhere}/flows/{}", flow.id),
        )
        .header("cookie", &flow.cookie)
        .header(
            "content-type",
            "application/vnd.pingidentity.otp.check+json",
        )
        .body(json!({ "otp": code }).to_string());
    assert_eq!(send(check).await.status, 404);
    assert_eq!(
        trial.server.check(&flow, &code).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn an_expired_code_and_a_used_one_open_nothing() {
    let otp = json!({ "lifeTime": { "duration": 1, "timeUnit": "MINUTES" } });
    let trial = Trial::with(json!({}), otp).await;
    let flow = trial.begin("mira.k").await;
    let code = trial.code().await;
    trial.wait(60);
    let expired = trial.server.check(&flow, &code).await.refusal(400);
    let expected = ("INVALID_DATA", "INVALID_OTP", "otp", "OTP has expired");
    assert_eq!(expired, owned(expected));
    assert_eq!(trial.judged().await, 0, "it is not an attempt");

    trial.server.select(&flow, &trial.device).await.json(200);
    let code = trial.code().await;
    trial.server.check(&flow, &code).await.json(200);
    let again = trial.server.check(&flow, &code).await.refusal(400);
    assert_eq!(again.1, "INVALID_ACTION");
    send(trial.server.resume(&flow)).await.json(200);
    assert_eq!(trial.server.check(&flow, &code).await.status, 404);
    assert_eq!(send(trial.server.resume(&flow)).await.status, 404);
}

fn owned(it: (&str, &str, &str, &str)) -> (String, String, String, String) {
    (
        it.0.to_owned(),
        it.1.to_owned(),
        it.2.to_owned(),
        it.3.to_owned(),
    )
}

#[tokio::test]
async fn what_is_no_code_is_told_and_what_is_any_text_counts() {
    let trial = with_cool_down(0).await;
    let flow = trial.begin("mira.k").await;
    trial.code().await;
    for body in [
        json!({}),
        json!({ "otp": "" }),
        json!({ "otp": 123_456 }),
        json!({ "otp": null }),
        json!([]),
    ] {
        let answer = crate::support::send(trial.server.act(&flow, "otp.check", &body)).await;
        let (code, ..) = answer.refusal(400);
        assert!(
            ["INVALID_DATA", "INVALID_REQUEST"].contains(&code.as_str()),
            "{body}: {code}"
        );
    }
    assert_eq!(trial.judged().await, 0);
    for (guess, left) in [("1", 2), ("' OR 1=1 --", 1)] {
        let refused = trial.server.check(&flow, guess).await.json(400);
        assert_eq!(
            refused["details"][0]["innerError"]["attemptsRemaining"],
            left
        );
    }
}

/// Resends void what was guessed at, and the floors bound the resends.
#[tokio::test]
async fn whoever_asks_for_new_codes_may_guess_thirty_times_an_hour() {
    let trial = with_cool_down(0).await;
    let flow = trial.begin("mira.k").await;
    let mut codes = 1;
    let refused = loop {
        let right = trial.code().await;
        for wrong in wrong_codes(&right).take(3) {
            assert_eq!(trial.server.check(&flow, &wrong).await.status, 400);
        }
        assert_eq!(trial.server.check(&flow, &right).await.status, 400);
        trial.wait(10);
        let next = trial.server.select(&flow, &trial.device).await;
        if next.status == 429 {
            break next;
        }
        next.json(200);
        codes += 1;
    };
    assert_eq!(codes, 10);
    assert_eq!(trial.judged().await, 30);
    let detail = &refused.json(429)["details"][0];
    assert_eq!(detail["code"], "LIMIT_EXCEEDED");
    // An hour after the first one.
    assert_eq!(detail["innerError"]["retryAfter"], 3_600 - 100);
    assert_eq!(refused.header("retry-after"), Some("3500"));
    assert_eq!(refused.json(429)["code"], "REQUEST_LIMITED");
}

#[tokio::test]
async fn the_hundredth_wrong_code_locks_the_account_and_ends_its_flows() {
    let trial = with_cool_down(0).await;
    let flow = trial.begin("mira.k").await;
    trial.wait(10);
    let right = trial.sent().await[0]
        .code
        .as_ref()
        .unwrap()
        .expose()
        .clone();
    let other = trial.begin("mira.k").await;
    let of_other = trial.code().await;
    let wrong = wrong_codes(&right).next().unwrap();
    trial.server.check(&flow, &wrong).await.refusal(400);
    let subject = format!("user:{}", trial.user);
    let mut counter = trial.counter(subject.clone()).await.unwrap();
    let mut body: Value = serde_json::from_str(&counter.body).unwrap();
    body["consecutive"] = 99.into();
    counter.body = body.to_string();
    trial
        .server
        .commit(stepgate_store::counters::write(counter))
        .await;

    let (_, detail, ..) = trial.server.check(&flow, &wrong).await.refusal(400);
    assert_eq!(detail, "LIMIT_EXCEEDED");
    let body = send(trial.server.read(&flow)).await.json(200);
    assert_eq!(body["status"], "FAILED");
    assert_eq!(body["error"]["code"], "ACCOUNT_NOT_USABLE");
    let ended = trial.server.check(&other, &of_other).await.json(200);
    assert_eq!(ended["error"]["code"], "ACCOUNT_NOT_USABLE", "{ended:#}");
    let resumed = send(trial.server.resume(&other)).await.json(200);
    assert_eq!(resumed["authorizeResponse"]["error"], "access_denied");
    let user = trial.get(&format!("users/{}", trial.user)).await;
    assert_eq!(user["account"]["status"], "LOCKED");

    // Waiting does not help, an administrator does.
    trial.wait(86_400 * 30);
    let locked = trial.begin("mira.k").await;
    assert_eq!(locked.body["error"]["code"], "ACCOUNT_NOT_USABLE");
    assert_eq!(trial.sent().await.len(), 0);
    trial.account("unlock").await;
    assert_eq!(trial.judged().await, 0);
    let flow = trial.begin("mira.k").await;
    let right = trial.code().await;
    assert_eq!(
        trial.server.check(&flow, &right).await.json(200)["status"],
        "COMPLETED"
    );
}

#[tokio::test]
async fn a_locked_account_ends_a_flow_that_waits_for_a_code_and_one_that_waits_to_be_resumed() {
    let trial = with_cool_down(0).await;
    let waiting = trial.begin("mira.k").await;
    let code = trial.code().await;
    trial.wait(10);
    let done = trial.begin("mira.k").await;
    let of_done = trial.code().await;
    trial.server.check(&done, &of_done).await.json(200);
    trial.account("lock").await;
    let ended = trial.server.check(&waiting, &code).await.json(200);
    assert_eq!(ended["error"]["code"], "ACCOUNT_NOT_USABLE");
    let resumed = send(trial.server.resume(&done)).await.json(200);
    assert_eq!(
        resumed["authorizeResponse"]["error"], "access_denied",
        "{resumed:#}"
    );
}

#[tokio::test]
async fn a_locked_device_opens_when_the_cool_down_is_over_or_an_administrator_unlocks_it() {
    let trial = with_cool_down(2).await;
    let lock = async || {
        let flow = trial.begin("mira.k").await;
        let right = trial.code().await;
        let mut last = None;
        for wrong in wrong_codes(&right).take(3) {
            last = Some(trial.server.check(&flow, &wrong).await);
        }
        let inner = last.unwrap().json(400)["details"][0]["innerError"].clone();
        let until = (trial.now() + 120) * 1_000;
        assert_eq!(
            inner,
            json!({ "attemptsRemaining": 0, "coolDownExpiresAt": until })
        );
        assert_eq!(
            send(trial.server.read(&flow)).await.json(200)["error"]["code"],
            "LIMIT_EXCEEDED"
        );
        let next = trial.begin("mira.k").await;
        assert_eq!(next.body["error"]["code"], "NO_USABLE_DEVICES");
    };
    lock().await;
    trial.wait(119);
    let early = trial.begin("mira.k").await;
    assert_eq!(early.body["error"]["code"], "NO_USABLE_DEVICES");
    trial.wait(1);
    lock().await;
    let path = format!("users/{}/devices/{}", trial.user, trial.device);
    let media_type = "application/vnd.pingidentity.device.unlock+json";
    trial
        .server
        .manage_as(reqwest::Method::POST, &path, media_type, Value::Null)
        .await;
    trial.wait(10);
    let flow = trial.begin("mira.k").await;
    let right = trial.code().await;
    let wrong = wrong_codes(&right).next().unwrap();
    let refused = trial.server.check(&flow, &wrong).await.json(400);
    assert_eq!(refused["details"][0]["innerError"]["attemptsRemaining"], 2);
    trial.server.check(&flow, &right).await.json(200);
}
