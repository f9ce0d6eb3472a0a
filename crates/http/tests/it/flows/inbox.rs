use reqwest::{Method, header};
use stepgate_domain::time::Duration;

use crate::support::{Server, Trial, send};

async fn messages(server: &Server, query: &str) -> Vec<serde_json::Value> {
    let path = format!("/inbox/messages{query}");
    let body = send(server.request(Method::GET, &path)).await.json(200);
    assert_eq!(body.as_object().unwrap().len(), 1);
    body["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_was_sent_is_listed_the_newest_last() {
    let mut trial = Trial::start().await;
    // The user was told of the phone by mail.
    let to_the_phone = "?to=4712345642";
    assert!(messages(&trial.server, to_the_phone).await.is_empty());
    let flow = trial.begin().await;
    let first = trial.server.code().await;
    trial.server.advance(Duration::from_minutes(1));
    trial.server.select(&flow, &trial.device).await.json(200);
    let second = trial.server.code().await;
    // It is kept before the worker is done with it.
    trial.server.stop_workers().await;

    let all = messages(&trial.server, to_the_phone).await;
    let codes: Vec<&str> = all.iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!(codes, [&first, &second]);
    let members: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "to", "channel", "text", "code", "time"]);
    assert_eq!(all[0]["channel"], "SMS");
    assert_eq!(all[0]["time"], "2026-01-31T12:00:00.000Z");
    assert!(all[0]["text"].as_str().unwrap().contains(&first));
}

#[tokio::test]
async fn a_phone_is_found_however_its_number_is_written() {
    let mut trial = Trial::start().await;
    trial.begin().await;
    trial.server.code().await;
    // It is kept before the worker is done with it.
    trial.server.stop_workers().await;
    for to in [
        "%2B4712345642",
        "+4712345642",
        "4712345642",
        "%2B47%20123-45-642",
    ] {
        assert_eq!(
            messages(&trial.server, &format!("?to={to}")).await.len(),
            1,
            "{to}"
        );
    }
    assert!(messages(&trial.server, "?to=4712345643").await.is_empty());
}

#[tokio::test]
async fn the_page_shows_the_code_to_nobody_elses_page() {
    let mut trial = Trial::start().await;
    trial.begin().await;
    let code = trial.server.code().await;
    // It is kept before the worker is done with it.
    trial.server.stop_workers().await;
    let page = send(trial.server.request(Method::GET, "/inbox")).await;
    page.page(200, &format!("<strong class=\"code\">{code}</strong>"));
    for path in ["/inbox", "/inbox/messages"] {
        let request = trial.server.request(Method::GET, path);
        let answer = send(request.header(header::ORIGIN, "https://other.test")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn where_nobody_asked_for_it_there_is_no_inbox() {
    let server = Server::delivering_without_inbox().await;
    for path in ["/inbox", "/inbox/messages", "/inbox/messages?to=1"] {
        let answer = send(server.request(Method::GET, path)).await;
        answer.refused_plainly(404, "NOT_FOUND");
    }
}
