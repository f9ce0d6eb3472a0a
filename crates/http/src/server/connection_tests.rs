//! The life of one connection, on a clock that stands still until everybody waits.

use axum::routing::{get, post};
use tokio::{
    io::{DuplexStream, duplex},
    task::JoinHandle,
    time::{advance, sleep},
};

use super::*;
use crate::server::seats::Seats;

const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: here\r\n\r\n";
/// More than any buffer between the two holds.
const LARGE: usize = 200_000;

/// The client's end of a connection, and the server's stage.
struct Client {
    stream: DuplexStream,
    stage: watch::Sender<Stage>,
    server: JoinHandle<()>,
    since: Instant,
}

fn router() -> Router {
    let slow = || async {
        sleep(Duration::from_secs(100)).await;
        "at last"
    };
    Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/slow", get(slow))
        .route("/large", get(|| async { "x".repeat(LARGE) }))
        .route("/unread", post(|| async { "not for me" }))
}

fn connect() -> Client {
    connect_with(|connection, socket, life| Box::pin(connection.http1(socket, life)))
}

fn connect_http2() -> Client {
    connect_with(|connection, socket, life| Box::pin(connection.http2(socket, life)))
}

type Course = Pin<Box<dyn Future<Output = ()> + Send>>;

fn connect_with(
    serve: impl FnOnce(Connection, Transport<DuplexStream>, Arc<Life>) -> Course,
) -> Client {
    let limits = Arc::new(Limits::default());
    let (stage, watched) = watch::channel(Stage::Serving);
    let (stream, socket) = duplex(1024);
    let seats = Arc::new(Seats::new(limits.clone()));
    let peer = ([192, 0, 2, 1], 1).into();
    let connection = Connection {
        router: router(),
        peer,
        limits,
        refusals: Arc::new(Refusals::default()),
        stage: watched,
        _seat: seats.take(peer.ip()).unwrap(),
    };
    let life = Arc::new(Life::new(connection.limits.clone()));
    let socket = Transport::new(socket, life.clone());
    Client {
        stream,
        stage,
        server: tokio::spawn(serve(connection, socket, life)),
        since: Instant::now(),
    }
}

impl Client {
    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// What comes until it ends with this.
    async fn expect(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = self.stream.read_u8().await.unwrap();
            text.push(char::from(byte));
        }
        text
    }

    /// What comes until the server closes, and how many seconds after the start that is.
    async fn until_closed(&mut self) -> (String, u64) {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).await.unwrap();
        (text, self.since.elapsed().as_secs())
    }

    fn stage(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_sent_is_closed_without_a_word() {
    assert_eq!(connect().until_closed().await, (String::new(), 10));
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_answered_408() {
    for half in [
        "G",
        "GET /hello HT",
        "GET /hello HTTP/1.1\r\nhost: he",
        "GET /hello HTTP/1.1\r\nhost: here\r\n",
    ] {
        let mut client = connect();
        client.send(half).await;
        let (said, after) = client.until_closed().await;
        assert!(said.starts_with("HTTP/1.1 408 "), "{half:?} {said:?}");
        assert!(said.contains("connection: close"), "{said:?}");
        assert_eq!(after, 10, "{half:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_in_gets_no_more_time() {
    let mut client = connect();
    client.send(HELLO).await;
    client.expect("hello").await;
    advance(Duration::from_secs(40)).await;
    for _ in 0..9 {
        client.send("G").await;
        sleep(Duration::from_secs(1)).await;
    }
    let (said, after) = client.until_closed().await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said:?}");
    assert_eq!(after, 50);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_its_time() {
    let mut client = connect();
    client.send(HELLO).await;
    client.expect("hello").await;
    sleep(Duration::from_secs(59)).await;
    client.send(HELLO).await;
    client.expect("hello").await;
    assert_eq!(client.until_closed().await, (String::new(), 119));
}

#[tokio::test(start_paused = true)]
async fn our_own_time_is_not_counted() {
    let mut client = connect();
    client
        .send("GET /slow HTTP/1.1\r\nhost: here\r\n\r\n")
        .await;
    client.expect("at last").await;
    assert_eq!(client.since.elapsed().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_given_up() {
    let mut client = connect();
    client
        .send("GET /large HTTP/1.1\r\nhost: here\r\n\r\n")
        .await;
    client.server.await.unwrap();
    assert_eq!(client.since.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_moves_is_not_given_up() {
    let mut client = connect();
    client
        .send("GET /large HTTP/1.1\r\nhost: here\r\n\r\n")
        .await;
    let mut part = vec![0; 20_000];
    let mut taken = 0;
    while taken < LARGE {
        sleep(Duration::from_secs(29)).await;
        let read = client.stream.read(&mut part).await.unwrap();
        assert!(read > 0, "given up after {taken} bytes");
        taken += read;
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_an_unread_body_is_thrown_away_for_a_moment() {
    let mut client = connect();
    client
        .send("POST /unread HTTP/1.1\r\nhost: here\r\ncontent-length: 1000000\r\n\r\n")
        .await;
    client.expect("not for me").await;
    // A client that writes first and reads later gets its answer all the same.
    for _ in 0..100 {
        client.send(&"x".repeat(1000)).await;
    }
    client.server.await.unwrap();
    assert_eq!(client.since.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_closes_what_is_idle_at_once() {
    let mut client = connect();
    client.send(HELLO).await;
    client.expect("hello").await;
    client.stage(Stage::Stopping);
    assert_eq!(client.until_closed().await, (String::new(), 0));
    client.server.await.unwrap();
    assert_eq!(client.since.elapsed().as_secs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_answers_who_had_connected() {
    let mut client = connect();
    client.stage(Stage::Stopping);
    sleep(Duration::from_millis(900)).await;
    client.send(HELLO).await;
    let (said, _) = client.until_closed().await;
    assert!(
        said.starts_with("HTTP/1.1 200 ") && said.ends_with("hello"),
        "{said:?}"
    );
    let mut silent = connect();
    silent.stage(Stage::Stopping);
    assert_eq!(silent.until_closed().await, (String::new(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_lets_half_a_request_become_whole() {
    let mut client = connect();
    client.send(HELLO).await;
    client.expect("hello").await;
    let (first, second) = HELLO.split_at(20);
    client.send(first).await;
    sleep(Duration::from_millis(1)).await;
    client.stage(Stage::Stopping);
    sleep(Duration::from_secs(9)).await;
    client.send(second).await;
    let (said, _) = client.until_closed().await;
    assert!(said.ends_with("hello"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn an_ended_server_cuts_what_is_under_way() {
    for sent in [
        "",
        "GET /hello HT",
        "GET /slow HTTP/1.1\r\nhost: here\r\n\r\n",
        "GET /large HTTP/1.1\r\nhost: here\r\n\r\n",
    ] {
        let mut client = connect();
        client.send(sent).await;
        sleep(Duration::from_millis(1)).await;
        client.stage(Stage::Stopping);
        sleep(Duration::from_millis(1)).await;
        client.stage(Stage::Ended);
        client.server.await.unwrap();
        assert_eq!(client.since.elapsed().as_secs(), 0, "{sent:?}");
    }
}

mod http2 {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn streams_are_answered_and_an_idle_connection_is_closed() {
        let client = connect_http2();
        let (mut requests, connection) = h2::client::handshake(client.stream).await.unwrap();
        let connection = tokio::spawn(connection);
        for _ in 0..3 {
            let (answer, _) = requests.send_request(asked("/hello"), true).unwrap();
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        connection.await.unwrap().unwrap();
        assert_eq!(client.since.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_no_stream_takes_is_given_up() {
        let client = connect_http2();
        let (mut requests, connection) = h2::client::Builder::new()
            .initial_window_size(100)
            .handshake::<_, axum::body::Bytes>(client.stream)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let (answer, _) = requests.send_request(asked("/large"), true).unwrap();
        let answer = answer.await.unwrap();
        client.server.await.unwrap();
        assert_eq!(client.since.elapsed().as_secs(), 30);
        drop((answer, connection));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_arrives_whole() {
        let client = connect_http2();
        let (mut requests, connection) = h2::client::handshake(client.stream).await.unwrap();
        tokio::spawn(connection);
        let (answer, _) = requests.send_request(asked("/large"), true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["content-length"], LARGE.to_string());
        let mut body = answer.into_body();
        let mut taken = 0;
        while let Some(part) = body.data().await {
            let part = part.unwrap();
            taken += part.len();
            body.flow_control().release_capacity(part.len()).unwrap();
        }
        assert_eq!(taken, LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_its_requests_back_is_sent_away() {
        let client = connect_http2();
        let (mut from_server, mut to_server) = tokio::io::split(client.stream);
        let asking = async move {
            to_server
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                .await?;
            to_server.write_all(&frame(4, 0, 0, &[])).await?;
            for stream in (1..2_000).step_by(2) {
                // GET, https, the path, the authority; taken back in the same breath.
                let head = b"\x82\x87\x04\x05/slow\x01\x04here";
                let mut both = frame(1, 0b101, stream, head);
                both.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
                to_server.write_all(&both).await?;
            }
            std::io::Result::Ok(())
        };
        let reading = async move {
            let mut head = [0; 9];
            loop {
                from_server.read_exact(&mut head).await.unwrap();
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; length as usize];
                from_server.read_exact(&mut payload).await.unwrap();
                if head[3] == 7 {
                    return payload[4..8].to_vec();
                }
            }
        };
        let (_, reason) = tokio::join!(asking, reading);
        // ENHANCE_YOUR_CALM
        assert_eq!(reason, 11_u32.to_be_bytes());
    }

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    fn asked(path: &str) -> axum::http::Request<()> {
        let request = axum::http::Request::get(format!("https://here{path}"));
        request.body(()).unwrap()
    }
}
