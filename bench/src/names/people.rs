//! Somebody and nobody: names of one form, and users of every kind behind half of them.

use std::collections::HashSet;

use anyhow::Context;
use fastrand::Rng;
use http::Method;
use serde_json::{Value, json};
use stepgate_client::{Application, Authorization, Client, Environment, Request, User, requests};

/// What is behind a name that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sms,
    Email,
    Both,
    NoDevice,
    Disabled,
    Locked,
    MfaOff,
    Blocked,
    /// With a number that no messages may go to.
    Abroad,
}

/// Of twenty users in a row.
const KINDS: [(Kind, usize); 9] = [
    (Kind::Sms, 5),
    (Kind::Email, 3),
    (Kind::Both, 3),
    (Kind::NoDevice, 2),
    (Kind::Disabled, 2),
    (Kind::Locked, 2),
    (Kind::MfaOff, 1),
    (Kind::Blocked, 1),
    (Kind::Abroad, 1),
];
const DOMAINS: [&str; 3] = ["example.com", "example.org", "mail.example.net"];
const PASSWORD: &str = "Correct-horse-7-battery";
/// Every so manieth user has no password.
const WITHOUT_PASSWORD: usize = 5;

#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) name: String,
    /// As it is typed: now and then in capitals.
    pub(super) typed: String,
    /// The groups that the user is of; none for nobody.
    pub(super) groups: Vec<&'static str>,
    user: Option<(Kind, usize)>,
}

impl Person {
    pub(super) fn is_somebody(&self) -> bool {
        self.user.is_some()
    }
}

impl Kind {
    fn group(self) -> &'static str {
        match self {
            Self::Sms => "a phone",
            Self::Email => "a mailbox",
            Self::Both => "a phone and a mailbox",
            Self::NoDevice => "no device",
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::MfaOff => "MFA off",
            Self::Blocked => "a blocked phone",
            Self::Abroad => "a phone abroad",
        }
    }
    fn has_phone(self, number: usize) -> bool {
        match self {
            Self::Sms | Self::Both | Self::Blocked | Self::Abroad => true,
            Self::Email | Self::NoDevice => false,
            Self::Disabled | Self::Locked | Self::MfaOff => number.is_multiple_of(2),
        }
    }
    fn has_mailbox(self, number: usize) -> bool {
        match self {
            Self::Email | Self::Both => true,
            Self::Sms | Self::NoDevice | Self::Blocked | Self::Abroad => false,
            Self::Disabled | Self::Locked | Self::MfaOff => !number.is_multiple_of(2),
        }
    }
}

/// So many names of each, of the same lengths, in a random order.
pub(super) fn invent(rng: &mut Rng, samples: usize) -> Vec<Person> {
    let kinds: Vec<Kind> = KINDS
        .iter()
        .flat_map(|&(kind, times)| vec![kind; times])
        .collect();
    let mut taken = HashSet::new();
    let mut people = Vec::with_capacity(samples * 2);
    for (number, &kind) in kinds.iter().cycle().take(samples).enumerate() {
        let lengths = [rng.usize(4..=9), rng.usize(4..=11)];
        let mut groups = vec![kind.group()];
        if has_no_password(number) {
            groups.push("no password");
        }
        people.push(person(
            rng,
            &mut taken,
            lengths,
            groups,
            Some((kind, number)),
        ));
        people.push(person(rng, &mut taken, lengths, Vec::new(), None));
    }
    rng.shuffle(&mut people);
    people
}

fn person(
    rng: &mut Rng,
    taken: &mut HashSet<String>,
    lengths: [usize; 2],
    groups: Vec<&'static str>,
    user: Option<(Kind, usize)>,
) -> Person {
    let name = loop {
        let [given, family] =
            lengths.map(|length| (0..length).map(|_| rng.lowercase()).collect::<String>());
        let name = format!("{given}.{family}");
        if taken.insert(name.clone()) {
            break name;
        }
    };
    let in_capitals = rng.usize(..3) == 0;
    let typed = if in_capitals {
        name.to_uppercase()
    } else {
        name.clone()
    };
    Person {
        name,
        typed,
        groups,
        user,
    }
}

fn has_no_password(number: usize) -> bool {
    number % WITHOUT_PASSWORD == WITHOUT_PASSWORD - 1
}

/// Where names are typed.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) environment: String,
    /// The client id of the application whose policy is a second factor by SMS or e-mail.
    pub(super) mfa: String,
    /// Of the one whose policy begins with a password.
    pub(super) login: String,
}

/// Sets the environment up and stores the users.
pub(super) async fn settle(
    client: &Client,
    environment: &Environment,
    people: &[Person],
) -> anyhow::Result<Place> {
    let office = Office {
        client,
        environment,
    };
    let mfa = json!({ "type": "MULTI_FACTOR_AUTHENTICATION", "priority": 1, "noDevicesMode": "BLOCK",
        "sms": { "enabled": true }, "email": { "enabled": true } });
    let login = json!({ "type": "LOGIN", "priority": 1 });
    let place = Place {
        environment: environment.id.clone(),
        mfa: office.application("Codes", &mfa).await?,
        login: office.application("Passwords", &login).await?,
    };
    let population = requests::population(&environment.id, "Customers");
    let population = office.make(population).await?;
    for person in people {
        if let Some((kind, number)) = person.user {
            office
                .store(&population, &person.name, kind, number)
                .await?;
        }
    }
    office.send_nothing_abroad().await?;
    Ok(place)
}

/// Whoever may administer the environment.
struct Office<'a> {
    client: &'a Client,
    environment: &'a Environment,
}

impl Office<'_> {
    /// The answer's body, whatever the successful status is.
    async fn ask(&self, request: Request) -> anyhow::Result<Value> {
        let request = Request {
            authorization: Authorization::Bearer(self.environment.token.clone()),
            ..request
        };
        let exchange = self.client.exchange(request).await?;
        let status = exchange.answer.status;
        Ok(exchange
            .expect(if status < 300 { status } else { 200 })?
            .body)
    }

    /// The id of what was made.
    async fn make(&self, request: Request) -> anyhow::Result<String> {
        let made = self.ask(request).await?;
        let id = made.pointer("/id").and_then(Value::as_str);
        Ok(id.context("what was made has no id")?.to_owned())
    }

    fn at(&self, rest: &str) -> String {
        requests::management(&self.environment.id, rest)
    }

    /// An application and its policy of one action.
    async fn application(&self, name: &str, action: &Value) -> anyhow::Result<String> {
        let env = &self.environment.id;
        let application = Application {
            name: name.to_owned(),
            ..Application::default()
        };
        let application = self.make(requests::application(env, &application)).await?;
        let policy = self.make(requests::sign_on_policy(env, name)).await?;
        let actions = self.at(&format!("signOnPolicies/{policy}/actions"));
        self.ask(Request::post(actions).json(action)).await?;
        self.ask(requests::policy_assignment(env, &application, &policy))
            .await?;
        Ok(application)
    }

    async fn store(
        &self,
        population: &str,
        name: &str,
        kind: Kind,
        number: usize,
    ) -> anyhow::Result<()> {
        let env = &self.environment.id;
        let domain = DOMAINS
            .get(number % DOMAINS.len())
            .copied()
            .unwrap_or_default();
        let email = format!("{name}@{domain}");
        let user = self.make(Request::post(self.at("users")).json(&json!({
            "username": name, "email": email, "population": { "id": population }, "mfaEnabled": kind != Kind::MfaOff,
        })));
        let user = user.await?;
        if !has_no_password(number) {
            self.ask(requests::set_password(env, &user, PASSWORD))
                .await?;
        }
        let devices = self.at(&format!("users/{user}/devices"));
        if kind.has_phone(number) {
            let phone = if kind == Kind::Abroad {
                format!("+49.1701{number:06}")
            } else {
                User::numbered(u32::try_from(number)?).phone
            };
            let device = self.make(requests::sms_device(env, &user, &phone)).await?;
            if kind == Kind::Blocked {
                let block = Request::post(format!("{devices}/{device}"));
                let block = block.typed(
                    "application/vnd.pingidentity.device.block+json",
                    "{}".to_owned(),
                );
                self.ask(block).await?;
            }
        }
        if kind.has_mailbox(number) {
            let body = json!({ "type": "EMAIL", "email": email });
            self.ask(Request::post(devices).json(&body)).await?;
        }
        let path = self.at(&format!("users/{user}"));
        if kind == Kind::Locked {
            let lock = Request::post(path);
            let lock = lock.typed(
                "application/vnd.pingidentity.account.lock+json",
                "{}".to_owned(),
            );
            self.ask(lock).await?;
        } else if kind == Kind::Disabled {
            let path = format!("{path}/enabled");
            let body = json!({ "enabled": false });
            self.ask(Request::new(Method::PUT, path).json(&body))
                .await?;
        }
        Ok(())
    }

    /// No message to Germany from now on; the phones there are paired already.
    async fn send_nothing_abroad(&self) -> anyhow::Result<()> {
        let all = self
            .ask(Request::get(self.at("notificationsPolicies")))
            .await?;
        let policy = all.pointer("/_embedded/notificationsPolicies/0");
        let mut policy = policy.context("no notification policy")?.clone();
        let id = policy.pointer("/id").and_then(Value::as_str);
        let path = self.at(&format!("notificationsPolicies/{}", id.context("no id")?));
        let members = policy.as_object_mut().context("no object")?;
        let limit = json!({ "type": "DENIED", "deliveryMethods": ["SMS"], "countries": ["DE"] });
        members.insert("countryLimit".to_owned(), limit);
        self.ask(Request::new(Method::PUT, path).json(&policy))
            .await?;
        Ok(())
    }
}
