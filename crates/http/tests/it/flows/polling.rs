//! A flow may be read as often as somebody waits for it, and no more often.

use reqwest::header;
use serde_json::json;
use stepgate_domain::time::Duration;

use crate::support::{Flow, PAGE, Trial, send};

#[tokio::test]
async fn a_flow_is_read_five_times_a_second() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let code = trial.server.code().await;
    for _ in 0..5 {
        send(trial.server.read(&flow)).await.json(200);
    }
    let before = trial.server.spent();
    let request = trial.server.read(&flow).header(header::ORIGIN, PAGE);
    let refused = send(request).await;
    let detail = refused.refused_for(429, "REQUEST_LIMITED", "LIMIT_EXCEEDED", "");
    assert_eq!(detail["innerError"], json!({ "retryAfter": 1 }));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(trial.server.spent(), before, "nothing is looked up for it");

    trial.server.advance(Duration::from_seconds(1));
    send(trial.server.read(&flow)).await.json(200);
    for _ in 0..9 {
        send(trial.server.read(&flow)).await;
    }
    // Only reading is limited, and only of this flow.
    assert_eq!(
        trial.server.check(&flow, &code).await.json(200)["status"],
        "COMPLETED"
    );
    let other = trial.begin_unhinted().await;
    send(trial.server.read(&other)).await.json(200);
}

#[tokio::test]
async fn nobody_uses_up_the_readings_of_another_browser() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    let stranger = Flow {
        cookie: "ST=x".to_owned(),
        ..flow.clone()
    };
    for _ in 0..9 {
        assert_eq!(send(trial.server.read(&stranger)).await.status, 401);
    }
    send(trial.server.read(&flow)).await.json(200);
}
