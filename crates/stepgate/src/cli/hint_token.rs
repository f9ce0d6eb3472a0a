//! `stepgate hint-token`: makes the signed hint that a client would make.

use std::{env, fs, io, process::ExitCode};

use anyhow::Context;
use clap::{Arg, ArgMatches, Command};
use stepgate_client::{Hint, HintAlgorithm};

use crate::{
    config::{Faults, Place},
    output,
};

const SECRET_VARIABLE: &str = "STEPGATE_CLIENT_SECRET";
/// A shorter secret is refused as the key of a hint.
const SHORTEST_SECRET: usize = 32;

pub(super) fn command() -> Command {
    Command::new("hint-token")
        .about("Sign a login_hint_token and print it")
        .long_about(
            "Sign a login_hint_token and print it. The client secret is read from --secret-file (- for \
             standard input) or from STEPGATE_CLIENT_SECRET.",
        )
        .arg(Arg::new("client-id").long("client-id").required(true).value_name("ID").help("The application's client id"))
        .arg(Arg::new("subject").long("subject").required(true).value_name("USER").help("User id or username"))
        .arg(
            Arg::new("audience")
                .long("audience")
                .visible_alias("issuer")
                .required(true)
                .value_name("URL")
                .help("The issuer of the environment: …/{environment}/as"),
        )
        .arg(
            Arg::new("expires-in")
                .long("expires-in")
                .default_value("300")
                .value_name("SECONDS")
                .help("How long the hint may be used"),
        )
        .arg(
            Arg::new("algorithm")
                .long("algorithm")
                .default_value("HS256")
                .value_name("ALG")
                .help("HS256, HS384 or HS512"),
        )
        .arg(Arg::new("secret-file").long("secret-file").value_name("FILE").help("File with the client secret, or -"))
}

pub(super) fn run(matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let mut faults = Faults::default();
    let text = |name: &str| {
        matches
            .get_one::<String>(name)
            .map(String::as_str)
            .unwrap_or_default()
    };

    let expires_in = text("expires-in")
        .parse::<u64>()
        .ok()
        .filter(|seconds| *seconds > 0);
    if expires_in.is_none() {
        faults.add(
            Place::named("--expires-in"),
            "must be a number of seconds above 0",
        );
    }
    let algorithm = text("algorithm").parse::<HintAlgorithm>();
    if let Err(error) = &algorithm {
        faults.add(Place::named("--algorithm"), error.to_string());
    }
    for name in ["client-id", "subject", "audience"] {
        if text(name).is_empty() {
            faults.add(Place::named(&format!("--{name}")), "must not be empty");
        }
    }
    let secret = secret(matches.get_one::<String>("secret-file"), &mut faults);

    let (Some(expires_in), Ok(algorithm), Some(secret), true) =
        (expires_in, algorithm, secret, faults.is_empty())
    else {
        return Err(faults.into());
    };
    let hint = Hint::starting_now(
        text("client-id"),
        text("subject"),
        text("audience"),
        expires_in,
    );
    output::only_copy(hint.sign(algorithm, &secret)?).context("the hint cannot be written")?;
    Ok(ExitCode::SUCCESS)
}

fn secret(file: Option<&String>, faults: &mut Faults) -> Option<String> {
    let (place, read) = match (file.map(String::as_str), env::var_os(SECRET_VARIABLE)) {
        (Some("-"), _) => ("--secret-file", io::read_to_string(io::stdin())),
        (Some(path), _) => ("--secret-file", fs::read_to_string(path)),
        (None, Some(secret)) => (SECRET_VARIABLE, Ok(secret.to_string_lossy().into_owned())),
        (None, None) => {
            let message = format!("is required, unless {SECRET_VARIABLE} is set");
            faults.add(Place::named("--secret-file"), message);
            return None;
        }
    };
    let message = match read {
        Ok(text) => {
            let secret = text.trim_end_matches(['\r', '\n']);
            if secret.len() >= SHORTEST_SECRET {
                return Some(secret.to_owned());
            }
            format!("the secret is shorter than {SHORTEST_SECRET} bytes")
        }
        Err(error) => format!("cannot be read: {error}"),
    };
    faults.add(Place::named(place), message);
    None
}
