//! `If-Match` (RFC 9110 §13.1.1): which versions of an object a client would change.

use axum::http::{HeaderMap, header};

/// The versions that the header lists, on however many lines; none when it is absent or asks for any.
/// Comparison is strong: a weak tag, one that is none of ours, or a list that is no list matches
/// nothing.
pub(crate) fn expected_versions(headers: &HeaderMap) -> Option<Vec<i64>> {
    let mut lines = headers.get_all(header::IF_MATCH).iter().peekable();
    lines.peek()?;
    let lines: Vec<&[u8]> = lines.map(|line| line.as_bytes().trim_ascii()).collect();
    if lines == [b"*"] {
        return None;
    }
    // Lines of one field are one list (RFC 9110 §5.3).
    let list = lines.join(&b","[..]);
    let versions = strong_tags(&list).unwrap_or_default();
    Some(versions.into_iter().filter_map(version).collect())
}

/// The opaque parts of the strong tags in a list.
fn strong_tags(list: &[u8]) -> Option<Vec<&[u8]>> {
    let mut tags = Vec::new();
    let mut rest = list.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            rest = after.trim_ascii_start();
            continue;
        }
        let (is_weak, quoted) = match rest.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let opaque = quoted.strip_prefix(b"\"")?;
        let end = opaque.iter().position(|&byte| byte == b'"')?;
        let (tag, after) = opaque.split_at_checked(end)?;
        if !is_weak {
            tags.push(tag);
        }
        rest = after.get(1..)?.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
    Some(tags)
}

/// As our tags spell it, and in no other way.
fn version(tag: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(tag).ok()?;
    let version: i64 = text.parse().ok()?;
    (version.to_string() == text).then_some(version)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn expected(lines: &[&[u8]]) -> Option<Vec<i64>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let value = HeaderValue::from_bytes(line).unwrap();
            headers.append(header::IF_MATCH, value);
        }
        expected_versions(&headers)
    }

    #[test]
    fn a_list_is_its_strong_tags_on_however_many_lines() {
        assert_eq!(expected(&[b"\"3\""]), Some(vec![3]));
        assert_eq!(
            expected(&[b" \"1\" , \"2\",,\"x,y\" ,\"3\""]),
            Some(vec![1, 2, 3])
        );
        assert_eq!(expected(&[b"\"1\"", b"\"3\""]), Some(vec![1, 3]));
        assert_eq!(expected(&[b"W/\"3\", \"2\""]), Some(vec![2]));
        assert_eq!(expected(&[b"\"caf\xe9\", \"3\""]), Some(vec![3]));
    }

    #[test]
    fn without_the_header_and_with_an_asterisk_any_version_will_do() {
        assert_eq!(expected(&[]), None);
        assert_eq!(expected(&[b"*"]), None);
        assert_eq!(expected(&[b" * "]), None);
    }

    #[test]
    fn what_is_none_of_our_tags_matches_nothing() {
        for lines in [
            &[&b""[..]][..],
            &[b"3"],
            &[b"\"3"],
            &[b"\"03\""],
            &[b"\"+3\""],
            &[b"W/\"3\""],
            &[b"w/\"3\""],
            &[b"\"3\" \"3\""],
            &[b"*", b"\"3\""],
            &[b"*, \"3\""],
            &[b"\xff"],
            &[b"\"\xff\""],
        ] {
            assert_eq!(expected(lines), Some(Vec::new()), "{lines:?}");
        }
    }
}
