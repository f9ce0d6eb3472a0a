//! Requests of those who have no token for the management.

use data_encoding::BASE64;
use stepgate_http::api::{Operation, Takes};

use super::{
    Dice, Input, Run,
    fields::{CHOICES, fields},
    is_public,
    management::{media_type, odd, other_method},
    share,
    stranger::Stranger,
    wanted,
};

pub(super) async fn ask(seed: u8) {
    let mut stranger = Stranger::new().await;
    let mut run = Run::new(seed);
    let operations: Vec<_> = wanted(is_public).collect();
    for operation in &operations {
        stranger.go_on().await;
        let plain = stranger.plain(operation);
        run.reach(&stranger.trial.server, operation, plain).await;
        for round in 1..=share() {
            if round % 12 == 0 {
                stranger.go_on().await;
            }
            let input = stranger.input(operation, &mut run.dice);
            let answer = run.ask(&stranger.trial.server, operation, input).await;
            if let Some(answer) = answer {
                stranger.keep(&answer);
            }
        }
    }
    run.end();
}

impl Stranger {
    fn input(&self, operation: &Operation, dice: &mut Dice) -> Input {
        let mut input = self.plain(operation);
        let [in_query, in_form] = self.pairs(operation, dice);
        let path = self.crooked_path(operation, dice);
        let query = dice.parameters(&in_query);
        input.target = if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        };
        input.body = match operation.takes {
            Takes::Vendor(name) => dice.body(&self.body(name)),
            Takes::Nothing if !dice.falls(4) => Vec::new(),
            _ if dice.falls(4) => dice.bytes(),
            _ => dice.parameters(&in_form).into_bytes(),
        };
        if dice.falls(4) {
            input.method = other_method(dice);
        }
        self.set_headers(dice, &mut input.headers);
        input
    }

    /// Parameters for the query, and for the form.
    fn pairs(&self, operation: &Operation, dice: &mut Dice) -> [Vec<(String, String)>; 2] {
        let (asked, known) = fields(operation);
        let names = asked.iter().map(|name| (*name, 92));
        let names = names.chain(known.iter().map(|name| (*name, 12)));
        let is_get = operation.takes == Takes::Nothing;
        let [mut query, mut form] = [Vec::new(), Vec::new()];
        for (name, percent) in names.chain([("client_id", 20), ("flowId", 5)]) {
            if dice.falls(percent) {
                let pair = (name.to_owned(), self.value(name, dice));
                let is_elsewhere = dice.falls(5);
                let into = if is_get == is_elsewhere {
                    &mut form
                } else {
                    &mut query
                };
                into.push(pair);
            }
        }
        if dice.falls(5) {
            form.push((dice.text(), dice.text()));
        }
        [query, form]
    }

    fn value(&self, name: &str, dice: &mut Dice) -> String {
        let choice = CHOICES.iter().find(|(other, _)| *other == name);
        match dice.below(20) {
            0 => dice.text(),
            1 => self.right(name) + &dice.text(),
            2 => {
                let others: Vec<&String> = self.held.values().collect();
                dice.one(&others).clone()
            }
            _ => choice.map_or_else(|| self.held(name), |(_, of)| dice.one(of).to_owned()),
        }
    }

    fn crooked_path(&self, operation: &Operation, dice: &mut Dice) -> String {
        let path = self.path(operation);
        let segments = operation.path.split('/').zip(path.split('/'));
        let others = ["client_id", "flowId", "deviceId"].map(|name| self.held(name));
        let segments = segments.map(|(known, right)| {
            if known.starts_with('{') && dice.falls(5) {
                dice.id(right, &others)
            } else {
                right.to_owned()
            }
        });
        segments.collect::<Vec<_>>().join("/")
    }

    fn set_headers(&self, dice: &mut Dice, headers: &mut Vec<(&'static str, Vec<u8>)>) {
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
        let (id, secret) = (&self.client.id, &self.client.secret);
        let crooked = [
            basic(&format!("{id}:{}", dice.text())),
            basic(&format!("{}:{secret}", dice.text())),
            basic(id),
            "Basic ====".to_owned(),
            format!("basic  {id}"),
            format!("Bearer {}", self.held("id_token_hint")),
            format!("Bearer {}.", self.held("access_token")),
            format!("DPoP {}", self.held("access_token")),
            dice.text(),
        ];
        for (name, percent, values) in [
            (
                "authorization",
                15,
                &crooked.each_ref().map(String::as_str)[..],
            ),
            ("cookie", 10, &["ST=x", "=", ";;", "a=\"b; c\"", ""]),
        ] {
            if dice.falls(percent) {
                headers.retain(|(other, _)| *other != name);
                let value = dice.one(values).replace(|it: char| it.is_control(), "");
                headers.push((name, value.into_bytes()));
            }
        }
        if dice.falls(6) {
            headers.retain(|(name, _)| *name != "content-type");
            headers.push(("content-type", media_type(dice)));
        }
        for (name, percent, values) in [
            (
                "accept",
                40,
                &["text/html", "application/json", "*/*", "text/html;q=x", ","][..],
            ),
            (
                "origin",
                15,
                &[
                    "null",
                    "https://app.example.test",
                    "https://evil.example",
                    "//",
                ],
            ),
            ("sec-fetch-site", 10, &["same-origin", "none", "cross-site"]),
            ("x-forwarded-for", 5, &["203.0.113.7", "unknown, ::1", ","]),
            ("user-agent", 5, &["x", "Mozilla/5.0"]),
            ("if-match", 2, &["*", "\"1\""]),
        ] {
            if dice.falls(percent) {
                let value = if dice.falls(85) {
                    dice.one(values).as_bytes().to_vec()
                } else {
                    odd(dice)
                };
                headers.push((name, value));
            }
        }
    }
}
