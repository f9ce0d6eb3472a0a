//! `stepgate recover`: an installation that nobody can administer any more gets another worker.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use reqwest::Method;
use stepgate_client::{Request, worker_token};

use crate::support::{Admin, Credentials, Server, command};

fn recover(data: &Path) -> Command {
    let mut command = command();
    command.args(["recover", "--json", "--data"]).arg(data);
    command.stdin(Stdio::null());
    command
}

async fn administrator(server: &Server, credentials: Credentials) -> Admin {
    let client = server.client();
    let token = worker_token(
        &client,
        &credentials.environment,
        &credentials.client_id,
        &credentials.client_secret,
    )
    .await
    .unwrap();
    Admin {
        client,
        credentials,
        token,
    }
}

#[tokio::test]
async fn an_installation_without_its_secret_gets_another_administrator() {
    let mut server = Server::start().await;
    let first = Admin::of(&server).await;
    let in_use = recover(&server.data()).output().unwrap();
    let complaint = String::from_utf8(in_use.stderr).unwrap();
    assert!(
        complaint.contains("in use by another stepgate"),
        "{complaint}"
    );
    server.stop().await;

    let unkept = recover(&server.data())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let complaint = String::from_utf8(unkept.stderr).unwrap();
    assert!(complaint.contains("nothing was recovered"), "{complaint}");

    let made = recover(&server.data()).output().unwrap();
    assert!(made.status.success());
    let made = Credentials::parse(&serde_json::from_slice(&made.stdout).unwrap());
    assert_eq!(made.environment, first.credentials.environment);
    assert_ne!(made.client_id, first.credentials.client_id);

    let server = Server::start_on(server.into_directory()).await;
    let second = administrator(&server, made).await;
    let base = format!(
        "/v1/environments/{}/applications",
        second.credentials.environment
    );
    let held = async |admin: &Admin| {
        let path = format!("{base}/{}/roleAssignments", admin.credentials.client_id);
        let held = second.call(Request::get(&path), 200).await;
        let held = held["_embedded"]["roleAssignments"]
            .as_array()
            .unwrap()
            .clone();
        let pair = |it: &serde_json::Value| (it["role"].to_string(), it["scope"].to_string());
        held.iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(held(&second).await, held(&first).await);
    // What was tried in vain left nothing behind.
    let all = second.call(Request::get(&base), 200).await;
    assert_eq!(all["size"], 2);
    // It may end the one whose secret is lost.
    let lost = format!("{base}/{}", first.credentials.client_id);
    second.call(Request::new(Method::DELETE, &lost), 204).await;
}

#[test]
fn what_was_never_initialized_cannot_be_recovered() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let refused = recover(&data).output().unwrap();
    assert!(!refused.status.success());
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(complaint.contains("is not initialized"), "{complaint}");
    assert!(!data.join("stepgate.db").exists());
}
