//! The requests of one connection, handed to the router.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{ConnectInfo, Request},
    http::{HeaderValue, Response, header},
    routing::future::RouteFuture,
};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tower::Service;

use super::life::{Life, UnderWay};

/// How much of an answer is handed over at once on a connection that several share: what waits there
/// for a slow client is out of our hands.
const PART: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Requests {
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) life: Arc<Life>,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let under_way = UnderWay::begin(&self.life);
        let mut request = request.map(Body::new);
        name_the_host(&mut request);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answering {
            answer: self.router.clone().call(request),
            under_way: Some(under_way),
        }
    }
}

/// HTTP/2 says in `:authority` what HTTP/1.1 says in `Host`. Who sends both and means two hosts has
/// sent two.
fn name_the_host(request: &mut Request) {
    if request.version() != axum::http::Version::HTTP_2 {
        return;
    }
    let authority = request.uri().authority();
    let Some(host) = authority.and_then(|it| HeaderValue::from_str(it.as_str()).ok()) else {
        return;
    };
    if request.headers().get(header::HOST) != Some(&host) {
        request.headers_mut().append(header::HOST, host);
    }
}

pub(super) struct Answering {
    answer: RouteFuture<Infallible>,
    under_way: Option<UnderWay>,
}

impl Future for Answering {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(cx))?;
        let mut under_way = self.under_way.take();
        if let Some(under_way) = &mut under_way {
            under_way.answer_moves();
        }
        Poll::Ready(Ok(response.map(|body| Answer {
            body,
            rest: Bytes::new(),
            under_way,
        })))
    }
}

/// The body of an answer. When it goes, the request is answered.
#[derive(Debug)]
pub(super) struct Answer {
    body: Body,
    /// What was taken from the body and not yet handed over.
    rest: Bytes,
    under_way: Option<UnderWay>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut data = std::mem::take(&mut self.rest);
        if data.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(taken) => data = taken,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        if let Some(under_way) = &mut self.under_way {
            under_way.answer_moves();
            if data.len() > PART && under_way.is_multiplexed() {
                let part = data.split_to(PART);
                self.rest = data;
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or_default();
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(body.lower() + rest);
        hint
    }
}
