//! The condition of a sign-on action: read from its JSON and evaluated. An action runs when its
//! condition is true. Leaves that need a data feed which is not configured are false.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    client_address::network,
    name,
    time::{Duration, Timestamp},
    violation::Violation,
};

#[cfg(test)]
mod tests;
mod variable;

pub use variable::USER_ATTRIBUTES;
use variable::Variable;

/// How many levels of `and`, `or` and `not` a condition may have.
pub const MAXIMUM_DEPTH: usize = 10;
/// How many members a list in a condition may have.
pub const MAXIMUM_MEMBERS: usize = 100;

/// Keeps the text it was read from, since that is what is stored and answered, never a normal form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Condition {
    source: Value,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    SecondsSince {
        time: Variable,
        greater: i64,
    },
    Equals {
        value: Variable,
        equals: Literal,
    },
    Contains {
        value: Variable,
        contains: String,
    },
    InRanges {
        address: Variable,
        ranges: Vec<IpNet>,
    },
    Exists(Variable),
    /// `anonymousNetwork`, `ipRisk` and `geoVelocity`: there is no feed to ask about the address.
    Unknowable(Variable),
}

#[derive(Debug, Clone, PartialEq)]
enum Literal {
    Text(String),
    Flag(bool),
}

/// What a condition is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub now: Timestamp,
    /// `session.lastSignOn.withAuthenticator.pwd.at`
    pub password_at: Option<Timestamp>,
    /// `session.lastSignOn.withAuthenticator.mfa.at`
    pub mfa_at: Option<Timestamp>,
    pub remote_ip: Option<IpAddr>,
    pub identifier: Option<&'a str>,
    /// The user as the platform shows it, or null.
    pub user: &'a Value,
}

impl Condition {
    /// Reads a condition. The violation names the part at fault.
    pub fn parse(source: &Value) -> Result<Self, Violation> {
        let rule = rule(source, "condition", MAXIMUM_DEPTH)?;
        Ok(Self {
            source: source.clone(),
            rule,
        })
    }
    pub const fn source(&self) -> &Value {
        &self.source
    }
    pub fn holds(&self, scope: &Scope<'_>) -> bool {
        self.rule.holds(scope)
    }
    /// Whether an attribute of the user is asked for: not permitted before anybody is known.
    pub fn asks_for_the_user(&self) -> bool {
        self.rule
            .asks_for(&|variable| matches!(variable, Variable::User(_)))
    }
    /// Whether the client's address is asked for: worth nothing where it is not known.
    pub fn asks_for_the_address(&self) -> bool {
        self.rule
            .asks_for(&|variable| matches!(variable, Variable::RemoteIp))
    }
}
impl TryFrom<Value> for Condition {
    type Error = String;
    fn try_from(source: Value) -> Result<Self, String> {
        Self::parse(&source)
            .map_err(|violation| format!("{}: {}", violation.target, violation.message))
    }
}
impl From<Condition> for Value {
    fn from(condition: Condition) -> Self {
        condition.source
    }
}

impl Rule {
    fn holds(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::And(rules) => rules.iter().all(|rule| rule.holds(scope)),
            Self::Or(rules) => rules.iter().any(|rule| rule.holds(scope)),
            Self::Not(rule) => !rule.holds(scope),
            Self::SecondsSince { time, greater } => match time.time(scope) {
                None => true,
                Some(time) => scope.now.since(time) > Duration::from_seconds(*greater),
            },
            Self::Equals { value, equals } => value
                .value(scope)
                .is_some_and(|value| literal_equals(&value, equals)),
            Self::Contains { value, contains } => match value.value(scope) {
                Some(Value::String(text)) => {
                    name::fold_part(&text).contains(&name::fold_part(contains))
                }
                Some(_) | None => false,
            },
            Self::InRanges { address, ranges } => match address.value(scope) {
                Some(Value::String(text)) => text.parse::<IpAddr>().is_ok_and(|address| {
                    let address = address.to_canonical();
                    ranges.iter().any(|range| range.contains(&address))
                }),
                Some(_) | None => false,
            },
            Self::Exists(variable) => variable.value(scope).is_some(),
            Self::Unknowable(_) => false,
        }
    }

    fn asks_for(&self, wanted: &impl Fn(&Variable) -> bool) -> bool {
        let variable = match self {
            Self::And(rules) | Self::Or(rules) => {
                return rules.iter().any(|rule| rule.asks_for(wanted));
            }
            Self::Not(rule) => return rule.asks_for(wanted),
            Self::SecondsSince { time: variable, .. }
            | Self::Equals {
                value: variable, ..
            }
            | Self::Contains {
                value: variable, ..
            }
            | Self::InRanges {
                address: variable, ..
            }
            | Self::Exists(variable)
            | Self::Unknowable(variable) => variable,
        };
        wanted(variable)
    }
}

/// Numbers are compared as text; a list equals what it contains.
fn literal_equals(value: &Value, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Array(members), _) => members.iter().any(|member| literal_equals(member, literal)),
        (Value::String(text), Literal::Text(wanted)) => text == wanted,
        (Value::Number(number), Literal::Text(wanted)) => number.to_string() == *wanted,
        (Value::Bool(flag), Literal::Flag(wanted)) => flag == wanted,
        (Value::Bool(flag), Literal::Text(wanted)) => flag.to_string() == *wanted,
        (Value::Null | Value::Object(_) | Value::String(_) | Value::Number(_), _) => false,
    }
}

fn rule(source: &Value, place: &str, depth: usize) -> Result<Rule, Violation> {
    let at_fault = |what: &str| Violation::invalid("condition", format!("{place}: {what}"));
    if depth == 0 {
        return Err(at_fault("is nested too deeply"));
    }
    let members = source
        .as_object()
        .ok_or_else(|| at_fault("must be an object"))?;
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    match names.as_slice() {
        ["and"] => Ok(Rule::And(rules(members, "and", place, depth)?)),
        ["or"] => Ok(Rule::Or(rules(members, "or", place, depth)?)),
        ["not"] => {
            // Older documentation shows a list of one.
            let inner = match members.get("not") {
                Some(Value::Array(list)) => match list.as_slice() {
                    [only] => only,
                    _ => return Err(at_fault("not takes one condition")),
                },
                Some(other) => other,
                None => return Err(at_fault("not takes one condition")),
            };
            Ok(Rule::Not(Box::new(rule(
                inner,
                &format!("{place}.not"),
                depth - 1,
            )?)))
        }
        ["greater", "secondsSince"] => Ok(Rule::SecondsSince {
            time: time_variable(members, place)?,
            greater: match members.get("greater").and_then(Value::as_i64) {
                Some(seconds) if seconds >= 1 => seconds,
                Some(_) | None => {
                    return Err(at_fault("greater must be a whole number of at least 1"));
                }
            },
        }),
        ["equals", "value"] => Ok(Rule::Equals {
            value: variable(members, "value", place)?,
            equals: match members.get("equals") {
                Some(Value::String(text)) => Literal::Text(text.clone()),
                Some(Value::Bool(flag)) => Literal::Flag(*flag),
                Some(_) | None => return Err(at_fault("equals must be a string or a boolean")),
            },
        }),
        ["contains", "value"] => Ok(Rule::Contains {
            value: variable(members, "value", place)?,
            contains: match members.get("contains") {
                Some(Value::String(text)) => text.clone(),
                Some(_) | None => return Err(at_fault("contains must be a string")),
            },
        }),
        ["contains", "ipRange"] => Ok(Rule::InRanges {
            address: variable(members, "contains", place)?,
            ranges: networks(members, "ipRange", place)?,
        }),
        ["anonymousNetwork", "valid"] => {
            networks(members, "anonymousNetwork", place)?;
            Ok(Rule::Unknowable(variable(members, "valid", place)?))
        }
        ["ipRisk", "valid"] => {
            let risk = members.get("ipRisk");
            let score = |name| risk.and_then(|risk| risk.get(name)).and_then(Value::as_i64);
            let (Some(_), Some(_)) = (score("minScore"), score("maxScore")) else {
                return Err(at_fault(
                    "ipRisk needs the whole numbers minScore and maxScore",
                ));
            };
            Ok(Rule::Unknowable(variable(members, "valid", place)?))
        }
        ["geoVelocity", "valid"] => {
            let address = variable(members, "geoVelocity", place)?;
            let Some(Value::Object(valid)) = members.get("valid") else {
                return Err(at_fault("valid must be an object"));
            };
            for name in [
                "previousSuccessfulAuthenticationIp",
                "previousSuccessfulAuthenticationTime",
            ] {
                variable(valid, name, place)?;
            }
            Ok(Rule::Unknowable(address))
        }
        ["exists"] => Ok(Rule::Exists(variable(members, "exists", place)?)),
        ["notExists"] => Ok(Rule::Not(Box::new(Rule::Exists(variable(
            members,
            "notExists",
            place,
        )?)))),
        _ => Err(at_fault(&format!(
            "no condition has the members {}",
            names.join(", ")
        ))),
    }
}

fn rules(
    members: &Map<String, Value>,
    name: &str,
    place: &str,
    depth: usize,
) -> Result<Vec<Rule>, Violation> {
    let parts = list(members, name, place)?;
    if parts.is_empty() {
        let message = format!("{place}.{name}: must have a condition");
        return Err(Violation::invalid("condition", message));
    }
    parts
        .iter()
        .enumerate()
        .map(|(index, source)| rule(source, &format!("{place}.{name}[{index}]"), depth - 1))
        .collect()
}

fn networks(
    members: &Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<Vec<IpNet>, Violation> {
    let read = |(index, block): (usize, &Value)| {
        block.as_str().and_then(network).ok_or_else(|| {
            Violation::invalid(
                "condition",
                format!("{place}.{name}[{index}]: must be a block of addresses"),
            )
        })
    };
    list(members, name, place)?
        .iter()
        .enumerate()
        .map(read)
        .collect()
}

fn list<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    place: &str,
) -> Result<&'a [Value], Violation> {
    match members.get(name) {
        Some(Value::Array(list)) if list.len() <= MAXIMUM_MEMBERS => Ok(list),
        Some(_) | None => Err(Violation::invalid(
            "condition",
            format!("{place}.{name}: must be a list of at most {MAXIMUM_MEMBERS} members"),
        )),
    }
}

fn variable(members: &Map<String, Value>, name: &str, place: &str) -> Result<Variable, Violation> {
    let reference = members.get(name).unwrap_or(&Value::Null);
    Variable::parse(reference)
        .map_err(|fault| Violation::invalid("condition", format!("{place}.{name}: {fault}")))
}

fn time_variable(members: &Map<String, Value>, place: &str) -> Result<Variable, Violation> {
    match variable(members, "secondsSince", place)? {
        Variable::RemoteIp | Variable::Identifier => Err(Violation::invalid(
            "condition",
            format!("{place}.secondsSince: is not a time"),
        )),
        time @ (Variable::PasswordAt | Variable::MfaAt | Variable::User(_)) => Ok(time),
    }
}
