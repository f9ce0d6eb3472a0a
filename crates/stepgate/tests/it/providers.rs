//! Sign-ons while the gateway and the mail server are in trouble. Messages fail or wait; nothing
//! else does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use stepgate_client::{Client, Hint, HintAlgorithm, Request, Tenant, User, requests};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::{Admin, Server};

const SIGN_ONS: u32 = 20_000;
const CLIENTS: usize = 32;
/// Each has a phone and a mailbox.
const USERS: u32 = 100;
/// Whoever waits so long for an answer waits for ever.
const FOR_EVER: Duration = Duration::from_mins(1);
const SMS: &str = "MFA_Only";
const EMAIL: &str = "By_Mail";

/// Takes the request that a connection brings next; false when there is none.
async fn take_request(stream: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(false),
        }
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(true)
}

/// One connection of a gateway that accepts, refuses, fails, delays and closes in turn.
async fn trouble(stream: TcpStream, requests: &AtomicU32) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while take_request(&mut stream).await? {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        let (status, body) = match number % 5 {
            0 => ("201 Created", json!({ "sid": format!("SM{number}") })),
            1 => ("400 Bad Request", json!({ "code": 21_211 })),
            2 => ("503 Service Unavailable", json!({})),
            3 => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                ("201 Created", json!({ "sid": format!("SM{number}") }))
            }
            _ => return Ok(()),
        };
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Its base URL, and how many requests it has had.
async fn gateway() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU32::new(0));
    let had = requests.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let requests = requests.clone();
            tokio::spawn(async move { trouble(stream, &requests).await });
        }
    });
    (base_url, had)
}

/// A port where nobody listens.
async fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// The policy that sends its codes by mail, and users who can have them either way.
async fn prepare(admin: &Admin, tenant: &Tenant) {
    let environment = &tenant.environment.id;
    let create = async |path: &str, body: Value| -> String {
        let request = Request::post(requests::management(environment, path)).json(&body);
        let made = admin.call(request, 201).await;
        made["id"].as_str().unwrap().to_owned()
    };
    let policy = create("signOnPolicies", json!({ "name": EMAIL })).await;
    let action = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1, "noDevicesMode": "BLOCK",
        "sms": { "enabled": false }, "email": { "enabled": true } });
    create(&format!("signOnPolicies/{policy}/actions"), action).await;
    let assignments = format!("applications/{}/signOnPolicyAssignments", tenant.client_id);
    let assignment = json!({ "priority": 2, "signOnPolicy": { "id": policy } });
    create(&assignments, assignment).await;
    for number in 2..2 + USERS {
        let User {
            username, phone, ..
        } = User::numbered(number);
        let user = json!({ "username": username, "population": { "id": tenant.population_id },
            "mfaEnabled": true });
        let devices = format!("users/{}/devices", create("users", user).await);
        create(&devices, json!({ "type": "SMS", "phone": phone })).await;
        let mailbox = format!("{username}@example.test");
        create(&devices, json!({ "type": "EMAIL", "email": mailbox })).await;
    }
}

async fn sign_ons(client: Client, tenant: &Tenant, issuer: &str, next: &AtomicU32) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= SIGN_ONS {
            return;
        }
        let user = User::numbered(2 + number % USERS);
        let hint = Hint::starting_now(&tenant.client_id, &user.username, issuer, 300)
            .sign(HintAlgorithm::Hs256, &tenant.client_secret)
            .unwrap();
        let policy = if number.is_multiple_of(4) { EMAIL } else { SMS };
        let begin = requests::authorize(
            &tenant.environment.id,
            &tenant.client_id,
            &tenant.application.redirect_uri,
            &hint,
            &[("acr_values", policy)],
        );
        let answer = tokio::time::timeout(FOR_EVER, client.send(&begin)).await;
        let Ok(answer) = answer else {
            panic!("sign-on {number} waits for ever");
        };
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "sign-on {number}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ons_and_writes_go_on_while_no_provider_works() {
    let (base_url, messages) = gateway().await;
    let smtp_port = closed_port().await;
    let secrets = tempfile::tempdir().unwrap();
    let token = secrets.path().join("token");
    std::fs::write(&token, "gateway-token").unwrap();
    let mut server = Server::start_with(&[
        "--sms-base-url",
        &base_url,
        "--sms-account-sid",
        "AC0011",
        "--sms-auth-token-file",
        token.to_str().unwrap(),
        "--sms-from",
        "+15005550006",
        "--smtp-host",
        "127.0.0.1",
        "--smtp-port",
        &smtp_port,
        "--smtp-security",
        "none",
        "--smtp-from",
        "no-reply@example.test",
        "--limits-address-interval-seconds",
        "0",
        "--limits-address-per-hour",
        "1000000",
        "--limits-user-per-day",
        "1000000",
        "--log",
        "error",
    ])
    .await;
    let admin = Admin::of(&server).await;
    let tenant = Arc::new(admin.tenant("Trouble").await);
    prepare(&admin, &tenant).await;
    let issuer = format!("{}/{}/as", admin.client.base(), tenant.environment.id);
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, tenant) = (server.client(), tenant.clone());
        let (issuer, next) = (issuer.clone(), next.clone());
        clients.spawn(async move { sign_ons(client, &tenant, &issuer, &next).await });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    assert!(messages.load(Ordering::Relaxed) > 1_000);
    admin.call(Request::get("/readyz"), 200).await;
    let population = requests::population(&tenant.environment.id, "After all that");
    admin.call(population, 201).await;
    assert_eq!(server.stop().await, Some(0));
}
