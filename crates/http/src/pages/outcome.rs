//! The end of a sign-on, before the browser returns to the application.

use askama::Template;

use super::Page;

/// Goes on to the application by itself, and by a link where the browser does not.
#[derive(Debug, Template)]
#[template(path = "completed.html")]
pub struct CompletedPage {
    pub application: Option<String>,
    /// The flow's `resumeUrl`.
    pub continue_url: String,
}

/// Waits for the person to read why, then returns to the application with the error.
#[derive(Debug, Template)]
#[template(path = "failed.html")]
pub struct FailedPage {
    pub application: Option<String>,
    /// The flow's `error.message`.
    pub message: String,
    /// The flow's `resumeUrl`, where there is one.
    pub continue_url: Option<String>,
}

impl Page for CompletedPage {}
impl Page for FailedPage {}

#[cfg(test)]
mod tests {
    use super::*;

    const RESUME: &str = "https://auth.example.test/9e0a/as/resume?flowId=7c1f&x='\"";
    const ESCAPED: &str = "https://auth.example.test/9e0a/as/resume?flowId=7c1f&#38;x=&#39;&#34;";

    #[test]
    fn a_completed_sign_on_goes_on_by_itself_and_by_a_link() {
        let page = CompletedPage {
            application: Some("Shop & <Co>".to_owned()),
            continue_url: RESUME.to_owned(),
        };
        let html = page.render().unwrap();
        assert!(
            html.contains(&format!(
                "<meta http-equiv=\"refresh\" content=\"0; url={ESCAPED}\">"
            )),
            "{html}"
        );
        assert!(html.contains(&format!("href=\"{ESCAPED}\"")), "{html}");
        assert!(html.contains("Shop &#38; &#60;Co&#62;"), "{html}");
    }

    #[test]
    fn a_failed_sign_on_waits_to_be_read() {
        let mut page = FailedPage {
            application: None,
            message: "User has no usable <devices>".to_owned(),
            continue_url: Some(RESUME.to_owned()),
        };
        let html = page.render().unwrap();
        assert!(
            html.contains("User has no usable &#60;devices&#62;"),
            "{html}"
        );
        assert!(html.contains(&format!("href=\"{ESCAPED}\"")), "{html}");
        assert!(!html.contains("http-equiv"));

        page.continue_url = None;
        assert!(!page.render().unwrap().contains("href=\"https:"));
    }
}
