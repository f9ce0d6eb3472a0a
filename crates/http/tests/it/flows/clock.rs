//! A clock that ran ahead for a while, or behind: what has happened meanwhile counts as happening now.

use reqwest::header;
use serde_json::{Value, json};
use stepgate_domain::time::{Duration, Timestamp};
use stepgate_store::engine::{Batch, Engine, Statement};

use crate::support::{Answer, Flow, Trial, device_policy, send};

const HOUR: Duration = Duration::from_hours(1);
/// To about the year 2200.
const CENTURIES: Duration = Duration::from_days(174 * 365);

fn back(duration: Duration) -> Duration {
    Duration::from_millis(-duration.as_millis())
}

/// Signs the user on by a hint: the browser's cookie afterwards.
async fn sign_on(trial: &Trial) -> String {
    let flow = trial.begin().await;
    assert_eq!(flow.status(), "OTP_REQUIRED", "{:#}", flow.body);
    let code = trial.server.code().await;
    trial.server.check(&flow, &code).await.json(200);
    send(trial.server.resume(&flow)).await.cookies()
}

async fn ask(trial: &Trial, cookie: &str, more: &[(&str, &str)]) -> Answer {
    let mut parameters = trial.parameters("pi.flow", None);
    parameters.extend_from_slice(more);
    let request = trial.server.authorize(&parameters);
    send(request.header(header::COOKIE, cookie)).await
}

#[tokio::test]
async fn a_message_sent_while_the_clock_ran_ahead_counts_as_sent_now() {
    for ahead in [HOUR, CENTURIES] {
        let trial = Trial::start().await;
        trial.server.advance(ahead);
        sign_on(&trial).await;
        trial.server.advance(back(ahead));

        let flow = trial.begin().await;
        let early = trial.server.select(&flow, &trial.device).await;
        let detail = early.refused_for(429, "REQUEST_LIMITED", "LIMIT_EXCEEDED", "device.id");
        assert_eq!(detail["innerError"]["retryAfter"], 10, "{ahead:?}");
        trial.server.advance(Duration::from_seconds(10));
        let sent = trial.server.select(&flow, &trial.device).await;
        assert_eq!(sent.json(200)["status"], "OTP_REQUIRED", "{ahead:?}");
    }
}

#[tokio::test]
async fn a_lock_that_began_while_the_clock_ran_ahead_lasts_as_long_as_any() {
    for ahead in [HOUR, CENTURIES] {
        let cool_down = json!({ "duration": 2, "timeUnit": "MINUTES" });
        let otp = json!({ "failure": { "count": 1, "coolDown": cool_down } });
        let trial = Trial::with_devices(device_policy(&otp)).await;
        trial.server.advance(ahead);
        let flow = trial.begin().await;
        let code = trial.server.code().await;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert_eq!(trial.server.check(&flow, wrong).await.status, 400);
        trial.server.advance(back(ahead));

        // It is locked from now on,
        assert_eq!(trial.begin().await.status(), "FAILED", "{ahead:?}");
        trial.server.advance(Duration::from_seconds(119));
        assert_eq!(trial.begin().await.status(), "FAILED", "{ahead:?}");
        // and no longer than two minutes.
        trial.server.advance(Duration::from_seconds(1));
        sign_on(&trial).await;
    }
}

#[tokio::test]
async fn a_sign_on_while_the_clock_ran_ahead_grows_old() {
    let condition = json!({ "secondsSince": "${session.lastSignOn.withAuthenticator.mfa.at}",
        "greater": 3_600 });
    let action = json!({ "sms": { "enabled": true }, "condition": condition });
    for ahead in [HOUR, CENTURIES] {
        let trial = Trial::with(json!({}), action.clone()).await;
        trial.server.advance(ahead);
        let cookie = sign_on(&trial).await;
        trial.server.advance(back(ahead));

        let silent = [("prompt", "none")];
        let recent = ask(&trial, &cookie, &silent).await;
        assert_eq!(recent.json(200)["status"], "COMPLETED", "{ahead:?}");
        trial.server.advance(Duration::from_minutes(61));
        let old = ask(&trial, &cookie, &silent).await;
        assert_eq!(old.json(400)["error"], "login_required", "{ahead:?}");
        // A month after its last use nothing is left of it.
        trial.server.advance(Duration::from_days(31));
        let gone = ask(&trial, &cookie, &[("prompt", "none")]).await;
        assert_eq!(gone.json(400)["error"], "login_required", "{ahead:?}");
    }
}

#[tokio::test]
async fn a_flow_that_was_read_while_the_clock_ran_ahead_can_be_read() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    trial.server.advance(Duration::from_minutes(5));
    for _ in 0..5 {
        send(trial.server.read(&flow)).await.json(200);
    }
    trial.server.advance(back(Duration::from_minutes(5)));
    assert_eq!(send(trial.server.read(&flow)).await.status, 429);
    trial.server.advance(Duration::from_seconds(1));
    send(trial.server.read(&flow)).await.json(200);
}

/// A stored time: a column, or a member of a body.
#[derive(Debug, Clone)]
struct Place {
    table: &'static str,
    key: &'static str,
    row: String,
    column: &'static str,
    /// Within a body.
    pointer: Option<String>,
}

/// Tables that sign-ons write, with the key within the environment and the columns of times.
const TABLES: [(&str, &str, &[&str]); 8] = [
    ("counter", "subject", &["expires_at"]),
    ("session", "id", &["expires_at"]),
    ("flow", "id", &["expires_at"]),
    ("user_account", "id", &["created_at", "updated_at"]),
    ("device", "id", &["created_at", "updated_at"]),
    ("authorization_code", "hash", &["expires_at", "consumed_at"]),
    ("token_family", "id", &["expires_at", "revoked_at"]),
    ("outbox", "id", &["due_at", "created_at"]),
];

fn times(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                times(member, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                times(item, &format!("{pointer}/{index}"), found);
            }
        }
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            found.push(pointer.to_owned());
        }
        Value::Number(_) if pointer.ends_with("/day") => found.push(pointer.to_owned()),
        _ => {}
    }
}

async fn stored_times(trial: &Trial) -> Vec<Place> {
    let engine = &trial.server.engine;
    let environment = trial.server.environment.to_string();
    let mut places = Vec::new();
    for (table, key, columns) in TABLES {
        let sql = format!("SELECT {key} FROM {table} WHERE environment = $1");
        let rows = engine
            .query(sql.into(), vec![environment.as_str().into()])
            .await
            .unwrap();
        for row in rows {
            let place = |column, pointer| Place {
                table,
                key,
                row: row.text(0).unwrap().to_owned(),
                column,
                pointer,
            };
            places.extend(columns.iter().map(|column| place(column, None)));
            if table != "outbox" {
                let body = place("body", None).read(trial).await.unwrap();
                let mut found = Vec::new();
                times(
                    &serde_json::from_str(&body).unwrap_or_default(),
                    "",
                    &mut found,
                );
                places.extend(
                    found
                        .into_iter()
                        .map(|pointer| place("body", Some(pointer))),
                );
            }
        }
    }
    places
}

impl Place {
    async fn read(&self, trial: &Trial) -> Option<String> {
        let sql = format!(
            "SELECT CAST({} AS TEXT) FROM {} WHERE environment = $1 AND {} = $2",
            self.column, self.table, self.key
        );
        let args = vec![
            trial.server.environment.to_string().into(),
            self.row.as_str().into(),
        ];
        let rows = trial.server.engine.query(sql.into(), args).await.unwrap();
        rows.first()?.optional_text(0).unwrap().map(str::to_owned)
    }

    /// False when it is not there any more, or says no time now.
    async fn set(&self, trial: &Trial, time: Timestamp) -> bool {
        let Some(before) = self.read(trial).await else {
            return false;
        };
        let value = match &self.pointer {
            None if before == i64::MAX.to_string() => return false,
            None => time.as_millis().into(),
            Some(pointer) => {
                let mut body: Value = serde_json::from_str(&before).unwrap();
                let Some(member) = body.pointer_mut(pointer) else {
                    return false;
                };
                *member = if pointer.ends_with("/day") {
                    (time.as_millis() / 86_400_000).into()
                } else {
                    time.to_string().into()
                };
                body.to_string().into()
            }
        };
        let sql = format!(
            "UPDATE {} SET {} = $1 WHERE environment = $2 AND {} = $3",
            self.table, self.column, self.key
        );
        let environment = trial.server.environment.to_string();
        let set = Statement::new(
            sql,
            vec![value, environment.into(), self.row.as_str().into()],
        );
        trial.server.engine.commit(Batch(vec![set])).await.unwrap();
        true
    }
}

#[tokio::test]
async fn no_stored_time_in_the_past_or_the_future_keeps_anybody_out() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(trial.server.check(&flow, wrong).await.status, 400);
    trial.server.check(&flow, &code).await.json(200);
    let resumed = send(trial.server.resume(&flow)).await;
    let cookie = resumed.cookies();
    let code = resumed.json(200)["authorizeResponse"]["code"].clone();
    send(trial.redeem(code.as_str().unwrap())).await.json(200);
    trial.begin_unhinted().await;

    let places = stored_times(&trial).await;
    for (table, ..) in TABLES {
        let is_walked = places.iter().any(|place| place.table == table);
        assert!(is_walked || table == "outbox", "{table}");
    }
    for place in places {
        for shift in [
            HOUR,
            CENTURIES,
            back(HOUR),
            back(Duration::from_days(50 * 365)),
        ] {
            if !place.set(&trial, trial.server.now() + shift).await {
                continue;
            }
            let hint = trial.hint();
            let begun = ask(&trial, &cookie, &[("login_hint_token", &hint)]).await;
            assert!(begun.status < 500, "{place:?} by {shift:?}: {begun:?}");
            if begun.status == 200 && Flow::of(&begun).status() == "OTP_REQUIRED" {
                trial.server.code().await;
            }
            // The longest of the floors.
            trial.server.advance(HOUR);
            sign_on(&trial).await;
            trial.server.advance(HOUR);
        }
    }
}
