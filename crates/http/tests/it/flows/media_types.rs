use crate::support::{Trial, send};

#[tokio::test]
async fn pairing_is_no_action_of_a_flow() {
    let trial = Trial::start().await;
    let flow = trial.begin().await;
    for name in ["device.activate", "device.register", "otp.resend"] {
        let refused = send(trial.server.act(&flow, name, "{}")).await;
        assert_eq!(refused.json(415)["code"], "INVALID_REQUEST", "{name}");
    }
    // What is published and not offered is another matter.
    for name in ["assertion.check", "user.lookup"] {
        let refused = send(trial.server.act(&flow, name, r#"{"username":"x"}"#)).await;
        refused.refused_for(400, "REQUEST_FAILED", "INVALID_ACTION", "");
    }
}
