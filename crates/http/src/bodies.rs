//! Bodies of requests: read when somebody wants them, within their time, and never more of them at
//! once than there is room for.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use tokio::time::timeout;

use crate::{error::management::ApiError, server::Limits};

/// Who sends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The caller's token was judged.
    Known,
    /// Anybody. All of them together have half of the room, so that they keep nobody else out.
    Stranger,
}

/// The room for bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    within: Duration,
    room: usize,
    taken: AtomicUsize,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            within: limits.body,
            room: limits.bodies,
            taken: AtomicUsize::new(0),
        }
    }

    /// Reads a body to its end.
    pub(crate) async fn read(
        self: &Arc<Self>,
        body: &mut RequestBody,
        maximum: usize,
        sender: Sender,
    ) -> Result<Held, ApiError> {
        let mut held = Held {
            bytes: Bytes::new(),
            bodies: self.clone(),
            taken: 0,
        };
        if body.is_over {
            return Ok(held);
        }
        let least = usize::try_from(body.body.size_hint().lower()).unwrap_or(usize::MAX);
        if least > maximum {
            return Err(ApiError::TooLarge { maximum });
        }
        match timeout(self.within, held.fill(body, maximum, sender)).await {
            Ok(filled) => filled.map(|()| held),
            Err(_) => Err(ApiError::Late),
        }
    }

    fn take(&self, bytes: usize, sender: Sender) -> Result<(), ApiError> {
        let room = match sender {
            Sender::Known => self.room,
            Sender::Stranger => self.room / 2,
        };
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                taken.checked_add(bytes).filter(|taken| *taken <= room)
            })
            .map(drop)
            .map_err(|_| ApiError::NoRoom)
    }
}

/// The body of a request, as far as it has come.
#[derive(Debug)]
pub(crate) struct RequestBody {
    body: Body,
    is_over: bool,
}

impl RequestBody {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            is_over: body.is_end_stream(),
            body,
        }
    }

    /// Whether nothing of it is left to come.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether it may turn out to be empty: the client has not said how long it is.
    pub(crate) fn may_be_empty(&self) -> bool {
        self.is_over || (self.body.size_hint().lower() == 0)
    }
}

/// A body in memory, whose room is free again when this goes.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    bodies: Arc<Bodies>,
    taken: usize,
}

impl Held {
    async fn fill(
        &mut self,
        body: &mut RequestBody,
        maximum: usize,
        sender: Sender,
    ) -> Result<(), ApiError> {
        let mut several = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body.body).poll_frame(cx)).await {
            // Cut off, or no chunk where one was due.
            let frame = frame.map_err(|_| ApiError::MalformedBody)?;
            let Ok(part) = frame.into_data() else {
                continue;
            };
            if part.len() > maximum - self.taken {
                return Err(ApiError::TooLarge { maximum });
            }
            self.bodies.take(part.len(), sender)?;
            self.taken += part.len();
            if self.bytes.is_empty() && several.is_empty() {
                // Most bodies are one part, which is not copied.
                self.bytes = part;
            } else {
                if several.is_empty() {
                    several.extend_from_slice(&std::mem::take(&mut self.bytes));
                }
                several.extend_from_slice(&part);
            }
        }
        if !several.is_empty() {
            self.bytes = several.into();
        }
        body.is_over = true;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.bodies.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use http_body::{Frame, SizeHint};

    use super::*;

    fn bodies(room: usize) -> Arc<Bodies> {
        Arc::new(Bodies::new(&Limits {
            bodies: room,
            ..Limits::default()
        }))
    }

    /// A body of these parts, of which more is to come or not.
    struct Parts(Vec<&'static [u8]>, bool);

    impl HttpBody for Parts {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            match (self.0.is_empty(), self.1) {
                (false, _) => {
                    let part = Bytes::from_static(self.0.remove(0));
                    Poll::Ready(Some(Ok(Frame::data(part))))
                }
                (true, true) => Poll::Pending,
                (true, false) => Poll::Ready(None),
            }
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::default()
        }
    }

    fn body(parts: &[&'static [u8]], is_endless: bool) -> RequestBody {
        RequestBody::new(Body::new(Parts(parts.to_vec(), is_endless)))
    }

    #[tokio::test]
    async fn strangers_leave_room_for_others_and_what_goes_makes_room() {
        let bodies = bodies(8);
        let read = async |text: &'static [u8], sender| {
            let mut body = body(&[text], false);
            bodies.read(&mut body, 100, sender).await
        };
        let first = read(b"abc", Sender::Stranger).await.unwrap();
        assert!(matches!(
            read(b"de", Sender::Stranger).await,
            Err(ApiError::NoRoom)
        ));
        let second = read(b"defgh", Sender::Known).await.unwrap();
        assert!(matches!(
            read(b"i", Sender::Known).await,
            Err(ApiError::NoRoom)
        ));
        drop((first, second));
        assert_eq!(read(b"abcd", Sender::Stranger).await.unwrap().bytes, "abcd");
    }

    #[tokio::test]
    async fn parts_make_a_whole() {
        let bodies = bodies(100);
        let mut parts = body(&[b"ab", b"", b"cd", b"e"], false);
        let held = bodies.read(&mut parts, 5, Sender::Stranger).await.unwrap();
        assert_eq!(
            (held.bytes.as_ref(), parts.is_over()),
            (&b"abcde"[..], true)
        );
        let mut large = body(&[b"ab", b"cd"], false);
        assert!(matches!(
            bodies.read(&mut large, 3, Sender::Stranger).await,
            Err(ApiError::TooLarge { maximum: 3 })
        ));
        assert!(!large.is_over());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_late_and_takes_no_room() {
        let bodies = bodies(4);
        let mut slow = body(&[b"ab"], true);
        assert!(matches!(
            bodies.read(&mut slow, 100, Sender::Stranger).await,
            Err(ApiError::Late)
        ));
        assert_eq!(bodies.taken.load(Ordering::Relaxed), 0);
    }
}
