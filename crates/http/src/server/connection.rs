//! One connection, from the handshake to the last byte.

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::{
    Stage,
    life::{Late, Life},
    limits::Limits,
    refusals::{Refusal, Refusals},
    requests::Requests,
    seats::Seat,
    transport::Transport,
};

/// The longest head of a request, and what is read of a body at once.
const HEAD: u32 = 32 * 1024;
/// What an HTTP/2 client may send of bodies that nobody has asked for yet.
const WINDOW: u32 = 64 * 1024 - 1;
/// Requests at once on one HTTP/2 connection.
const STREAMS: u32 = 100;
/// Streams that a client took back before they were looked at, or made us take back, until it is
/// taken for one that means no good.
const RESETS: usize = 20;
/// How often a silent HTTP/2 client is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// How long a client that was told of the end may take to go.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the rest of a body is thrown away after the answer: a socket that is closed over unread
/// bytes takes the answer with it.
const LINGER: Duration = Duration::from_secs(5);
/// How long a connection with nothing to wait for is left unlooked at.
const LOOK: Duration = Duration::from_mins(1);
/// Who connected when the server was asked to stop has as long to ask.
const FIRST_WORD: Duration = Duration::from_secs(1);

const REQUEST_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a connection is given.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) limits: Arc<Limits>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) _seat: Seat,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By either side, with all that was under way answered.
    Whole,
    /// The transport failed, or what came was no HTTP.
    Broken,
    Late(Late),
    /// The grace of a stopping server is over.
    Cut,
}

impl Connection {
    /// HTTP/1.1 without TLS.
    pub(super) async fn plain(self, socket: TcpStream) {
        let life = Arc::new(Life::new(self.limits.clone()));
        let transport = Transport::new(socket, life.clone());
        self.http1(transport, life).await;
    }

    /// What the client chose by ALPN.
    pub(super) async fn secured(mut self, socket: TcpStream, acceptor: TlsAcceptor) {
        let life = Arc::new(Life::new(self.limits.clone()));
        let handshake = acceptor.accept(Transport::new(socket, life.clone()));
        let stream = tokio::select! {
            stream = timeout(self.limits.headers, handshake) => stream,
            () = reached(&mut self.stage, Stage::Ended) => return,
        };
        let Ok(Ok(stream)) = stream else {
            self.refusals.note(Refusal::Handshake, self.peer.ip());
            return;
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            // Large, and not for everybody.
            Box::pin(self.http2(stream, life)).await;
        } else {
            self.http1(stream, life).await;
        }
    }

    async fn http1(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        life: Arc<Life>,
    ) {
        life.open(false);
        let mut conversation = http1::Builder::new()
            .half_close(true)
            .header_read_timeout(None)
            .max_buf_size(HEAD as usize)
            .serve_connection(TokioIo::new(stream), self.requests(&life));
        let end = drive(&mut conversation, &life, &mut self.stage).await;
        self.note(end);
        let mut stream = conversation.into_parts().io.into_inner();
        let last_words = async {
            if end == End::Late(Late::Head) && life.has_half_a_head() {
                stream.write_all(REQUEST_TIMEOUT).await?;
                stream.shutdown().await?;
            } else if end != End::Whole {
                return Ok(());
            }
            let mut thrown_away = vec![0; 8 * 1024];
            while stream.read(&mut thrown_away).await? > 0 {}
            std::io::Result::Ok(())
        };
        // Whatever becomes of it, the connection is over.
        tokio::select! {
            _ = timeout(LINGER, last_words) => {}
            () = reached(&mut self.stage, Stage::Ended) => {}
        }
    }

    async fn http2(
        mut self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        life: Arc<Life>,
    ) {
        life.open(true);
        let mut conversation = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_pending_accept_reset_streams(RESETS)
            .max_local_error_reset_streams(RESETS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(FAREWELL)
            .serve_connection(TokioIo::new(stream), self.requests(&life));
        let end = drive(&mut conversation, &life, &mut self.stage).await;
        self.note(end);
    }

    fn requests(&self, life: &Arc<Life>) -> Requests {
        Requests {
            router: self.router.clone(),
            peer: self.peer,
            life: life.clone(),
        }
    }

    fn note(&self, end: End) {
        let refusal = match end {
            End::Whole | End::Broken | End::Late(Late::Idle) => return,
            End::Late(Late::Head) => Refusal::Headers,
            End::Late(Late::Write) => Refusal::Write,
            End::Cut => Refusal::Stopping,
        };
        self.refusals.note(refusal, self.peer.ip());
    }
}

/// Returns when the server is that far, or gone.
pub(super) async fn reached(stage: &mut watch::Receiver<Stage>, wanted: Stage) {
    // Without a sender there is no server any more.
    let _ = stage.wait_for(|stage| *stage >= wanted).await;
}

/// Lets the client and the router speak until one of them ends it, the client is late, or the server
/// stops.
async fn drive<C: GracefulConnection + Unpin>(
    conversation: &mut C,
    life: &Life,
    stage: &mut watch::Receiver<Stage>,
) -> End {
    let mut stage_again = stage.clone();
    let mut stopping = pin!(reached(&mut stage_again, Stage::Stopping));
    let mut ended = pin!(reached(stage, Stage::Ended));
    let mut alarm = pin!(sleep_until(Instant::now()));
    // Until when a client that connected before the server was to stop may ask for something.
    let mut first_word = None;
    let mut farewell: Option<Farewell> = None;
    poll_fn(|cx| {
        loop {
            if first_word.is_none() && stopping.as_mut().poll(cx).is_ready() {
                first_word = Some(Instant::now() + FIRST_WORD);
            }
            if first_word.is_some() && ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::Cut);
            }
            if farewell.is_none() && first_word.is_some_and(|until| !life.may_ask(until)) {
                farewell = Some(Farewell::say(conversation, life));
            }
            if let Poll::Ready(result) = Pin::new(&mut *conversation).poll(cx) {
                return Poll::Ready(match (result, &farewell) {
                    (Err(_), _) => End::Broken,
                    (Ok(()), Some(farewell)) if farewell.was_idle => End::Late(Late::Idle),
                    (Ok(()), _) => End::Whole,
                });
            }
            if farewell.is_none() && first_word.is_some_and(|until| !life.may_ask(until)) {
                continue;
            }
            let due = match &farewell {
                Some(farewell) if life.is_quiet() => Some((farewell.until, Late::Idle)),
                _ => life.due(),
            };
            let first_word = first_word.filter(|_| farewell.is_none() && life.is_fresh());
            let due = due
                .into_iter()
                .chain(first_word.map(|until| (until, Late::Idle)))
                .min_by_key(|(at, _)| *at);
            // What another task ends does not wake this one, so it never sleeps for good.
            let look = due.map_or_else(|| Instant::now() + LOOK, |(at, _)| at);
            if alarm.is_elapsed() || look < alarm.deadline() {
                alarm.as_mut().reset(look);
            }
            ready!(alarm.as_mut().poll(cx));
            match due {
                Some((at, late)) if at <= Instant::now() => {
                    if late != Late::Idle || farewell.is_some() {
                        return Poll::Ready(End::Late(late));
                    }
                    farewell = Some(Farewell::say(conversation, life));
                }
                _ => {}
            }
        }
    })
    .await
}

/// The client was told that the connection ends.
struct Farewell {
    until: Instant,
    /// Nothing was under way.
    was_idle: bool,
}

impl Farewell {
    fn say<C: GracefulConnection + Unpin>(conversation: &mut C, life: &Life) -> Self {
        Pin::new(conversation).graceful_shutdown();
        Self {
            until: Instant::now() + FAREWELL,
            was_idle: life.is_quiet(),
        }
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
