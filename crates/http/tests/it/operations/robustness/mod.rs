//! No input gets a 5xx, and whatever is refused is refused in the form that clients read: random
//! requests to every operation, so many of each.
//!
//! What is drawn follows from the seed alone; ids, secrets and codes are new in each run.

mod dice;
mod fields;
mod management;
mod public;
mod stranger;
mod verdict;

use std::fmt;

use reqwest::{Method, header::HeaderValue};
use stepgate_http::{
    api::{Guard, Operation},
    routes::operations,
};

use self::dice::Dice;
use crate::support::{Answer, Server};

/// To all operations together, at least.
const REQUESTS: usize = 20_000;
/// How much of a body is shown.
const SHOWN: usize = 4_000;

#[tokio::test]
async fn no_input_to_the_management_of_configuration_is_a_fault_of_the_server() {
    management::ask(41, |operation| !operation.path.contains("/users")).await;
}

#[tokio::test]
async fn no_input_to_the_management_of_users_is_a_fault_of_the_server() {
    management::ask(42, |operation| operation.path.contains("/users")).await;
}

#[tokio::test]
async fn no_input_of_strangers_is_a_fault_of_the_server() {
    public::ask(43).await;
}

/// Those of the server that are asked here.
fn wanted(is_wanted: impl Fn(&Operation) -> bool) -> impl Iterator<Item = Operation> {
    let all = operations().operations.into_iter();
    all.filter(move |operation| is_wanted(operation))
}

fn is_public(operation: &Operation) -> bool {
    operation.guard == Guard::Public
}

/// How often each operation is asked.
fn share() -> usize {
    REQUESTS.div_ceil(operations().operations.len())
}

/// A request, as it is told when its answer is none.
struct Input {
    method: Method,
    target: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:.4000}", self.method, self.target)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {:.1000}", value.escape_ascii().to_string())?;
        }
        let shown = self.body.get(..SHOWN).unwrap_or(&self.body);
        write!(f, "{} bytes: {}", self.body.len(), shown.escape_ascii())
    }
}

/// What was asked so far.
struct Run {
    seed: u8,
    dice: Dice,
    asked: usize,
    succeeded: usize,
    faults: Vec<String>,
}

impl Run {
    fn new(seed: u8) -> Self {
        Self {
            seed,
            dice: Dice::new(seed),
            asked: 0,
            succeeded: 0,
            faults: Vec::new(),
        }
    }

    async fn ask(
        &mut self,
        server: &Server,
        operation: &Operation,
        input: Input,
    ) -> Option<Answer> {
        let mut request = server
            .request(input.method.clone(), &input.target)
            .body(input.body.clone());
        for (name, value) in &input.headers {
            // What is none, no client can send.
            if let Ok(value) = HeaderValue::from_bytes(value) {
                request = request.header(*name, value);
            }
        }
        let answer = match request.send().await {
            Ok(response) => Some(Answer::of(response).await),
            Err(_) => None,
        };
        let fault = match &answer {
            Some(answer) => verdict::fault(operation, &input.method, answer),
            None => Some("no answer at all".to_owned()),
        };
        if let Some(fault) = fault {
            let (seed, number) = (self.seed, self.asked);
            let label = &operation.label;
            self.faults.push(format!(
                "seed {seed}, request {number}, {label}: {fault}\n{input:?}\n{answer:?}"
            ));
        }
        self.asked += 1;
        self.succeeded += usize::from(answer.as_ref().is_some_and(|it| it.status < 400));
        answer
    }

    /// Asks as clients do, so that it is known that the others go where they should.
    async fn reach(&mut self, server: &Server, operation: &Operation, input: Input) {
        let shown = format!("{input:?}");
        let answer = self.ask(server, operation, input).await.unwrap();
        let status = answer.status;
        assert!(
            ![401, 403, 404, 405, 412, 415].contains(&status),
            "{operation:?} {shown}\n{answer:?}"
        );
    }

    fn end(self) {
        let Self {
            asked,
            succeeded,
            faults,
            ..
        } = self;
        assert!(
            faults.is_empty(),
            "{} of {asked}\n{}",
            faults.len(),
            faults.join("\n\n")
        );
        assert!(
            succeeded * 5 > asked,
            "only {succeeded} of {asked} succeeded"
        );
    }
}
