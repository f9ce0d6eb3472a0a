use reqwest::{Method, header};
use serde_json::json;

use crate::support::{PUBLIC, Trial, parameters, send, text};

#[tokio::test]
async fn a_hinted_flow_begins_by_query_by_form_by_an_empty_post_or_by_both() {
    let trial = Trial::start().await;
    let hint = trial.hint();
    let all = trial.parameters("pi.flow", Some(&hint));
    let (some, rest) = all.split_at(2);
    let query = |pairs: &[(&str, &str)]| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    };
    let post = |query: &str| {
        trial
            .server
            .at(Method::POST, &format!("as/authorize?{query}"))
    };
    for request in [
        trial.server.authorize(&all),
        post("").form(&all),
        post(&query(&all)),
        post(&query(some)).form(rest),
    ] {
        let answer = send(request).await;
        let flow = answer.json(200);
        assert_eq!(flow["status"], "OTP_REQUIRED", "{flow:#}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.header("cache-control").unwrap().contains("no-store"));
        trial.server.code().await;
        trial
            .server
            .advance(stepgate_domain::time::Duration::from_minutes(1));
    }
}

#[tokio::test]
async fn the_cookie_is_set_twice_and_stays_on_the_site_over_http() {
    let trial = Trial::start().await;
    let answer = trial.asked("pi.flow").await;
    let set = answer.set_cookies();
    let [first, second] = set[..] else {
        panic!("{set:?}")
    };
    let (token, attributes) = first.strip_prefix("ST=").unwrap().split_once(';').unwrap();
    assert!(attributes.starts_with(" Path=/; HttpOnly"), "{first}");
    assert!(attributes.ends_with("; SameSite=Lax"), "{first}");
    assert!(!first.contains("Secure"), "{first}");
    let again = second.strip_prefix(&format!("ST-NO-SS={token};")).unwrap();
    assert!(
        again.contains("HttpOnly") && !again.contains("SameSite"),
        "{second}"
    );
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_crosses_sites() {
    let trial = Trial::start().await;
    let hint = trial.hint_with(&json!({
        "aud": format!("{PUBLIC}/{}/as", trial.server.environment)
    }));
    let request = trial
        .server
        .authorize(&trial.parameters("pi.flow", Some(&hint)))
        .header(header::HOST, "id.example.test");
    let answer = send(request).await;
    let flow = answer.json(200);
    let base = format!("{PUBLIC}/{}", trial.server.environment);
    assert!(
        flow["resumeUrl"].as_str().unwrap().starts_with(&base),
        "{flow:#}"
    );
    let set = answer.set_cookies();
    assert!(
        set[0].contains("; Secure") && set[0].ends_with("; SameSite=None"),
        "{set:?}"
    );
    assert!(
        set[1].contains("; Secure") && !set[1].contains("SameSite"),
        "{set:?}"
    );
}

#[tokio::test]
async fn a_parameter_in_query_and_form_is_given_twice() {
    let trial = Trial::start().await;
    let all = trial.parameters("pi.flow", None);
    let request = trial
        .server
        .at(Method::POST, "as/authorize?state=x")
        .form(&all);
    let answer = send(request).await;
    answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "state");
    assert_eq!(answer.json(400)["error"], "invalid_request");
}

#[tokio::test]
async fn without_pi_flow_the_browser_goes_to_the_hosted_page() {
    let trial = Trial::start().await;
    let answer = trial.asked("query").await;
    let location = answer.location(302);
    let page = format!(
        "{}/{}/signon/?flowId=",
        trial.server.base, trial.server.environment
    );
    assert!(location.starts_with(&page), "{location}");
    let flow = &parameters(location)["flowId"];
    let cookies = answer.cookies();
    let names: Vec<&str> = cookies
        .split("; ")
        .filter_map(|pair| pair.split('=').next())
        .collect();
    assert_eq!(names, ["ST", "ST-NO-SS", &format!("ST-{flow}")]);
    assert!(!answer.headers.contains_key("content-type"));
}

#[tokio::test]
async fn an_applications_own_page_is_told_environment_and_flow() {
    let with = json!({ "loginPageUrl": "https://app.example.test/login?lang=en" });
    let trial = Trial::with(with, json!({ "sms": { "enabled": true } })).await;
    let answer = trial.asked("query").await;
    let location = answer.location(302);
    assert!(
        location.starts_with("https://app.example.test/login?lang=en&"),
        "{location}"
    );
    let told = parameters(location);
    assert_eq!(told["environmentId"], trial.server.environment.to_string());
    assert!(told.contains_key("flowId"));
}

#[tokio::test]
async fn a_bad_hint_is_told_to_pi_flow_in_both_languages() {
    let trial = Trial::start().await;
    let past = trial.server.now().as_seconds() - 3600;
    let hint = trial.hint_with(&json!({ "iat": past, "exp": past + 1 }));
    let answer = send(
        trial
            .server
            .authorize(&trial.parameters("pi.flow", Some(&hint))),
    )
    .await;
    let detail = answer.refused_for(400, "INVALID_DATA", "INVALID_VALUE", "login_hint_token");
    let body = answer.json(400);
    assert_eq!(detail["message"], "login_hint_token has expired");
    assert_eq!(body["error"], "invalid_request");
    assert_eq!(body["error_description"], "login_hint_token has expired");
    assert!(answer.set_cookies().is_empty());
    assert!(trial.server.no_message().await);
}

#[tokio::test]
async fn a_bad_hint_goes_back_to_the_client_in_redirect_modes() {
    let trial = Trial::start().await;
    let answer = send(
        trial
            .server
            .authorize(&trial.parameters("query", Some("a.b"))),
    )
    .await;
    let told = parameters(answer.location(302));
    assert_eq!(told["error"], "invalid_request");
    assert_eq!(told["state"], "x 1");
    let correlation = answer.header("correlation-id").unwrap();
    assert!(told["error_description"].contains(correlation), "{told:?}");

    let answer = send(
        trial
            .server
            .authorize(&trial.parameters("form_post", Some("a.b"))),
    )
    .await;
    answer.page(200, "name=\"error\" value=\"invalid_request\"");
}

#[tokio::test]
async fn silent_sign_on_without_a_session_is_refused() {
    let trial = Trial::start().await;
    let mut silent = trial.parameters("pi.flow", None);
    silent.push(("prompt", "none"));
    let answer = send(trial.server.authorize(&silent)).await;
    let body = answer.json(400);
    assert_eq!(body["code"], "REQUEST_FAILED");
    assert_eq!(body["details"][0]["code"], "LOGIN_REQUIRED");
    assert_eq!(body["error"], "login_required");
    assert_needs_authentication(&text(&body, "error_description"));

    for mode in ["query", "fragment"] {
        let mut silent = trial.parameters(mode, None);
        silent.push(("prompt", "none"));
        let (_, told) = send(trial.server.authorize(&silent)).await.redirected();
        assert_eq!(told["error"], "login_required");
        assert_needs_authentication(&told["error_description"]);
    }
}

/// What the vendor's browser SDK looks for before it leads to the sign-on.
#[track_caller]
fn assert_needs_authentication(description: &str) {
    let words = "User authentication is required";
    assert!(description.contains(words), "{description}");
}

#[tokio::test]
async fn who_cannot_be_sent_back_is_told_in_the_language_that_they_read() {
    let trial = Trial::start().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let parameters = [("client_id", unknown), ("response_type", "code")];

    let answer = send(trial.server.authorize(&parameters)).await;
    answer.page(400, answer.header("correlation-id").unwrap());

    let accept = |kind| {
        trial
            .server
            .authorize(&parameters)
            .header(header::ACCEPT, kind)
    };
    let body = send(accept("application/json")).await.json(400);
    assert_eq!(body["error"], "invalid_request");
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["error", "error_description"]);

    let mut flow = parameters.to_vec();
    flow.push(("response_mode", "pi.flow"));
    let body = send(trial.server.authorize(&flow)).await.json(400);
    assert_eq!(body["error"], "invalid_request");
    assert_eq!(body["details"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_unknown_environment_is_not_found() {
    let trial = Trial::start().await;
    for environment in ["00000000-0000-4000-8000-000000000000", "nonsense"] {
        let path = format!("/{environment}/as/authorize?client_id={}", trial.client);
        let request = trial.server.request(Method::GET, &path);
        let json = request.header(header::ACCEPT, "application/json");
        assert_eq!(
            send(json).await.json(404)["code"],
            "NOT_FOUND",
            "{environment}"
        );
        let page = send(trial.server.request(Method::GET, &path)).await;
        page.page(404, "was not found");
    }
}

#[tokio::test]
async fn a_head_begins_nothing() {
    let trial = Trial::start().await;
    let hint = trial.hint();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(trial.parameters("pi.flow", Some(&hint)))
        .finish();
    let answer = send(
        trial
            .server
            .at(Method::HEAD, &format!("as/authorize?{query}")),
    )
    .await;
    assert_eq!(answer.status, 405);
    assert!(answer.set_cookies().is_empty());
    assert!(trial.server.no_message().await);
    let flow = trial.begin().await;
    trial.server.code().await;
    let path = format!("as/resume?flowId={}", flow.id);
    assert_eq!(send(trial.server.at(Method::HEAD, &path)).await.status, 405);
}

#[tokio::test]
async fn a_flow_shows_the_application_with_its_icon() {
    let icon = json!({ "id": "9e0a1111-2222-4333-8444-555566667777",
        "href": "https://app.example.test/icon.png" });
    let action = json!({ "sms": { "enabled": true } });
    let trial = Trial::with(json!({ "icon": icon }), action).await;
    let shown = trial.asked("pi.flow").await.json(200);
    let application = json!({ "id": trial.client, "name": "Shop & Co", "icon": icon });
    assert_eq!(shown["_embedded"]["application"], application);
    assert_eq!(shown.get("application"), None, "there is one place for it");
    let bare = Trial::start().await.asked("pi.flow").await.json(200);
    assert_eq!(bare["_embedded"]["application"].get("icon"), None);
}
