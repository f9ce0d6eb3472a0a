use serde_json::{Map, Value};
use stepgate_domain::oauth::strict_json;

/// How deep `serde_json` goes, so that no text can exhaust the stack.
const MOST_LEVELS: usize = 128;

/// An object is read as any decoder reads it, is not nested without end, and has each member that the
/// text names: none that the text names twice.
pub fn json(data: &[u8]) {
    let usual: Option<Map<String, Value>> = serde_json::from_slice(data).ok();
    let strict = strict_json::object(data).ok();
    let Some(usual) = usual else {
        assert_eq!(strict, None);
        return;
    };
    let usual = Value::Object(usual);
    let named = colons_outside_strings(data);
    let kept = members(&usual);
    assert!(levels(&usual) < MOST_LEVELS);
    match strict {
        Some(strict) => {
            assert_eq!(Value::Object(strict), usual);
            assert_eq!(named, kept, "a member is named twice");
        }
        None => assert!(named > kept, "nothing is named twice"),
    }
}

/// In valid JSON, each of them belongs to one name.
fn colons_outside_strings(data: &[u8]) -> usize {
    let (mut colons, mut is_string, mut is_escaped) = (0, false, false);
    for byte in data {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_string = !is_string,
            b':' if !is_string => colons += 1,
            _ => {}
        }
    }
    colons
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

pub(crate) fn levels(value: &Value) -> usize {
    let deepest = |values: &mut dyn Iterator<Item = &Value>| values.map(levels).max();
    match value {
        Value::Object(object) => 1 + deepest(&mut object.values()).unwrap_or_default(),
        Value::Array(items) => 1 + deepest(&mut items.iter()).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
