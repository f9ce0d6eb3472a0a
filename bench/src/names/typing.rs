//! What a stranger does with a name: types it, guesses, asks for another code, looks again, comes back.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};
use stepgate_client::{Application, Request, requests};

use super::{
    observe::{Patterns, Seen},
    people::{Person, Place},
    table::Table,
    wire::{Answer, Ask, Wire},
};

/// The id of nothing, for where no device is shown.
const NO_DEVICE: &str = "00000000-0000-4000-8000-000000000000";

/// Not a code at all, so that it is wrong for certain.
const WRONG_CODE: &str = "00000x";

/// A stranger who tries one name.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) person: Person,
    seen: Seen,
    flow: Flow,
}

#[derive(Debug, Clone, Default)]
struct Flow {
    id: String,
    cookies: BTreeMap<String, String>,
    device: Option<String>,
    from: String,
}

impl Flow {
    fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

/// What all strangers share.
#[derive(Debug)]
pub(super) struct Street {
    pub(super) wire: Wire,
    pub(super) place: Place,
    pub(super) patterns: Patterns,
    pub(super) table: Table,
    /// Addresses given out so far.
    pub(super) addresses: u32,
}

/// The visits to each name. Enough time lies between them for another message.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Visit {
    /// Types the name, guesses a code, asks for another one too soon, and looks.
    First,
    /// Goes on with the same flow: looks, guesses until no guess is left, and asks for another code.
    Return,
    /// A second flow, and whether it can be resumed.
    Second,
    /// A third one, which may be one message too many.
    Third,
    /// A fourth one, on the hosted page, and a guess there.
    Page,
    /// Where a policy begins with a password: guesses it twice.
    Password,
}

impl Stranger {
    /// `row`: of the name in the table.
    pub(super) fn of(person: Person, row: usize) -> Self {
        let seen = Seen::new(row, &person.typed);
        Self {
            person,
            seen,
            flow: Flow::default(),
        }
    }

    pub(super) async fn pay(&mut self, visit: Visit, street: &mut Street) -> anyhow::Result<()> {
        let look_up = json!({ "username": self.person.typed });
        match visit {
            Visit::First => {
                self.begin(street, "first", &street.place.mfa.clone())
                    .await?;
                self.act(street, "first", "user.lookup", &look_up).await?;
                self.guess(street, "first").await?;
                self.select(street, "first").await?;
                self.look(street, "first").await
            }
            Visit::Return => {
                self.look(street, "return").await?;
                for step in ["return", "return, again", "return, exhausted"] {
                    self.guess(street, step).await?;
                }
                self.select(street, "return").await?;
                self.look(street, "return, later").await
            }
            Visit::Second => {
                self.begin(street, "second", &street.place.mfa.clone())
                    .await?;
                self.act(street, "second", "user.lookup", &look_up).await?;
                self.guess(street, "second").await?;
                let env = &street.place.environment;
                let resume = requests::resume(env, &self.flow.id, &self.flow.cookie());
                self.ask(street, "second resume", resume).await?;
                self.act(street, "second", "session.reset", &json!({}))
                    .await
            }
            Visit::Third => {
                self.begin(street, "third", &street.place.mfa.clone())
                    .await?;
                self.act(street, "third", "user.lookup", &look_up).await?;
                self.select(street, "third").await?;
                self.guess(street, "third").await
            }
            Visit::Page => {
                let page = self.arrive(street).await?;
                let typed = [("username", self.person.typed.clone())];
                let page = self.fill(street, &page, "user.lookup", &typed).await?;
                let guess = [("otp", WRONG_CODE.to_owned())];
                self.fill(street, &page, "otp.check", &guess).await?;
                Ok(())
            }
            Visit::Password => {
                self.begin(street, "password", &street.place.login.clone())
                    .await?;
                let wrong =
                    json!({ "username": self.person.typed, "password": "Wrong-horse-7-battery" });
                for step in ["password", "password, again"] {
                    self.act(street, step, "usernamePassword.check", &wrong)
                        .await?;
                }
                self.look(street, "password").await
            }
        }
    }

    /// A new flow, from an address that was not seen before.
    async fn begin(
        &mut self,
        street: &mut Street,
        step: &str,
        client_id: &str,
    ) -> anyhow::Result<()> {
        let begin = self.authorize(street, client_id, &[("response_mode", "pi.flow")]);
        let step = format!("{step} authorize");
        let answer = self.ask(street, &step, begin).await?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        let id = body.pointer("/id").and_then(Value::as_str);
        id.with_context(|| format!("no flow: {body}"))?
            .clone_into(&mut self.flow.id);
        Ok(())
    }

    fn authorize(
        &mut self,
        street: &mut Street,
        client_id: &str,
        extra: &[(&str, &str)],
    ) -> Request {
        street.addresses += 1;
        let [_, b, c, d] = street.addresses.to_be_bytes();
        self.flow = Flow {
            from: format!("10.{b}.{c}.{d}"),
            ..Flow::default()
        };
        let redirect_uri = Application::default().redirect_uri;
        let mut form = vec![
            ("client_id", client_id),
            ("response_type", "code"),
            ("redirect_uri", &redirect_uri),
            ("scope", "openid"),
        ];
        form.extend_from_slice(extra);
        Request::post(format!("/{}/as/authorize", street.place.environment)).form(&form)
    }

    /// The hosted page of a new flow.
    async fn arrive(&mut self, street: &mut Street) -> anyhow::Result<String> {
        let begin = self.authorize(street, &street.place.mfa.clone(), &[]);
        let answer = self.ask(street, "page authorize", begin).await?;
        self.follow(street, "page", &answer).await
    }

    /// The page that an answer leads to.
    async fn follow(
        &mut self,
        street: &mut Street,
        step: &str,
        answer: &Answer,
    ) -> anyhow::Result<String> {
        let location = answer.headers.get(http::header::LOCATION);
        let page = match location {
            None => return Ok(String::from_utf8(answer.body.clone())?),
            Some(location) => {
                let url: http::Uri = location.to_str()?.parse()?;
                let path = url.path_and_query().context("no path")?;
                let request = Request::get(path.as_str()).cookie(&self.flow.cookie());
                self.ask(street, step, request).await?
            }
        };
        Ok(String::from_utf8(page.body)?)
    }

    /// Posts the page's form for this action with what was typed.
    async fn fill(
        &mut self,
        street: &mut Street,
        page: &str,
        action: &str,
        typed: &[(&str, String)],
    ) -> anyhow::Result<String> {
        let attribute = |before: &str| {
            let (_, rest) = page.split_once(before)?;
            Some(rest.split_once('"')?.0)
        };
        let hidden = |name: &str| attribute(&format!("name=\"{name}\" value=\""));
        let post_to = attribute("<form method=\"post\" action=\"");
        let url: http::Uri = post_to.context("a page without a form")?.parse()?;
        let mut fields = vec![("action", action)];
        for name in ["flowId", "csrfToken"] {
            fields.push((name, hidden(name).with_context(|| format!("no {name}"))?));
        }
        fields.extend(typed.iter().map(|(name, value)| (*name, value.as_str())));
        let post = Request::post(url.path_and_query().context("no path")?.as_str());
        let post = post.form(&fields).cookie(&self.flow.cookie());
        let step = format!("page {action}");
        let answer = self.ask(street, &step, post).await?;
        self.follow(street, &format!("{step}, shown"), &answer)
            .await
    }

    async fn act(
        &mut self,
        street: &mut Street,
        step: &str,
        action: &str,
        body: &Value,
    ) -> anyhow::Result<()> {
        let path = format!("/{}/flows/{}", street.place.environment, self.flow.id);
        let media_type = match action {
            "user.lookup" => "application/vnd.pingidentity.user.lookup+json",
            "otp.check" => requests::OTP_CHECK,
            "device.select" => "application/vnd.pingidentity.device.select+json",
            "session.reset" => "application/vnd.pingidentity.session.reset+json",
            _ => "application/vnd.pingidentity.usernamePassword.check+json",
        };
        let request = Request::post(path)
            .typed(media_type, body.to_string())
            .cookie(&self.flow.cookie());
        let answer = self
            .ask(street, &format!("{step} {action}"), request)
            .await?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(device) = body
            .pointer("/_embedded/devices/0/id")
            .and_then(Value::as_str)
        {
            self.flow.device = Some(device.to_owned());
        }
        Ok(())
    }

    async fn guess(&mut self, street: &mut Street, step: &str) -> anyhow::Result<()> {
        self.act(street, step, "otp.check", &json!({ "otp": WRONG_CODE }))
            .await
    }

    async fn select(&mut self, street: &mut Street, step: &str) -> anyhow::Result<()> {
        let device = self.flow.device.as_deref().unwrap_or(NO_DEVICE);
        let body = json!({ "device": { "id": device } });
        self.act(street, step, "device.select", &body).await
    }

    async fn look(&mut self, street: &mut Street, step: &str) -> anyhow::Result<()> {
        let look = requests::flow(
            &street.place.environment,
            &self.flow.id,
            &self.flow.cookie(),
        );
        self.ask(street, &format!("{step} GET"), look).await?;
        Ok(())
    }

    /// Sends, files what comes back, and keeps its cookies.
    async fn ask(
        &mut self,
        street: &mut Street,
        step: &str,
        request: Request,
    ) -> anyhow::Result<Answer> {
        let from = &self.flow.from;
        let answer = street.wire.send(Ask { request, from }).await?;
        self.seen
            .file(&mut street.table, &street.patterns, step, &answer)?;
        for set in answer.headers.get_all(http::header::SET_COOKIE) {
            let pair = set.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                let cookies = &mut self.flow.cookies;
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}
