//! The life of connections: taken, watched, ended.
//!
//! Nothing here waits for a client without an end. `axum::serve` and the server of hyper leave that to
//! whoever owns the connections (docs/adr/0008).

mod connection;
mod life;
mod limits;
mod refusals;
mod requests;
mod seats;
mod tls;
mod transport;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::spawn_blocking,
    time::{Instant, interval, sleep, timeout},
};

pub use limits::Limits;
pub use tls::{Certificate, Files, PairError};

use connection::{Connection, reached};
use refusals::{PERIOD, Refusals};
use seats::Seats;

/// How long no connection is taken after the system had none to give.
const PAUSE: Duration = Duration::from_millis(250);

/// How far the server is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    /// What is under way is finished.
    Stopping,
    /// Nothing is.
    Ended,
}

/// A server that answers. Without this value it ends at once.
#[derive(Debug)]
pub struct Server {
    stage: watch::Sender<Stage>,
    limits: Arc<Limits>,
    refusals: Arc<Refusals>,
}

/// What every connection of a server shares.
#[derive(Debug, Clone)]
struct Shared {
    router: Router,
    limits: Arc<Limits>,
    seats: Arc<Seats>,
    refusals: Arc<Refusals>,
    certificate: Option<Arc<Certificate>>,
    stage: watch::Receiver<Stage>,
}

impl Server {
    /// Answers at all of these, with TLS if there is a certificate.
    pub fn start(
        listeners: Vec<TcpListener>,
        router: Router,
        limits: Limits,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        let limits = Arc::new(limits);
        let refusals = Arc::new(Refusals::default());
        let (sender, stage) = watch::channel(Stage::Serving);
        let shared = Shared {
            router,
            seats: Arc::new(Seats::new(limits.clone())),
            limits: limits.clone(),
            refusals: refusals.clone(),
            certificate,
            stage,
        };
        for listener in listeners {
            tokio::spawn(shared.clone().accept(listener));
        }
        tokio::spawn(shared.keep_books());
        Self {
            stage: sender,
            limits,
            refusals,
        }
    }

    /// Takes no new connection, finishes what is under way within the grace, and closes the rest.
    pub async fn stop(self) {
        self.stage.send_replace(Stage::Stopping);
        if timeout(self.limits.grace, self.stage.closed())
            .await
            .is_err()
        {
            self.stage.send_replace(Stage::Ended);
            self.stage.closed().await;
        }
        self.refusals.write_sums();
    }
}

impl Shared {
    async fn accept(self, listener: TcpListener) {
        let mut stage = self.stage.clone();
        let mut told = None;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = reached(&mut stage, Stage::Stopping) => break,
            };
            match accepted {
                Ok((socket, peer)) => self.take(socket, peer),
                Err(error) if is_of_one_connection(&error) => {}
                // Out of descriptors or memory: trying again at once would not help.
                Err(error) => {
                    if told.is_none_or(|told: Instant| told.elapsed() >= PERIOD) {
                        tracing::error!(%error, "no connection can be taken");
                        told = Some(Instant::now());
                    }
                    sleep(PAUSE).await;
                }
            }
        }
        // The system has greeted these clients already.
        if let Err(error) = self.take_the_waiting(listener) {
            tracing::warn!(%error, "connections that waited were not taken");
        }
    }

    fn take_the_waiting(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    socket.set_nonblocking(true)?;
                    self.take(TcpStream::from_std(socket)?, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&self, socket: TcpStream, peer: SocketAddr) {
        let seat = match self.seats.take(peer.ip()) {
            Ok(seat) => seat,
            Err(refusal) => return self.refusals.note(refusal, peer.ip()),
        };
        // An answer is written whole, so nothing is gained by waiting for more of it.
        let _ = socket.set_nodelay(true);
        let connection = Connection {
            router: self.router.clone(),
            peer,
            limits: self.limits.clone(),
            refusals: self.refusals.clone(),
            stage: self.stage.clone(),
            _seat: seat,
        };
        match &self.certificate {
            None => drop(tokio::spawn(connection.plain(socket))),
            Some(certificate) => {
                drop(tokio::spawn(
                    connection.secured(socket, certificate.acceptor()),
                ));
            }
        }
    }

    /// Sees to what comes round again: the sums of what was refused, and a changed certificate.
    async fn keep_books(mut self) {
        let mut sums = interval(PERIOD);
        let mut files = interval(tls::PERIOD);
        let certificate = self.certificate.take();
        loop {
            tokio::select! {
                _ = sums.tick() => self.refusals.write_sums(),
                _ = files.tick() => {
                    if let Some(certificate) = certificate.clone() {
                        // Files may lie on a disk that is far away.
                        drop(spawn_blocking(move || certificate.reload_if_changed()).await);
                    }
                }
                () = reached(&mut self.stage, Stage::Stopping) => return,
            }
        }
    }
}

/// Whether only the connection that was to be taken is at fault.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
