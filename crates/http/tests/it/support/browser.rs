//! A browser without JavaScript: it keeps cookies, follows what a page leads to, and posts the
//! page's forms with what a person typed.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, header};

use super::{Answer, Server, send};

pub(crate) struct Browser<'s> {
    server: &'s Server,
    cookies: BTreeMap<String, String>,
}

/// One form of a page: where it posts to, and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) post_to: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl<'s> Browser<'s> {
    pub(crate) fn new(server: &'s Server) -> Self {
        Self {
            server,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn cookie(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Sends as a browser that navigates, and keeps the cookies of the answer.
    pub(crate) async fn navigate(&mut self, request: RequestBuilder) -> Answer {
        let request = request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        let cookie = self.cookie();
        let answer = if cookie.is_empty() {
            send(request).await
        } else {
            send(request.header(header::COOKIE, cookie)).await
        };
        self.keep(&answer);
        answer
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for set in answer.set_cookies() {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// A page of this server, by its whole address.
    pub(crate) async fn open(&mut self, url: &str) -> Answer {
        let path = url.strip_prefix(&self.server.base).unwrap().to_owned();
        self.navigate(self.server.request(Method::GET, &path)).await
    }

    /// Posts a form as it is, with the header that browsers send along from a page that sends no
    /// referrer, and follows to the page that it leads to.
    pub(crate) async fn post(&mut self, form: &Form) -> Answer {
        let answer = self.post_only(form).await;
        if answer.status == 303 {
            let location = answer.location(303).to_owned();
            return self.open(&location).await;
        }
        answer
    }

    pub(crate) async fn post_only(&mut self, form: &Form) -> Answer {
        let request = self
            .request(form)
            .header(header::ORIGIN, "null")
            .header("sec-fetch-site", "same-origin");
        self.navigate(request).await
    }

    pub(crate) fn request(&self, form: &Form) -> RequestBuilder {
        let path = form.post_to.strip_prefix(&self.server.base).unwrap();
        self.server.request(Method::POST, path).form(&form.fields)
    }
}

impl Form {
    /// The page's first form for this action, with what a person types into it. The first choice
    /// that is checked is chosen.
    #[track_caller]
    pub(crate) fn of(page: &Answer, action: &str, typed: &[(&str, &str)]) -> Self {
        Self::all(page)
            .into_iter()
            .find(|form| form.field("action") == Some(action))
            .unwrap_or_else(|| panic!("no form for {action} in {}", page.text))
            .with(typed)
    }

    pub(crate) fn all(page: &Answer) -> Vec<Self> {
        let forms = page.text.split("<form").skip(1);
        forms
            .map(|rest| {
                let (form, _) = rest.split_once("</form>").unwrap();
                let inputs = form.split("<input").skip(1).filter(|input| {
                    let tag = input.split('>').next().unwrap();
                    !tag.contains("type=\"radio\"") || tag.contains(" checked")
                });
                let fields = inputs.map(|input| {
                    let value = attribute(input, "value").unwrap_or_default();
                    (attribute(input, "name").unwrap(), value)
                });
                Self {
                    post_to: attribute(form, "action").unwrap(),
                    fields: fields.collect(),
                }
            })
            .collect()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(other, _)| other == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The form with other values.
    #[must_use]
    pub(crate) fn with(mut self, typed: &[(&str, &str)]) -> Self {
        for (name, value) in typed {
            self.fields.retain(|(other, _)| other != name);
            self.fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(
        value
            .replace("&#38;", "&")
            .replace("&#34;", "\"")
            .replace("&#39;", "'"),
    )
}
