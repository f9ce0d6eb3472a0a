//! A client of the contract, over HTTP only: it shares no code with the server, so what it expects
//! is what any other client would.
//!
//! The demo, the tests and the load generator speak to a server with it.

mod hint;
mod http;
mod inbox;
pub mod requests;
mod tokens;
mod workflow;

pub use hint::{Hint, HintAlgorithm, UnknownAlgorithm};
pub use http::{Answer, Authorization, Client, ClientError, Exchange, Request};
pub use inbox::{Message, messages_to, next_message};
pub use tokens::{InvalidToken, at_hash, verify};
pub use workflow::{
    Application, Environment, SignOn, Step, Tenant, Tokens, User, Workflow, create_environment,
    redeem, worker_token,
};
