//! Pages for people: the hosted sign-on page and what surrounds it, without JavaScript.
//!
//! Each page is a value that holds what is shown and nothing else. Which page is due, and what a
//! posted form means, is decided elsewhere.

use askama::Template;

mod error;
mod form_post;
mod inbox;
mod outcome;
mod sign_on;

pub use error::ErrorPage;
pub use form_post::FormPostPage;
pub use inbox::{InboxEntry, InboxPage};
pub use outcome::{CompletedPage, FailedPage};
pub use sign_on::{DeviceChoice, EarlierSignOn, SignOnPage, SignOnStep};

/// The style of all pages, to be served at [`STYLESHEET_PATH`] as `text/css; charset=utf-8`.
pub const STYLESHEET: &str = include_str!("../templates/pages.css");
pub const STYLESHEET_PATH: &str = "/stepgate.css";

/// A page for people.
pub trait Page: Template {
    /// The `Content-Security-Policy` to answer it with. It lets no page be framed, load anything but
    /// the stylesheet, or run a script other than [`FormPostPage`]'s; and lets forms post only here.
    ///
    /// Browsers hold the redirects that follow a form's post against `form-action` too. So a post
    /// must not be answered by a redirect to an application, but by [`CompletedPage`] or a redirect
    /// to it.
    fn content_security_policy(&self) -> &'static str {
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_loads_nothing() {
        assert!(!STYLESHEET.contains("url(") && !STYLESHEET.contains("@import"));
    }
}
