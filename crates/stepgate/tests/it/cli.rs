//! The command line.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Output, Stdio},
};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use stepgate_client::{Request, worker_token};

use crate::support::{Credentials, Server, command};

const SECRET: &str = "stepgate.contract-test_secret~0123456789abcdefghijklmnopqrstuvwx";
const AUDIENCE: &str = "https://auth.example.com/9e0a1111-2222-4333-8444-555566667777/as";

fn run(arguments: &[&str]) -> Output {
    command()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn claims(token: &str, algorithm: Algorithm) -> Value {
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&["a-client"]);
    jsonwebtoken::decode(
        token,
        &DecodingKey::from_secret(SECRET.as_bytes()),
        &validation,
    )
    .unwrap()
    .claims
}

#[test]
fn help_names_every_command() {
    let output = run(&["--help"]);
    let help = text(&output.stdout);
    assert!(output.status.success());
    for name in ["init", "recover", "serve", "demo", "hint-token", "openapi"] {
        assert!(help.contains(name), "{name} in\n{help}");
    }
}

#[test]
fn the_description_of_the_api_is_printed() {
    let output = run(&["openapi"]);
    assert!(output.status.success());
    let kept = include_str!("../../../../docs/openapi.json");
    assert!(
        text(&output.stdout) == kept,
        "docs/openapi.json is not what `stepgate openapi` prints; write it anew with `just openapi`"
    );
}

#[test]
fn help_of_serve_names_every_setting_with_its_variable_and_no_secret_argument() {
    let help = text(&run(&["serve", "--help"]).stdout);
    for name in [
        "--listen",
        "STEPGATE_LISTEN",
        "--inbox",
        "--sms-auth-token-file",
        "STEPGATE_SMTP_PASSWORD_FILE",
    ] {
        assert!(help.contains(name), "{name} in\n{help}");
    }
    assert!(!help.contains("--master-key <"), "{help}");
}

#[test]
fn no_command_is_misuse() {
    assert_eq!(run(&[]).status.code(), Some(2));
    assert_eq!(run(&["surf"]).status.code(), Some(2));
}

#[test]
fn all_faults_of_flags_variables_and_file_come_at_once_with_their_places() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stepgate.toml");
    fs::write(&file, "version = 1\nprt = 1\ninbox = \"perhaps\"\n").unwrap();
    let output = command()
        .args(["serve", "--listen", "nowhere", "--config"])
        .arg(&file)
        .env("STEPGATE_MODE", "staging")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let name = file.display();
    assert_eq!(
        text(&output.stderr),
        format!(
            "{name}:2: prt is not a setting\n\
             --data: is required\n\
             --listen: must be an address and a port, for example 127.0.0.1:8080\n\
             STEPGATE_MODE: must be production or development\n\
             {name}:3: must be true or false\n"
        )
    );
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_flag_beats_a_variable() {
    let output = command()
        .args(["serve", "--data", "d", "--mode", "from-flag"])
        .env("STEPGATE_MODE", "from-variable")
        .output()
        .unwrap();
    assert_eq!(
        text(&output.stderr),
        "--mode: must be production or development\n"
    );
}

#[test]
fn a_secret_of_the_environment_is_judged_but_never_repeated() {
    let output = command()
        .args(["serve", "--data", "d"])
        .env("STEPGATE_MASTER_KEY", "not-a-key-but-private")
        .output()
        .unwrap();
    assert_eq!(
        text(&output.stderr),
        "STEPGATE_MASTER_KEY: must be 32 bytes as hex or base64\n"
    );
}

#[test]
fn a_hint_from_the_command_line_holds_what_was_asked_and_lives_five_minutes() {
    let output = command()
        .args([
            "hint-token",
            "--client-id",
            "a-client",
            "--subject",
            "mira.k",
            "--audience",
            AUDIENCE,
        ])
        .env("STEPGATE_CLIENT_SECRET", SECRET)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let claims = claims(text(&output.stdout).trim_end(), Algorithm::HS256);
    assert_eq!(claims["sub"], "mira.k");
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        300
    );
}

#[test]
fn a_hint_can_be_signed_with_each_algorithm_and_the_secret_read_from_a_file_or_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    let common = [
        "hint-token",
        "--client-id",
        "a-client",
        "--subject",
        "u",
        "--issuer",
        AUDIENCE,
        "--expires-in",
        "60",
    ];

    let output = command()
        .args(common)
        .args(["--algorithm", "HS384", "--secret-file"])
        .arg(&file)
        .output()
        .unwrap();
    claims(text(&output.stdout).trim_end(), Algorithm::HS384);

    let mut child = command()
        .args(common)
        .args(["--algorithm", "HS512", "--secret-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(SECRET.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let claims = claims(text(&output.stdout).trim_end(), Algorithm::HS512);
    assert_eq!(
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
        60
    );
}

#[test]
fn every_fault_of_a_hint_is_told_at_once() {
    let output = run(&[
        "hint-token",
        "--client-id",
        "",
        "--subject",
        "u",
        "--audience",
        AUDIENCE,
        "--expires-in",
        "0",
        "--algorithm",
        "none",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "--expires-in: must be a number of seconds above 0\n\
         --algorithm: must be HS256, HS384 or HS512\n\
         --client-id: must not be empty\n\
         --secret-file: is required, unless STEPGATE_CLIENT_SECRET is set\n"
    );
}

#[test]
fn init_prints_its_credentials_once_as_json() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let output = command()
        .args(["init", "--json", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let credentials = Credentials::parse(&json);
    assert!(json["organization"]["id"].is_string());
    assert!(credentials.client_secret.len() >= 64);

    let again = command()
        .args(["init", "--json", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(
        !again.status.success(),
        "a second init must not make new credentials"
    );
    assert_eq!(text(&again.stdout), "");
}

#[tokio::test]
async fn environments_are_in_the_region_that_init_was_given() {
    let moon = run(&["init", "--region", "MOON"]);
    assert_eq!(moon.status.code(), Some(2));
    assert!(text(&moon.stderr).contains("EU"), "{}", text(&moon.stderr));

    let (server, credentials) = Server::initialized(&["--region", "EU"]).await;
    let client = server.client();
    let Credentials {
        environment,
        client_id,
        client_secret,
        ..
    } = &credentials;
    let token = worker_token(&client, environment, client_id, client_secret)
        .await
        .unwrap();
    let create = async |body: Value| {
        let request = Request::post("/v1/environments").json(&body);
        client.send(&request.bearer(&token)).await.unwrap()
    };
    let here = create(json!({ "name": "here", "type": "SANDBOX" })).await;
    assert_eq!((here.status, &here.body["region"]), (201, &json!("EU")));
    let elsewhere = json!({ "name": "there", "type": "SANDBOX", "region": "NA" });
    assert_eq!(create(elsewhere).await.status, 400);
}

#[test]
fn the_demo_succeeds_and_is_plain_in_a_pipe() {
    let output = run(&["demo"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(!shown.contains('\x1b'), "no colour in a pipe");
    assert!(shown.contains("16. resume, for the authorization code"));
    assert!(shown.contains("checks are as promised"));
}

#[test]
fn a_kept_demo_says_where_its_data_is_and_removes_it_when_asked_to_stop() {
    let mut demo = command()
        .args(["demo", "--keep"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let data = lines
        .find_map(|line| {
            Some(
                line.trim()
                    .strip_prefix("data directory")?
                    .trim()
                    .to_owned(),
            )
        })
        .unwrap();
    assert!(Path::new(&data).join("stepgate.db").exists(), "{data}");
    // The last line: from there on it waits.
    assert!(lines.any(|line| line.contains("login_hint_token=")));

    let asked = Command::new("kill")
        .args(["-TERM", &demo.id().to_string()])
        .status();
    assert!(asked.unwrap().success());
    assert!(demo.wait().unwrap().success());
    assert!(!Path::new(&data).exists(), "{data} was left behind");
}
