//! Three wire standards, three renderers.

pub(crate) mod flow;
pub mod management;
pub mod oauth;
pub mod page;

use axum::response::Response;

use crate::{exchange::Exchange, refusal::Refusal};

/// An error that knows its wire form.
pub trait Render {
    /// Why, for who reads the log.
    fn refusal(&self) -> Refusal;
    fn render(self, exchange: &Exchange) -> Response;
}
