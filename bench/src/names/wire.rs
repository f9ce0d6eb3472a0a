//! One kept connection, over which each answer is timed and kept as it came.

use std::time::{Duration, Instant};

use anyhow::Context;
use http::{HeaderMap, Request, header};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

#[derive(Debug)]
pub(super) struct Wire {
    sender: SendRequest<String>,
    host: String,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) sent_at: Instant,
    /// Until all of it was read.
    pub(super) took: Duration,
}

/// What to ask: the client of `requests` says it, this sends it.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) request: stepgate_client::Request,
    /// The client's address, as a trusted proxy tells it.
    pub(super) from: &'a str,
}

impl Wire {
    /// `base` as the server's `base()`.
    pub(super) async fn connect(base: &str) -> anyhow::Result<Self> {
        let host = base
            .strip_prefix("http://")
            .context("no plain HTTP")?
            .to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host })
    }

    pub(super) async fn send(&mut self, ask: Ask<'_>) -> anyhow::Result<Answer> {
        let Ask { request, from } = ask;
        let mut builder = Request::builder()
            .method(request.method)
            .uri(request.path)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT, "application/json, text/html")
            .header("sec-fetch-site", "same-origin")
            .header("x-forwarded-for", from);
        if let Some(cookie) = request.cookie {
            builder = builder.header(header::COOKIE, cookie);
        }
        let (media_type, body) = request.body.unzip();
        if let Some(media_type) = media_type {
            builder = builder.header(header::CONTENT_TYPE, media_type);
        }
        let request = builder.body(body.unwrap_or_default())?;
        self.sender.ready().await?;
        let sent_at = Instant::now();
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let took = sent_at.elapsed();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into(),
            sent_at,
            took,
        })
    }
}
