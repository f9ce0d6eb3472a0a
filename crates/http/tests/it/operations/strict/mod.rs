//! What strict, typed clients compare: the answer has what was sent and what the platform fills in,
//! each member with its type, and nothing that nobody asked for.

mod configuration;
mod identity;
mod policies;

use serde_json::{Map, Value, json};

use crate::support::{Answer, Server, id};

/// Stands for a value that is the server's choice.
const ANY: &str = "*";

/// A kind of object as clients make it.
pub(super) struct Kind {
    /// Where it is made; below the environment, unless it begins with `/v1`.
    path: String,
    method: &'static str,
    status: u16,
    least: Value,
    /// Every member that may be left out. Each is sent alone, and all of them at once.
    optional: Value,
    /// What the platform fills in, beside what every object has.
    filled: Value,
    /// Whether what was read can be put back.
    replaceable: bool,
}

impl Kind {
    fn made(path: impl Into<String>, least: Value, optional: Value, filled: Value) -> Self {
        Self {
            path: path.into(),
            method: "POST",
            status: 201,
            least,
            optional,
            filled,
            replaceable: true,
        }
    }

    /// Settings, of which there is one.
    fn set(path: &str, least: Value, optional: Value, filled: Value) -> Self {
        Self {
            method: "PUT",
            status: 200,
            ..Self::made(path, least, optional, filled)
        }
    }

    /// The least body, the fullest, and each optional member alone.
    fn bodies(&self) -> Vec<Value> {
        let optional = self.optional.as_object().unwrap();
        let with = |members: Map<String, Value>| {
            let mut body = self.least.clone();
            merge(&mut body, &Value::Object(members));
            body
        };
        let alone = |(name, value): (&String, &Value)| {
            with(Map::from_iter([(name.clone(), value.clone())]))
        };
        let mut bodies = vec![self.least.clone(), with(optional.clone())];
        bodies.extend(optional.iter().map(alone));
        bodies
    }

    fn expected(&self, sent: &Value) -> Value {
        let mut expected = match self.method {
            "PUT" => json!({ "_links": ANY, "environment": ANY, "updatedAt": ANY }),
            _ => json!({ "_links": ANY, "id": ANY, "createdAt": ANY, "updatedAt": ANY }),
        };
        if !self.path.starts_with("/v1") {
            expected["environment"] = ANY.into();
        }
        merge(&mut expected, &self.filled);
        merge(&mut expected, sent);
        expected
    }
}

/// Puts the members of one object over those of another, at every depth.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// Where an answer is not what was expected.
fn differences(expected: &Value, found: &Value, at: &str, all: &mut Vec<String>) {
    match (expected, found) {
        (Value::String(any), found) if any == ANY => {
            if found.is_null() {
                all.push(format!("{at} is not there"));
            }
        }
        (Value::Object(expected), Value::Object(found)) => {
            let names = expected.keys().chain(found.keys());
            for name in names.collect::<std::collections::BTreeSet<_>>() {
                let place = format!("{at}.{name}");
                match (expected.get(name), found.get(name)) {
                    (Some(expected), Some(found)) => differences(expected, found, &place, all),
                    (Some(_), None) => all.push(format!("{place} is not there")),
                    (None, _) => all.push(format!("{place} was not asked for")),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(expected, found, &format!("{at}[{index}]"), all);
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => all.push(format!("{at} is {found}, not {expected}")),
    }
}

#[track_caller]
fn compare(sent: &Value, expected: &Value, answer: &Answer) {
    let mut all = Vec::new();
    differences(expected, &answer.body, "", &mut all);
    assert!(all.is_empty(), "{all:#?}\nsent {sent:#}\n{}", answer.text);
}

async fn check(server: &Server, kind: &Kind) {
    for sent in kind.bodies() {
        let made = server
            .call(kind.method, &kind.path, Some(sent.clone()))
            .await;
        assert_eq!(
            made.status, kind.status,
            "{} {sent:#}\n{}",
            kind.path, made.text
        );
        compare(&sent, &kind.expected(&sent), &made);
        let own = match kind.method {
            "PUT" => kind.path.clone(),
            _ => format!("{}/{}", kind.path, id(&made.body)),
        };
        // Some members are told on creation only.
        let mut told = made.body.clone();
        if own.starts_with("/v1/environments/") {
            told.as_object_mut().unwrap().remove("billOfMaterials");
        }
        assert_eq!(server.get(&own).await.json(200), told, "{own}");
        if kind.replaceable {
            let mut again = server.put(&own, told.clone()).await.json(200);
            again["updatedAt"] = told["updatedAt"].clone();
            assert_eq!(again, told, "what was read is put back: {own}");
        }
        if kind.method == "POST" {
            assert_eq!(server.delete(&own).await.status, 204, "{own}");
        }
    }
}

async fn check_all(kinds: Vec<Kind>, server: &Server) {
    for kind in kinds {
        check(server, &kind).await;
    }
}

#[tokio::test]
async fn configuration_is_answered_as_sent_with_what_is_filled_in_and_nothing_else() {
    let server = Server::without_senders().await;
    check_all(configuration::kinds(&server).await, &server).await;
}

#[tokio::test]
async fn policies_are_answered_as_sent_with_what_is_filled_in_and_nothing_else() {
    let server = Server::without_senders().await;
    check_all(policies::kinds(&server).await, &server).await;
}

#[tokio::test]
async fn identities_are_answered_as_sent_with_what_is_filled_in_and_nothing_else() {
    let server = Server::without_senders().await;
    check_all(identity::kinds(&server).await, &server).await;
}
