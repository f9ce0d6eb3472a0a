//! Whose browser it is: cookies, pages of other sites, and the hosted page's forms.

use reqwest::{Method, RequestBuilder, header};
use serde_json::json;

use crate::support::{Answer, Flow, PAGE, REDIRECT_URI, held::Trial, send};

/// Every way to reach a flow, with this cookie.
fn ways(trial: &Trial, flow: &Flow, cookie: &str) -> Vec<RequestBuilder> {
    let other = Flow {
        cookie: cookie.to_owned(),
        ..flow.clone()
    };
    let read = trial.server.at(Method::GET, &format!("flows/{}", flow.id));
    let resume = trial
        .server
        .at(Method::GET, &format!("as/resume?flowId={}", flow.id));
    vec![
        read.header(header::COOKIE, cookie),
        resume.header(header::COOKIE, cookie),
        trial
            .server
            .act(&other, "otp.check", &json!({ "otp": "1" })),
        trial.server.act(
            &other,
            "device.select",
            &json!({ "device": { "id": trial.device } }),
        ),
        trial.server.act(&other, "session.reset", &json!({})),
        trial.server.act(&other, "user.consent", &json!({})),
    ]
}

#[tokio::test]
async fn a_flow_about_somebody_is_only_for_the_browser_that_it_was_begun_in() {
    let trial = Trial::start().await;
    let flow = trial.begin("mira.k").await;
    let code = trial.code().await;
    let (user, _) = trial.user("otto", "+4787654321").await;
    let others = trial.begin(&user).await.cookie;
    trial.sent().await;
    let (_, value) = flow.cookie.split_once('=').unwrap();
    let value = value.split(';').next().unwrap();
    let mut forged = value.to_owned();
    forged.replace_range(..1, if value.starts_with('A') { "B" } else { "A" });
    let cookies = [
        String::new(),
        others,
        format!("ST={forged}"),
        format!("ST={}", &value[..value.len() - 1]),
        format!("ST={value}x"),
        format!("st={value}"),
        format!("ST={}", flow.body["session"]["id"].as_str().unwrap()),
    ];
    for cookie in cookies {
        for request in ways(&trial, &flow, &cookie) {
            let refused = send(request).await;
            let (code, detail, ..) = refused.refusal(401);
            assert_eq!(
                (code.as_str(), detail.as_str()),
                ("ACCESS_FAILED", "INVALID_TOKEN")
            );
        }
    }
    assert_eq!(trial.judged().await, 0);
    assert!(trial.sent().await.is_empty());
    // Either cookie of the pair does, and others beside it do no harm.
    for cookie in [
        format!("ST-NO-SS={value}"),
        format!("a=b; ST=x; ST={value}"),
    ] {
        let one = Flow {
            cookie,
            ..flow.clone()
        };
        send(trial.server.read(&one)).await.json(200);
    }
    trial.server.check(&flow, &code).await.json(200);
}

#[tokio::test]
async fn the_cookie_of_before_the_sign_on_is_worth_no_single_sign_on() {
    let trial = Trial::start().await;
    let first = trial.begin("mira.k").await;
    let code = trial.code().await;
    trial.wait(10);
    // Begun in the same browser before the session is raised.
    let hint = trial.hint("mira.k");
    let mut parameters = trial.parameters("pi.flow");
    parameters.push(("login_hint_token", &hint));
    let with_cookie = |cookie: &str, parameters: &[(&str, &str)]| {
        let request = trial.server.authorize(parameters);
        send(request.header(header::COOKIE, cookie.to_owned()))
    };
    let second = Flow {
        cookie: first.cookie.clone(),
        ..Flow::of(&with_cookie(&first.cookie, &parameters).await)
    };
    let of_second = trial.code().await;
    trial.server.check(&first, &code).await.json(200);
    let resumed = send(trial.server.resume(&first)).await;
    resumed.json(200);
    let raised = resumed.cookies();
    assert_ne!(raised, "");
    assert_ne!(raised, first.cookie);
    // The old one still serves the flow that was begun with it, and nothing else.
    trial.server.check(&second, &of_second).await.json(200);
    let mut silent = trial.parameters("pi.flow");
    silent.push(("prompt", "none"));
    let old = with_cookie(&first.cookie, &silent).await;
    assert_eq!(old.refusal(400).1, "LOGIN_REQUIRED");
    let mut anew = trial.parameters("pi.flow");
    anew.push(("scope", "openid"));
    let stranger = Flow::of(&with_cookie(&first.cookie, &anew).await);
    assert_eq!(stranger.status(), "SIGN_ON_REQUIRED");
    assert!(stranger.body["_embedded"].get("user").is_none());
    let known = Flow::of(&with_cookie(&raised, &anew).await);
    assert_eq!(known.body["_embedded"]["user"]["username"], "mira.k");
}

fn allowed(answer: &Answer) -> (Option<&str>, Option<&str>) {
    let allowed = answer.header("access-control-allow-origin");
    (allowed, answer.header("access-control-allow-credentials"))
}

#[tokio::test]
async fn only_pages_of_the_application_may_act_with_the_cookie() {
    let trial = Trial::start().await;
    let flow = trial.begin("mira.k").await;
    let code = trial.code().await;
    let foreign = [
        "https://evil.test",
        "https://app.example.test.evil.test",
        "https://app.example.test:444",
        "http://app.example.test",
        "https://APP.example.test",
        "null",
    ];
    for origin in foreign {
        for request in ways(&trial, &flow, &flow.cookie) {
            let refused = send(request.header(header::ORIGIN, origin)).await;
            assert_eq!(refused.refusal(403).0, "ACCESS_FAILED", "{origin}");
            assert_eq!(allowed(&refused), (None, None), "{origin}");
        }
        let begun = trial
            .server
            .authorize(&trial.parameters("pi.flow"))
            .header(header::ORIGIN, origin);
        let begun = send(begun).await;
        assert_eq!(allowed(&begun), (None, None), "{origin}");
    }
    assert_eq!(trial.judged().await, 0);
    let body = json!({ "otp": code });
    let own = trial
        .server
        .act(&flow, "otp.check", &body)
        .header(header::ORIGIN, PAGE);
    let own = send(own).await;
    own.json(200);
    assert_eq!(allowed(&own), (Some(PAGE), Some("true")));
    assert_eq!(own.header("vary"), Some("Origin"));
}

#[tokio::test]
async fn no_form_of_another_site_acts_on_a_flow() {
    let trial = Trial::start().await;
    let flow = trial.begin("mira.k").await;
    trial.code().await;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json",
        "",
    ] {
        let mut request = trial
            .server
            .at(Method::POST, &format!("flows/{}", flow.id))
            .header(header::COOKIE, &flow.cookie)
            .body(r#"{"otp":"111111"}"#);
        if !media_type.is_empty() {
            request = request.header(header::CONTENT_TYPE, media_type);
        }
        assert_eq!(send(request).await.status, 415, "{media_type}");
    }
    assert_eq!(trial.judged().await, 0);
}

struct Page {
    flow: String,
    cookie: String,
    token: String,
}

fn field(html: &str, name: &str) -> String {
    let (_, after) = html
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    after.split_once('"').unwrap().0.to_owned()
}

async fn hosted(trial: &Trial) -> Page {
    let begun = trial.asked("query", Some(&trial.hint("mira.k"))).await;
    assert_eq!(begun.status, 302);
    let cookie = begun.cookies();
    let location = begun.header("location").unwrap();
    let path = location.strip_prefix(&trial.server.base).unwrap();
    let page = trial.server.request(Method::GET, path);
    let page = send(page.header(header::COOKIE, &cookie)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    Page {
        flow: field(&page.text, "flowId"),
        token: field(&page.text, "csrfToken"),
        cookie,
    }
}

fn post(trial: &Trial, page: &Page, token: Option<&str>, code: &str) -> RequestBuilder {
    let mut form = vec![
        ("flowId", page.flow.as_str()),
        ("action", "otp.check"),
        ("otp", code),
    ];
    form.extend(token.map(|token| ("csrfToken", token)));
    trial
        .server
        .at(Method::POST, "signon/")
        .header(header::COOKIE, &page.cookie)
        .form(&form)
}

#[tokio::test]
async fn the_hosted_page_takes_only_its_own_forms() {
    let trial = Trial::start().await;
    let page = hosted(&trial).await;
    let code = trial.code().await;
    trial.wait(10);
    let other = hosted(&trial).await;
    trial.sent().await;
    assert_ne!(page.token, other.token);
    let right = Some(page.token.as_str());
    let forged = [
        post(&trial, &page, None, &code),
        post(&trial, &page, Some(""), &code),
        post(&trial, &page, Some(&other.token), &code),
        post(&trial, &page, right, &code).header("origin", "https://evil.test"),
        post(&trial, &page, right, &code).header("origin", PAGE),
        post(&trial, &page, right, &code).header("sec-fetch-site", "cross-site"),
        post(&trial, &page, right, &code).header("sec-fetch-site", "same-site"),
        post(&trial, &page, right, &code)
            .header("origin", "null")
            .header("sec-fetch-site", "cross-site"),
    ];
    for request in forged {
        let refused = send(request).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
    }
    // Another browser that knows flow and token.
    let elsewhere = Page {
        flow: page.flow.clone(),
        token: page.token.clone(),
        cookie: other.cookie.clone(),
    };
    let refused = send(post(&trial, &elsewhere, right, &code)).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let none = Page {
        cookie: String::new(),
        ..elsewhere
    };
    assert_eq!(send(post(&trial, &none, right, &code)).await.status, 400);
    assert_eq!(trial.judged().await, 0);
    let done = post(&trial, &page, right, &code)
        .header("origin", &trial.server.base)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(send(done).await.status, 303);
}

#[tokio::test]
async fn the_answer_in_a_form_is_text_and_nothing_else() {
    let trial = Trial::start().await;
    let state = r#""><script>alert(1)</script><img src=x onerror='x'>&amp;"#;
    let hint = trial.hint("mira.k");
    let mut parameters = trial.parameters("form_post");
    parameters[3].1 = state;
    parameters.push(("login_hint_token", &hint));
    let begun = send(trial.server.authorize(&parameters)).await;
    let code = trial.code().await;
    let location = begun.header("location").unwrap();
    let flow = Flow {
        id: location.split_once("flowId=").unwrap().1.to_owned(),
        cookie: begun.cookies(),
        body: json!({}),
    };
    trial.server.check(&flow, &code).await.json(200);
    let granted = send(trial.server.resume(&flow)).await;
    parameters.push(("prompt", "sometimes"));
    let refused = send(trial.server.authorize(&parameters)).await;
    for page in [granted, refused] {
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(
            page.header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
        assert!(!page.text.contains("<img"), "{}", page.text);
        let echoed = field(&page.text, "state");
        let decoded = echoed
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#38;", "&");
        assert_eq!(decoded, state);
        assert!(page.text.contains(&format!("action=\"{REDIRECT_URI}\"")));
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}
