//! When there is no redirect URI that an error may be sent to.

use askama::Template;

use super::Page;

#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Whole sentences, for the person who is stuck.
    pub message: String,
    /// Under which the log tells more.
    pub correlation_id: Option<String>,
}

impl ErrorPage {
    /// The sign-on is unknown, over, or belongs to another browser; which one, nobody is told.
    pub fn expired() -> Self {
        Self {
            message: "The request has expired or is invalid.".to_owned(),
            correlation_id: None,
        }
    }
}

impl Page for ErrorPage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_correlation_id() {
        let page = ErrorPage {
            message: "Redirect URI <mismatch>".to_owned(),
            correlation_id: Some("0198-\"x\"".to_owned()),
        };
        let html = page.render().unwrap();
        assert!(html.contains("Redirect URI &#60;mismatch&#62;"), "{html}");
        assert!(html.contains("0198-&#34;x&#34;"), "{html}");
        assert!(!html.contains("<form"));
    }

    #[test]
    fn an_expired_sign_on_says_so_and_nothing_more() {
        let html = ErrorPage::expired().render().unwrap();
        assert!(html.contains("The request has expired or is invalid."));
        assert!(!html.contains("Correlation"));
    }
}
