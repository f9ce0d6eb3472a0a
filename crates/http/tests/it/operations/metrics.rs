//! What `/metrics` shows.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, TestClient, Trial, send};

/// A line of the text format: name, labels, value.
type Sample = (String, BTreeMap<String, String>, f64);

async fn scraped(server: &Server) -> Vec<Sample> {
    let answer = send(server.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let media_type = answer.header("content-type").unwrap();
    assert!(
        media_type.starts_with("text/plain; version=0.0.4"),
        "{media_type}"
    );
    let lines = answer.text.lines().filter(|line| !line.starts_with('#'));
    lines.map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let mut read = BTreeMap::new();
    let mut rest = labels.trim_end_matches('}');
    while let Some((label, after)) = rest.split_once("=\"") {
        // Paths hold braces, but no quotes.
        let (value, after) = after.split_once('"').unwrap();
        read.insert(label.trim_start_matches(',').to_owned(), value.to_owned());
        rest = after;
    }
    let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
    (name.to_owned(), read, value)
}

/// The sum of the samples of this name with these labels.
fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits = |sample: &&Sample| {
        sample.0 == name
            && labels
                .iter()
                .all(|(label, value)| sample.1.get(*label).is_some_and(|it| it == value))
    };
    samples.iter().filter(fits).map(|sample| sample.2).sum()
}

#[tokio::test]
async fn a_sign_on_and_its_refusals_are_counted() {
    let mut trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    trial.server.check(&flow, wrong).await.json(400);
    trial.server.check(&flow, &code).await.json(200);
    send(trial.server.resume(&flow)).await.json(200);
    let liar = TestClient {
        id: trial.client.clone(),
        secret: "wrong".to_owned(),
    };
    let form = [("grant_type", "client_credentials")];
    trial.server.token(&liar, &form).await.oauth_error(401);
    trial.server.stop_workers().await;

    let samples = scraped(&trial.server).await;
    let flows = "POST /{environmentID}/flows/{flowID}";
    for (name, labels, expected) in [
        (
            "stepgate_requests_total",
            &[("operation", flows), ("status", "400")][..],
            1.0,
        ),
        (
            "stepgate_requests_total",
            &[("operation", flows), ("status", "200")],
            1.0,
        ),
        (
            "stepgate_request_seconds_count",
            &[("operation", flows)],
            2.0,
        ),
        ("stepgate_flows_begun_total", &[], 1.0),
        ("stepgate_flows_completed_total", &[], 1.0),
        ("stepgate_refusals_total", &[("reason", "otp_wrong")], 1.0),
        (
            "stepgate_refusals_total",
            &[("reason", "client_secret_wrong")],
            1.0,
        ),
        ("stepgate_outbox_messages", &[("state", "PENDING")], 0.0),
        ("stepgate_store_waiting_commits", &[], 0.0),
    ] {
        assert!(
            (sum(&samples, name, labels) - expected).abs() < 0.5,
            "{name} {labels:?}: {samples:?}"
        );
    }
    let delivered = sum(
        &samples,
        "stepgate_messages_total",
        &[("outcome", "delivered")],
    );
    assert!(delivered >= 1.0, "{samples:?}");
    let commits = sum(&samples, "stepgate_store_commits_total", &[]);
    let groups = sum(&samples, "stepgate_store_commit_groups_total", &[]);
    assert!(commits >= groups && groups > 1.0, "{commits} in {groups}");
}

#[tokio::test]
async fn no_label_holds_what_strangers_choose() {
    let trial = Trial::start().await;
    let server = &trial.server;
    let mut series = 0;
    for round in 0..3_u128 {
        for number in 0..20_u128 {
            let id = uuid::Uuid::from_u128(round * 1_000 + number);
            for path in [
                format!("/{id}"),
                format!("/{id}/as/authorize?client_id={id}&login_hint=mira@example.test"),
                format!("/v1/environments/{id}/users/{id}"),
                format!("/{id}/flows/{id}"),
            ] {
                send(server.request(Method::GET, &path)).await;
            }
            let odd = Method::from_bytes(format!("X{number}").as_bytes()).unwrap();
            send(server.request(odd, "/healthz")).await;
            let unknown = TestClient {
                id: id.to_string(),
                secret: id.to_string(),
            };
            server
                .token(&unknown, &[("grant_type", &id.to_string())])
                .await;
            let name = format!("{number}");
            server
                .post("users", json!({ "username": { name: 1 } }))
                .await;
        }
        let samples = scraped(server).await;
        for (name, labels, _) in &samples {
            for value in labels.values() {
                let digits = value.bytes().filter(u8::is_ascii_digit).count();
                assert!(
                    value.len() < 120 && digits < 8 && !value.contains('@'),
                    "{name} {labels:?}"
                );
            }
        }
        if round == 0 {
            // The scrape itself has become a request by the next time.
            send(server.request(Method::GET, "/metrics")).await;
            series = scraped(server).await.len();
        } else {
            assert_eq!(samples.len(), series, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_proxy_s_clients_see_no_metrics() {
    let server = Server::start().await;
    scraped(&server).await;
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
        let request = server
            .request(Method::GET, "/metrics")
            .header(header, "for=192.0.2.7");
        send(request).await.refused(404, "NOT_FOUND");
    }
}
