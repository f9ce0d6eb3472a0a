//! Three wire standards, three renderers.

pub(crate) mod flow;
pub mod management;
pub mod oauth;
pub mod page;

use axum::response::Response;

use crate::{exchange::Exchange, refusal::Refusal};

/// In whose form an operation answers errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// The platform's envelope.
    Platform,
    /// As OAuth has it; what OAuth does not know, in the envelope.
    OAuth,
    /// A page for people, either of the others for programs.
    Page,
}

/// An error that knows its wire form.
pub trait Render {
    const FORM: ErrorForm;
    /// Why, for who reads the log.
    fn refusal(&self) -> Refusal;
    fn render(self, exchange: &Exchange) -> Response;
}
