use axum::http::{HeaderMap, HeaderValue, header};
use stepgate_http::cookies::session_tokens;

/// How many values of one request are looked at.
const MOST: usize = 16;

/// A session's token is the whole value of one of its cookies, each once and no more of them than
/// are looked at; the browser's own come before those of flows. Each line is one of the header's.
pub fn cookies(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    let tokens = session_tokens(&headers);
    let tokens: Vec<&str> = tokens.iter().map(|token| token.expose().as_str()).collect();
    assert_eq!(tokens, expected(&headers));
}

fn expected(headers: &HeaderMap) -> Vec<String> {
    let mut own = Vec::new();
    let mut of_flows = Vec::new();
    for line in headers.get_all(header::COOKIE) {
        // A header that is no text has no cookies of ours.
        let Ok(line) = line.to_str() else { continue };
        for pair in line.split(';') {
            let mut halves = pair.splitn(2, '=').map(str::trim);
            let (Some(name), Some(value)) = (halves.next(), halves.next()) else {
                continue;
            };
            match name {
                _ if value.is_empty() => {}
                "ST" | "ST-NO-SS" => own.push(value.to_owned()),
                name if name.starts_with("ST-") => of_flows.push(value.to_owned()),
                _ => {}
            }
        }
    }
    own.extend(of_flows);
    let mut once: Vec<String> = Vec::new();
    for value in own {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once.truncate(MOST);
    once
}
