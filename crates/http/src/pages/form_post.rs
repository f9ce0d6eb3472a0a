//! The authorization response that the browser carries to the application in a form (OAuth 2.0 Form
//! Post Response Mode).

use askama::Template;
use stepgate_domain::secret::Secret;

use super::Page;

/// Posts itself by the one script of all pages, or by its button where scripts do not run.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage {
    /// As registered and checked.
    pub redirect_uri: String,
    /// The response's parameters in their order: `code` or `error`, `state`, `iss`.
    pub parameters: Vec<(String, Secret<String>)>,
}

impl Page for FormPostPage {
    /// Names the script by its hash. There is no `form-action`: the form's target is the registered
    /// redirect URI, and where the application redirects to from there is its own affair.
    fn content_security_policy(&self) -> &'static str {
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
         script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='"
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};
    use data_encoding::BASE64;

    use super::*;

    fn page() -> FormPostPage {
        FormPostPage {
            redirect_uri: "https://app.example.test/cb?a=1&b=\"2\"".to_owned(),
            parameters: [
                ("code", "3d8c0f7e"),
                ("state", "\"><script>alert(1)</script>"),
            ]
            .map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned())))
            .to_vec(),
        }
    }

    #[test]
    fn the_response_is_posted_to_the_redirect_uri() {
        let html = page().render().unwrap();
        assert!(
            html.contains("<form method=\"post\" action=\"https://app.example.test/cb?a=1&#38;b=&#34;2&#34;\">"),
            "{html}"
        );
        assert!(
            html.contains("<input type=\"hidden\" name=\"code\" value=\"3d8c0f7e\">"),
            "{html}"
        );
        assert!(
            html.contains(
                "name=\"state\" value=\"&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;\""
            ),
            "{html}"
        );
        let (_, without_script) = html.split_once("<noscript>").unwrap();
        assert!(
            without_script
                .split_once("</noscript>")
                .unwrap()
                .0
                .contains("<button type=\"submit\">")
        );
    }

    #[test]
    fn the_policy_names_exactly_the_script_of_the_page() {
        let html = page().render().unwrap();
        let scripts: Vec<&str> = html
            .split("<script>")
            .skip(1)
            .map(|rest| rest.split_once("</script>").unwrap().0)
            .collect();
        let [script] = scripts[..] else {
            panic!("not one script: {scripts:?}")
        };
        let hash = BASE64.encode(digest(&SHA256, script.as_bytes()).as_ref());
        let policy = page().content_security_policy();
        assert!(
            policy.ends_with(&format!("script-src 'sha256-{hash}'")),
            "{hash}"
        );
    }

    #[test]
    fn debug_output_hides_the_code() {
        assert!(!format!("{:?}", page()).contains("3d8c0f7e"));
    }
}
