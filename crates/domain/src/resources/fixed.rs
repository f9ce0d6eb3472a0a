//! Members of which only one value is served. Accepting another would be a promise, so it is refused
//! by name.

use serde_json::Value;

use crate::violation::Violation;

/// Holds what was sent against `served`, member by member: only the value that stands there is
/// taken, and none where null stands. Of members that `served` does not name, nothing is said.
pub(crate) fn check(sent: &Value, served: &Value, at: &str, faults: &mut Vec<Violation>) {
    match (sent, served) {
        (Value::Null, _) => {}
        (_, Value::Null) => faults.push(Violation::unavailable(at)),
        (Value::Object(sent), Value::Object(served)) => {
            for (name, served) in served {
                if let Some(sent) = sent.get(name) {
                    check(sent, served, &place(at, name), faults);
                }
            }
        }
        (sent, served) if sent == served => {}
        (_, Value::Object(_)) => faults.push(Violation::invalid(at, "must be an object")),
        (_, served) => faults.push(only(at, served)),
    }
}

/// The fault of a member that can only have this value.
pub(crate) fn only(target: &str, value: &Value) -> Violation {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    Violation::invalid(target, format!("can only be {text}")).allowing(&[text])
}

/// What is answered of `served`: the members that have a value.
pub(crate) fn shown(served: Value) -> Value {
    match served {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, shown(value)))
            .collect(),
        other => other,
    }
}

fn place(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn served() -> Value {
        json!({ "flag": false, "mode": "OFF", "gone": null, "inner": { "count": 5, "key": null } })
    }

    fn faults(sent: &Value) -> Vec<Violation> {
        let mut faults = Vec::new();
        check(sent, &served(), "", &mut faults);
        faults
    }

    #[test]
    fn the_served_value_is_taken_and_others_are_ignored() {
        let sent = json!({ "flag": false, "mode": "OFF", "inner": { "count": 5, "other": 1 },
            "gone": null, "unknown": true });
        assert_eq!(faults(&sent), []);
        assert_eq!(
            shown(served()),
            json!({ "flag": false, "mode": "OFF", "inner": { "count": 5 } })
        );
    }

    #[test]
    fn every_other_value_is_refused_at_its_place_with_what_is_allowed_as_text() {
        let sent =
            json!({ "flag": true, "mode": 3, "gone": {}, "inner": { "count": 6, "key": "x" } });
        let found = faults(&sent);
        let places: Vec<_> = found.iter().map(|fault| fault.target.as_str()).collect();
        assert_eq!(places, ["flag", "mode", "gone", "inner.count", "inner.key"]);
        assert_eq!(found[0].inner, json!({ "allowedValues": ["false"] }));
        assert_eq!(found[1].inner, json!({ "allowedValues": ["OFF"] }));
        assert_eq!(found[2].inner, Value::Null);
        assert_eq!(faults(&json!({ "inner": 7 }))[0].target, "inner");
    }
}
