//! Requests of an administrator who has lost the way.

use std::cmp::Reverse;

use reqwest::Method;
use serde_json::Value;
use stepgate_domain::access::{Role, ScopeType};
use stepgate_http::api::Operation;

use super::{Dice, Input, Run, is_public, share, wanted};
use crate::{
    operations::world::World,
    support::{NOBODY, Server, parameters},
};

/// What one request is made of.
struct Material<'a> {
    operation: &'a Operation,
    /// As it should be.
    path: String,
    body: Value,
    /// Ids of anything.
    ids: Vec<String>,
    tokens: [&'a str; 2],
    /// Of the last list that went on.
    cursor: String,
}

pub(super) async fn ask(seed: u8, is_wanted: impl Fn(&Operation) -> bool) {
    let world = World::on(Server::delivering().await).await;
    let server = &world.server;
    let environment = server.environment.to_string();
    let admin = server.admin();
    let in_environment = (ScopeType::Environment, environment.as_str());
    let reader = Role::ConfigurationReadOnly;
    let reader = admin.worker(&environment, reader, in_environment).await;
    let mut run = Run::new(seed);
    let mut operations: Vec<_> = wanted(|it| !is_public(it) && is_wanted(it)).collect();
    // What others need goes last.
    operations.sort_by_key(|operation| {
        let is_deletion = operation.method == Method::DELETE;
        (
            is_deletion,
            Reverse(operation.path.len() * usize::from(is_deletion)),
        )
    });
    let mut cursor = String::new();
    for operation in &operations {
        // Everything else is in this environment.
        let ends_it = operation.method == Method::DELETE
            && operation.path == "/v1/environments/{environmentID}";
        let path = world.path(operation).await;
        let mut material = Material {
            operation,
            body: world.body(operation, &path).await,
            path,
            ids: world.all_ids(),
            tokens: [&admin.token, &reader.token],
            cursor: cursor.clone(),
        };
        if ends_it {
            material.path = format!("/v1/environments/{NOBODY}");
            material.ids.clear();
        } else {
            run.reach(server, operation, material.plain()).await;
        }
        for round in 1..=share() {
            if round % 8 == 0 && !ends_it {
                material.path = world.path(operation).await;
            }
            let input = material.input(&mut run.dice, run.asked);
            let Some(answer) = run.ask(server, operation, input).await else {
                continue;
            };
            if let Some(next) = answer.body["_links"]["next"]["href"].as_str() {
                cursor = parameters(next).remove("cursor").unwrap();
                material.cursor.clone_from(&cursor);
            }
        }
    }
    let alive = server.get(&format!("/v1/environments/{environment}")).await;
    assert_eq!(
        alive.status, 200,
        "the requests met an environment that is there"
    );
    run.end();
}

impl Material<'_> {
    fn plain(&self) -> Input {
        let media_type = self.operation.takes.media_type();
        let body = media_type.as_ref().map(|_| self.body.to_string());
        let content_type = media_type.map(|name| ("content-type", name.into_bytes()));
        let authorization = format!("Bearer {}", self.tokens[0]).into_bytes();
        Input {
            method: self.operation.method.clone(),
            target: self.path.clone(),
            headers: [("authorization", authorization)]
                .into_iter()
                .chain(content_type)
                .collect(),
            body: body.unwrap_or_default().into_bytes(),
        }
    }

    fn input(&self, dice: &mut Dice, number: usize) -> Input {
        let mut input = self.plain();
        input.target = self.target(dice);
        if self.operation.takes.media_type().is_some() || dice.falls(4) {
            let meant = self.named(dice, number);
            input.body = dice.body(&meant);
        }
        if dice.falls(4) {
            input.method = other_method(dice);
        }
        self.set_headers(dice, &mut input.headers);
        input
    }

    /// The body, in half of the cases with a name that nothing else has.
    fn named(&self, dice: &mut Dice, number: usize) -> Value {
        let mut body = self.body.clone();
        for name in ["name", "username"] {
            if body[name].is_string() && dice.falls(50) {
                body[name] = format!("Number {number}").into();
            }
        }
        body
    }

    fn target(&self, dice: &mut Dice) -> String {
        let segments = self.operation.path.split('/').zip(self.path.split('/'));
        let segments = segments.map(|(known, right)| {
            let percent = match known {
                "{environmentID}" => 4,
                known if known.starts_with('{') => 20,
                _ => 0,
            };
            if dice.falls(percent) {
                dice.id(right, &self.ids)
            } else {
                right.to_owned()
            }
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let query = self.query(dice);
        if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    }

    fn query(&self, dice: &mut Dice) -> String {
        let is_list = self.operation.method == Method::GET;
        let mut pairs = Vec::new();
        if is_list && dice.falls(50) {
            pairs.push(("filter".to_owned(), dice.filter()));
        }
        for (name, values) in [
            (
                "limit",
                &["1", "2", "1000", "0", "-1", "99999999999999999999"][..],
            ),
            ("cursor", &[&self.cursor, &self.cursor, "AAAA"]),
            (
                "order",
                &["name", "-createdAt", "username,email", "createdAt,,-x"],
            ),
            ("expand", &["billOfMaterials", "role", "scopes"]),
            ("include", &["memberOfGroupIDs"]),
        ] {
            if dice.falls(if is_list { 15 } else { 2 }) {
                let value = if dice.falls(60) {
                    dice.one(values).to_owned()
                } else {
                    dice.text()
                };
                pairs.push((name.to_owned(), value));
            }
        }
        if dice.falls(5) {
            pairs.push((dice.text(), dice.text()));
        }
        dice.parameters(&pairs)
    }

    fn set_headers(&self, dice: &mut Dice, headers: &mut Vec<(&'static str, Vec<u8>)>) {
        let right = self.tokens[0];
        let tampered = right.replace(|it| matches!(it, 'A'..='C'), "D");
        if dice.falls(12) {
            headers.retain(|(name, _)| *name != "authorization");
            let others = [
                format!("Bearer {}", self.tokens[1]),
                format!("bEARER   {right} "),
                format!("Bearer {tampered}"),
                format!("Basic {right}"),
                "Bearer".to_owned(),
                String::new(),
                format!("Bearer {}", dice.text()),
            ];
            let place = dice.below(others.len());
            headers.push(("authorization", others[place].clone().into_bytes()));
        }
        if dice.falls(8) {
            headers.retain(|(name, _)| *name != "content-type");
            headers.push(("content-type", media_type(dice)));
        }
        for (name, percent, values) in [
            (
                "if-match",
                10,
                &["*", "\"1\"", "W/\"1\"", "\"1\", \"2\"", "1", "\"-1\"", "\""][..],
            ),
            (
                "accept",
                10,
                &["application/json", "text/html", "*/*;q=0", ",", "a"],
            ),
            (
                "origin",
                8,
                &[
                    "null",
                    "https://app.example.test",
                    "https://evil.example",
                    "//",
                ],
            ),
            ("cookie", 5, &["ST=x", "=", ";;", "a=\"b; c\""]),
            (
                "x-http-method-override",
                4,
                &["PATCH", "put", "GET", "NONE", "("],
            ),
            ("x-forwarded-for", 3, &["203.0.113.7", "unknown, ::1", ","]),
            ("accept-language", 3, &["nb", "*;q=x", "-"]),
        ] {
            if dice.falls(percent) {
                let value = if dice.falls(75) {
                    dice.one(values).as_bytes().to_vec()
                } else {
                    odd(dice)
                };
                headers.push((name, value));
            }
        }
    }
}

/// Bytes that a header may have.
pub(super) fn odd(dice: &mut Dice) -> Vec<u8> {
    let text = dice.text().into_bytes();
    text.into_iter()
        .filter(|byte| *byte >= b' ' && *byte != 0x7f)
        .collect()
}

pub(super) fn media_type(dice: &mut Dice) -> Vec<u8> {
    let known = [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/x-www-form-urlencoded",
        "application/vnd.pingidentity.password.set+json",
        "application/vnd.pingidentity.",
        "text/plain",
        ";",
    ];
    if dice.falls(70) {
        dice.one(&known).as_bytes().to_vec()
    } else {
        odd(dice)
    }
}

/// None that deletes.
pub(super) fn other_method(dice: &mut Dice) -> Method {
    let name = dice.one(&[
        "HEAD", "OPTIONS", "GET", "POST", "PUT", "PATCH", "TRACE", "NONE",
    ]);
    name.parse().unwrap()
}
