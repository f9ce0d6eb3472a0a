use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, Uri, header},
};
use serde_json::Value;

use crate::server::{Answer, HOST, Server, server};

/// The largest bodies, of strangers and of those whose token was judged.
const OF_STRANGERS: usize = 64 * 1024;
const OF_CALLERS: usize = 1024 * 1024;
/// The largest body that is made.
const LARGEST: usize = 2 * OF_CALLERS;

/// Whatever is sent, the server answers in order: no internal error, the headers that every answer
/// has, JSON that is JSON, nothing for a body that is too large, and nobody's cookie. The input is a
/// request as HTTP/1.1 writes it. Names in braces stand for what only this server knows, and a body
/// that begins with a number and `*` is repeated so often.
pub fn request(data: &[u8]) {
    let Some((request, sent)) = parsed(server(), data) else {
        return;
    };
    let method = request.method().clone();
    let is_known = request.headers().contains_key(header::AUTHORIZATION);
    let answer = server().answer(request);
    judge(&answer);
    if answer.status.is_success() && method != Method::OPTIONS {
        assert!(sent <= if is_known { OF_CALLERS } else { OF_STRANGERS });
    }
}

fn judge(answer: &Answer) {
    let Answer {
        status,
        headers,
        body,
    } = answer;
    assert!(
        !status.is_server_error(),
        "{status}: {}",
        String::from_utf8_lossy(body)
    );
    for name in [
        "correlation-id",
        "x-content-type-options",
        "referrer-policy",
        "cache-control",
    ] {
        assert!(headers.contains_key(name), "{status} without {name}");
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default());
    if media_type.is_some_and(|name| name.contains("json")) && !body.is_empty() {
        assert!(serde_json::from_slice::<Value>(body).is_ok());
    }
    if !status.is_success() && !status.is_redirection() {
        let cookies = headers.get_all(header::SET_COOKIE).iter();
        assert_eq!(cookies.count(), 0, "{status} with a cookie");
    }
    if let Some(location) = headers.get(header::LOCATION) {
        let location = location.to_str().expect("is text");
        let ours = format!("https://{HOST}/");
        let is_known = [ours.as_str(), "https://app.example.test/cb", "/"]
            .iter()
            .any(|place| location.starts_with(place));
        assert!(is_known, "leads to {location}");
    }
}

fn parsed(server: &Server, data: &[u8]) -> Option<(Request, usize)> {
    let at = data
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .unwrap_or(data.len());
    let (head, body) = data.split_at(at);
    let head = filled_in(server, std::str::from_utf8(head).ok()?);
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::try_from(target).ok()?;
    // An environment made by each input would fill the store.
    let may_administer =
        [Method::GET, Method::HEAD, Method::PATCH, Method::OPTIONS].contains(&method);
    *request.method_mut() = method;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if name != header::AUTHORIZATION || may_administer {
            let value = HeaderValue::from_str(value.trim()).ok()?;
            request.headers_mut().append(name, value);
        }
    }
    let body = repeated(server, body.get(2..).unwrap_or_default());
    let sent = body.len();
    *request.body_mut() = Body::from(body);
    Some((request, sent))
}

fn repeated(server: &Server, body: &[u8]) -> Vec<u8> {
    let count = body
        .split(|byte| *byte == b'*')
        .next()
        .and_then(|count| std::str::from_utf8(count).ok())
        .filter(|count| body.len() > count.len() && !count.is_empty());
    if let Some((times, text)) = count.and_then(|count| {
        let times = count.parse::<usize>().ok()?;
        Some((times, body.get(count.len() + 1..)?))
    }) {
        let times = times.min(LARGEST / text.len().max(1));
        return text.repeat(times);
    }
    match std::str::from_utf8(body) {
        Ok(text) => filled_in(server, text).into_bytes(),
        Err(_) => body.to_owned(),
    }
}

fn filled_in(server: &Server, text: &str) -> String {
    text.replace("{environment}", &server.environment)
        .replace("{client}", &server.client)
        .replace("{user}", &server.user)
        .replace("{flow}", &server.flow)
        .replace("{cookie}", &server.cookie)
        .replace("{token}", &server.token)
}
