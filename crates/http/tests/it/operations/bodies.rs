//! Bodies that are late, cut short, too large or no bodies at all; and nobody's body before it is
//! known whose it is.

use std::time::Duration;

use futures_util::future::join_all;
use stepgate_http::{
    api::{Guard, Operation, Takes},
    routes::operations,
    server::Limits,
};

use crate::support::{Server, Setup, Wire};

async fn server(limits: Limits) -> Server {
    Server::start_with(Setup {
        limits,
        ..Setup::default()
    })
    .await
}

/// By the name that its tokens are from.
fn host(server: &Server) -> &str {
    server.base.strip_prefix("http://").unwrap()
}

/// The head of a request that creates a population; `more` are header lines.
fn head(server: &Server, token: Option<&str>, more: &str) -> String {
    let environment = server.environment;
    let authorization = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    format!(
        "POST /v1/environments/{environment}/populations HTTP/1.1\r\nhost: {}\r\n\
         content-type: application/json\r\n{authorization}{more}\r\n",
        host(server)
    )
}

const POPULATION: &str = r#"{"name":"Slow"}"#;

#[tokio::test]
async fn a_stranger_is_refused_before_the_body() {
    let server = server(Limits::default()).await;
    for more in [
        "content-length: 1000000\r\n",
        "content-length: 1000000\r\nexpect: 100-continue\r\n",
        "content-length: 99999999\r\n",
        "transfer-encoding: chunked\r\n",
    ] {
        let mut wire = Wire::to(&server).await;
        wire.send(head(&server, None, more)).await;
        let answer = wire.head().await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{more:?} {answer}");
        assert!(answer.contains("connection: close"), "{more:?} {answer}");
    }
}

#[tokio::test]
async fn a_stranger_who_sends_all_the_same_reads_the_answer() {
    let server = server(Limits::default()).await;
    let mut wire = Wire::to(&server).await;
    wire.send(head(&server, None, "content-length: 1000000\r\n"))
        .await;
    wire.send(vec![b'x'; 1_000_000]).await;
    assert_eq!(wire.status().await, 401);
}

#[tokio::test]
async fn who_is_known_is_told_to_continue() {
    let server = server(Limits::default()).await;
    let token = server.admin().token;
    let length = format!(
        "content-length: {}\r\nexpect: 100-continue\r\n",
        POPULATION.len()
    );
    let mut wire = Wire::to(&server).await;
    wire.send(head(&server, Some(&token), &length)).await;
    assert_eq!(wire.status().await, 100);
    wire.send(POPULATION).await;
    assert_eq!(wire.status().await, 201);
}

#[tokio::test]
async fn a_body_cut_short_or_garbled_is_malformed_and_no_other_is_too_large() {
    let server = server(Limits::default()).await;
    let token = server.admin().token;
    for (more, body, status) in [
        ("content-length: 100\r\n", "{\"name\":".to_owned(), 400),
        (
            "transfer-encoding: chunked\r\n",
            "5\r\n{\"nam".to_owned(),
            400,
        ),
        (
            "transfer-encoding: chunked\r\n",
            "zz\r\n{}\r\n".to_owned(),
            400,
        ),
        (
            "transfer-encoding: chunked\r\n",
            "2\r\n{}nonsense".to_owned(),
            400,
        ),
        ("content-length: 1048577\r\n", String::new(), 413),
        (
            "transfer-encoding: chunked\r\n",
            format!("100001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x10_0001)),
            413,
        ),
        (
            "transfer-encoding: chunked\r\n",
            "0\r\n\r\n".to_owned(),
            400,
        ),
        (
            "transfer-encoding: chunked\r\n",
            "f\r\n{\"name\":\"Three\"}\r\n0\r\n\r\n".replace("f\r\n", "10\r\n"),
            201,
        ),
    ] {
        let mut wire = Wire::to(&server).await;
        wire.send(head(&server, Some(&token), more)).await;
        wire.send(&body).await;
        wire.end().await;
        assert_eq!(wire.status().await, status, "{more:?} {body:.40?}");
    }
}

#[tokio::test]
async fn a_length_that_is_none_or_two_is_refused() {
    let server = server(Limits::default()).await;
    let token = server.admin().token;
    for (more, status) in [
        ("content-length: -1\r\n", 400),
        ("content-length: 99999999999999999999999999\r\n", 400),
        ("content-length: 15\r\ncontent-length: 16\r\n", 400),
        ("content-length: 15, 16\r\n", 400),
        ("transfer-encoding: gzip\r\n", 400),
        ("transfer-encoding: chunked, gzip\r\n", 400),
    ] {
        let mut wire = Wire::to(&server).await;
        wire.send(head(&server, Some(&token), more)).await;
        wire.send(POPULATION).await;
        assert_eq!(wire.status().await, status, "{more:?}");
        // What follows is no second request.
        assert_eq!(
            wire.rest().await.matches("HTTP/1.1 ").count(),
            0,
            "{more:?}"
        );
    }
    let old = "GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n";
    let mut wire = Wire::to(&server).await;
    wire.send(old).await;
    assert_eq!(wire.status().await, 200);
    assert_eq!(
        wire.rest().await,
        r#"{"status":"ok"}"#,
        "and then it is closed"
    );
}

#[tokio::test]
async fn a_slow_body_is_answered_408() {
    let limits = Limits {
        body: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = server(limits).await;
    let token = server.admin().token;
    let half = head(&server, Some(&token), "content-length: 15\r\n") + "{\"na";
    let mut wire = Wire::to(&server).await;
    wire.send(half).await;
    let answer = wire.head().await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(wire.rest().await.contains("did not arrive in time"));
    let environment = server.environment;
    let form = format!(
        "POST /{environment}/as/token HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\ngrant"
    );
    assert_eq!(server.status_of(&form).await, 408);
}

#[tokio::test]
async fn strangers_bodies_keep_nobody_else_out() {
    let limits = Limits {
        bodies: 1000,
        ..Limits::default()
    };
    let server = server(limits).await;
    let (admin, environment) = (server.admin(), server.environment);
    let body = "x".repeat(600);
    let mut wire = Wire::to(&server).await;
    wire.send(format!(
        "POST /{environment}/as/token HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 600\r\n\r\n{body}"
    ))
    .await;
    let answer = wire.head().await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    let path = format!("/v1/environments/{environment}/populations");
    let known = serde_json::json!({ "name": "Known", "description": "x".repeat(500) });
    assert_eq!(admin.post(&path, known).await.status, 201);
}

/// Every operation, asked with a body of each kind.
#[tokio::test]
async fn no_body_is_a_fault_of_the_server() {
    let limits = Limits {
        body: Duration::from_millis(300),
        per_address: 10_000,
        ..Limits::default()
    };
    let server = server(limits).await;
    let token = server.admin().token;
    for operation in operations().operations {
        let bodies = [
            ("slow", "content-length: 20\r\n", "{"),
            ("garbled", "transfer-encoding: chunked\r\n", "zz\r\n"),
            ("huge", "content-length: 99999999\r\n", "x"),
            (
                "twofold",
                "content-length: 1\r\ncontent-length: 2\r\n",
                "xy",
            ),
            ("absent", "", ""),
        ];
        let asked = bodies.into_iter().flat_map(|(kind, length, body)| {
            [None, Some(&token)].map(|token| {
                (
                    kind,
                    token,
                    request(host(&server), &operation, token, length, body),
                )
            })
        });
        let answers = asked.map(async |(kind, token, request)| {
            (kind, token.is_none(), server.status_of(&request).await)
        });
        for (kind, is_stranger, status) in join_all(answers).await {
            assert!(
                (200..500).contains(&status),
                "{status} {kind} {operation:?}"
            );
            if kind == "twofold" {
                assert_eq!(status, 400, "{operation:?}");
            } else if is_stranger && operation.guard != Guard::Public && kind != "absent" {
                assert_eq!(status, 401, "{kind} {operation:?}");
            }
        }
    }
}

fn request(
    host: &str,
    operation: &Operation,
    token: Option<&String>,
    length: &str,
    body: &str,
) -> String {
    let path: Vec<&str> = operation
        .path
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "00000000-0000-4000-8000-000000000001"
            } else {
                segment
            }
        })
        .collect();
    let media_type = match operation.takes {
        Takes::Nothing => String::new(),
        takes => takes
            .media_type()
            .map_or(String::new(), |it| format!("content-type: {it}\r\n")),
    };
    let authorization = token.map_or(String::new(), |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    format!(
        "{} {} HTTP/1.1\r\nhost: {host}\r\n{media_type}{authorization}{length}\r\n{body}",
        operation.method,
        path.join("/")
    )
}
