//! URIs that clients write down and browsers follow.

use url::{Host, Url};

/// Schemes that a browser executes, or that show what is here as if it were from elsewhere.
const EXECUTED: [&str; 11] = [
    "about",
    "blob",
    "data",
    "feed",
    "file",
    "filesystem",
    "jar",
    "javascript",
    "mhtml",
    "vbscript",
    "view-source",
];

/// An absolute URI that hides nothing from who reads it.
pub fn parse(text: &str) -> Result<Url, &'static str> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("must not have blanks, backslashes or control characters");
    }
    let url = Url::parse(text).map_err(|_| "must be an absolute URI")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have user information");
    }
    if EXECUTED.contains(&url.scheme()) {
        return Err("must not have this scheme");
    }
    Ok(url)
}

/// A page that people are led to: encrypted, or on this very machine.
pub fn parse_page(text: &str) -> Result<Url, &'static str> {
    let url = parse(text)?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err("must be an https URL, or an http URL of localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_execute_or_misread_is_refused() {
        for text in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "view-source:https://a.test/",
            "filesystem:https://a.test/temporary/x",
            "jar:https://a.test/x!/y",
            "blob:https://a.test/x",
            "file:///etc/passwd",
            "https://mira@a.test/",
            "https://mira:secret@a.test/",
            "https://a.test/\r\nSet-Cookie: x=1",
            "https://a.test/\0",
            "https://a.test\\@b.test/",
            " https://a.test/",
            "java\tscript:alert(1)",
            "/cb",
            "",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for text in [
            "https://a.test/cb?x=1",
            "http://127.0.0.1:8080/",
            "com.myapp.app://target",
            "myapp:/cb",
            "https://bücher.example/",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_page_is_encrypted_or_on_this_machine() {
        for text in [
            "https://a.test/login",
            "http://localhost/login",
            "http://localhost:3000",
            "http://127.0.0.1:3000/login",
            "http://[::1]/login",
        ] {
            assert!(parse_page(text).is_ok(), "{text}");
        }
        for text in [
            "http://a.test/login",
            "http://localhost.a.test/",
            "ftp://a.test/",
            "com.myapp.app://target",
        ] {
            assert!(parse_page(text).is_err(), "{text}");
        }
    }
}
