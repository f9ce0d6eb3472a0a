use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use clap::Command;
use stepgate_domain::client_address::ForwardingHeader;

use super::*;
use crate::config;

fn settings(arguments: &[&str]) -> Result<Settings, Vec<String>> {
    let command = Command::new("serve").args(config::arguments());
    let matches = command
        .try_get_matches_from(["serve"].iter().chain(arguments))
        .unwrap();
    config::settings(&matches).map_err(|faults| faults.lines())
}

const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// A file with a key that only its owner reads.
fn private(path: PathBuf) -> PathBuf {
    fs::write(&path, format!("{KEY}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn a_loopback_listener_means_development_and_a_kept_key() {
    let settings = settings(&["--data", "d"]).unwrap();
    assert_eq!((settings.mode, settings.inbox), (Mode::Development, false));
    assert_eq!(settings.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert!(
        matches!(settings.master_key, MasterKey::Kept(path) if path == Path::new("d/master.key"))
    );
}

#[test]
fn an_open_listener_means_production_which_needs_a_key_and_a_public_url() {
    assert_eq!(
        settings(&["--data", "d", "--listen", "0.0.0.0:80"]).unwrap_err(),
        [
            "--public-url: is required in production mode: links and issuers are made from it",
            "--master-key-file: is required in production mode",
        ]
    );
}

#[test]
fn production_refuses_the_inbox_plain_http_and_a_key_inside_the_data_directory() {
    let data = tempfile::tempdir().unwrap();
    let key = private(data.path().join("key"));
    let faults = settings(&[
        "--data",
        data.path().to_str().unwrap(),
        "--mode",
        "production",
        "--inbox",
        "--public-url",
        "http://id.example.com",
        "--master-key-file",
        key.to_str().unwrap(),
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            "--public-url: must be https in production mode",
            "--master-key-file: must not be inside the data directory in production mode",
            "--inbox: the inbox needs development mode",
        ]
    );
}

#[test]
fn production_starts_with_https_and_a_key_of_the_operators() {
    let elsewhere = tempfile::tempdir().unwrap();
    let key = private(elsewhere.path().join("key"));
    let settings = settings(&[
        "--data",
        "d",
        "--listen",
        "0.0.0.0:80",
        "--public-url",
        "https://id.example.com/",
        "--master-key-file",
        key.to_str().unwrap(),
    ])
    .unwrap();
    assert_eq!(settings.public_urls.both, ["https://id.example.com"]);
    assert!(settings.proxies.is_none());
    assert!(
        matches!(settings.master_key, MasterKey::Given { key, .. } if *key.expose() == [7; 32])
    );
}

#[test]
fn production_refuses_a_key_that_is_linked_into_the_data_directory_or_open_to_everybody() {
    let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = private(elsewhere.path().join("key"));
    let faults = || {
        let settings = settings(&[
            "--data",
            data.path().to_str().unwrap(),
            "--mode",
            "production",
            "--public-url",
            "https://id.example.com",
            "--master-key-file",
            key.to_str().unwrap(),
        ]);
        settings.err().unwrap_or_default()
    };
    assert!(faults().is_empty());
    for name in ["copy", "below/copy"] {
        let link = data.path().join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        fs::hard_link(&key, &link).unwrap();
        assert_eq!(
            faults(),
            ["--master-key-file: must not be inside the data directory in production mode"]
        );
        fs::remove_file(link).unwrap();
    }
    fs::set_permissions(&key, Permissions::from_mode(0o604)).unwrap();
    assert_eq!(
        faults(),
        [
            "--master-key-file: must not be accessible to every user of the machine in production mode"
        ]
    );
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    assert!(faults().is_empty());
}

#[test]
fn the_inbox_needs_a_loopback_listener_even_in_development() {
    let faults = settings(&[
        "--data",
        "d",
        "--listen",
        "0.0.0.0:80",
        "--mode",
        "development",
        "--inbox",
    ]);
    assert_eq!(
        faults.unwrap_err(),
        ["--inbox: the inbox shows every code to everybody: it needs a loopback listener"]
    );
}

#[test]
fn faults_of_flags_and_file_are_reported_together() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stepgate.toml");
    fs::write(
        &file,
        "version = 1\nlisten = \"here\"\nnonsense = 1\n[sms]\nfrom = \"+1.5125550100\"\n",
    )
    .unwrap();
    let name = file.to_str().unwrap();
    let faults = settings(&[
        "--config",
        name,
        "--mode",
        "staging",
        "--public-url",
        "ftp://x",
    ])
    .unwrap_err();
    assert_eq!(
        faults,
        [
            format!("{name}:3: nonsense is not a setting"),
            "--data: is required".to_owned(),
            format!("{name}:2: must be an address and a port, for example 127.0.0.1:8080"),
            "--mode: must be production or development".to_owned(),
            "--public-url: must be http or https, with a host and nothing after it".to_owned(),
            "--sms-base-url: is required".to_owned(),
            "--sms-account-sid: is required".to_owned(),
            "--sms-auth-token-file: is required".to_owned(),
        ]
    );
}

#[test]
fn a_flag_beats_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stepgate.toml");
    fs::write(
        &file,
        "version = 1\ndata = \"from-file\"\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let settings = settings(&[
        "--config",
        file.to_str().unwrap(),
        "--listen",
        "127.0.0.1:2",
    ])
    .unwrap();
    assert_eq!(settings.data, Path::new("from-file"));
    assert_eq!(settings.listen, ["127.0.0.1:2".parse().unwrap()]);
}

#[test]
fn senders_are_read_with_their_secrets_from_files() {
    let directory = tempfile::tempdir().unwrap();
    let (file, token) = (
        directory.path().join("stepgate.toml"),
        directory.path().join("token"),
    );
    fs::write(&token, "a-token\n").unwrap();
    let text = format!(
        "version = 1\ndata = \"d\"\n[sms]\nbase_url = \"https://sms.example.com\"\naccount_sid = \"AC1\"\n\
         auth_token_file = {token:?}\nfrom = \"+1.5125550100\"\n\
         [smtp]\nhost = \"mail.example.com\"\nfrom = \"no-reply@example.com\"\nsecurity = \"tls\"\n",
    );
    fs::write(&file, text).unwrap();
    let settings = settings(&["--config", file.to_str().unwrap()]).unwrap();
    let (sms, smtp) = (settings.sms.unwrap(), settings.smtp.unwrap());
    assert_eq!(
        (sms.auth_token.expose().as_str(), sms.account_sid.as_str()),
        ("a-token", "AC1")
    );
    assert_eq!(
        (smtp.port, smtp.security, smtp.credentials.is_none()),
        (465, SmtpSecurity::Tls, true)
    );
}

#[test]
fn a_secret_given_twice_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stepgate.toml");
    fs::write(
        &file,
        format!("version = 1\ndata = \"d\"\nmaster_key = \"{KEY}\"\nmaster_key_file = \"k\"\n"),
    )
    .unwrap();
    let name = file.to_str().unwrap();
    assert_eq!(
        settings(&["--config", name]).unwrap_err(),
        [format!(
            "{name}:4: is given together with {name}:3: choose one"
        )]
    );
}

#[test]
fn debug_output_holds_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    fs::write(&key, KEY).unwrap();
    let settings = settings(&["--data", "d", "--master-key-file", key.to_str().unwrap()]).unwrap();
    assert!(!format!("{settings:?}").contains("7, 7"));
}

#[test]
fn floors_are_the_operators() {
    let usual = settings(&["--data", "d"]).unwrap().floors;
    assert_eq!((usual.address_hourly, usual.user_daily), (10, 50));
    assert_eq!(usual.typed_name_hourly, 3);
    let wide = [
        "--data",
        "d",
        "--limits-address-interval-seconds=0",
        "--limits-address-per-hour=100",
        "--limits-typed-name-per-hour=5",
    ];
    let floors = settings(&wide).unwrap().floors;
    assert!(floors.address_interval.is_zero());
    assert_eq!((floors.address_hourly, floors.user_daily), (100, 50));
    assert_eq!(floors.typed_name_hourly, 5);
    assert_eq!(
        settings(&["--data", "d", "--limits-user-per-day=none"]).unwrap_err(),
        ["--limits-user-per-day: must be a whole number from 1"]
    );
}

#[test]
fn names_may_be_typed_without_end_in_development_only() {
    let key = tempfile::NamedTempFile::new().unwrap();
    fs::write(key.path(), KEY).unwrap();
    let hourly = |mode: &str, more: &[&str]| {
        let key = key.path().to_str().unwrap();
        let public = "--public-url=https://id.example.test";
        let mut args = vec![
            "--data",
            "d",
            "--mode",
            mode,
            "--master-key-file",
            key,
            public,
        ];
        args.extend(more);
        settings(&args).unwrap().look_ups_hourly
    };
    assert_eq!(hourly("production", &[]), Some(20));
    assert_eq!(hourly("development", &[]), None);
    assert_eq!(
        hourly("production", &["--limits-look-ups-per-hour=0"]),
        None
    );
    let own = "--limits-look-ups-per-hour=7";
    assert_eq!(hourly("development", &[own]), Some(7));
}

#[test]
fn several_listeners_are_given_in_several_ways() {
    let both = ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stepgate.toml");
    let text = "version = 1\nlisten = [\"127.0.0.1:1\", \"[::1]:2\"]\n";
    fs::write(&file, text).unwrap();
    for arguments in [
        vec!["--listen", "127.0.0.1:1", "--listen", "[::1]:2"],
        vec!["--listen", "127.0.0.1:1, [::1]:2"],
        vec!["--config", file.to_str().unwrap()],
    ] {
        let arguments = [vec!["--data", "d"], arguments].concat();
        let settings = settings(&arguments).unwrap();
        assert_eq!(
            (settings.listen.as_slice(), settings.mode),
            (both.as_slice(), Mode::Development)
        );
    }
}

#[test]
fn one_open_listener_of_several_means_production() {
    let faults = settings(&["--data", "d", "--listen=127.0.0.1:80,0.0.0.0:80", "--inbox"]);
    assert_eq!(
        faults.unwrap_err(),
        [
            "--public-url: is required in production mode: links and issuers are made from it",
            "--master-key-file: is required in production mode",
            "--inbox: the inbox needs development mode",
            "--inbox: the inbox shows every code to everybody: it needs a loopback listener",
        ]
    );
    assert_eq!(
        settings(&["--data", "d", "--listen", "127.0.0.1:1,here,there"]).unwrap_err(),
        [
            "--listen: here: must be an address and a port, for example 127.0.0.1:8080",
            "--listen: there: must be an address and a port, for example 127.0.0.1:8080",
        ]
    );
    assert_eq!(
        settings(&["--data", "d", "--listen="]).unwrap_err(),
        ["--listen: must name at least one address"]
    );
}

#[test]
fn what_connections_may_cost_is_the_operators() {
    let usual = settings(&["--data", "d"]).unwrap().connections;
    assert_eq!((usual.headers.as_secs(), usual.per_address), (10, 100));
    let own = settings(&[
        "--data",
        "d",
        "--connections-headers-seconds=3",
        "--connections-maximum=7",
    ]);
    let own = own.unwrap().connections;
    assert_eq!((own.headers.as_secs(), own.connections), (3, 7));
    let faults = settings(&[
        "--data",
        "d",
        "--connections-idle-seconds=soon",
        "--connections-maximum=999999999999",
        "--connections-per-address=0",
    ]);
    let faults = faults.unwrap_err();
    assert_eq!(
        faults[0],
        "--connections-idle-seconds: must be a whole number from 1"
    );
    assert!(
        faults[1].starts_with("--connections-maximum: must be at most "),
        "{faults:?}"
    );
    assert_eq!(
        faults[2],
        "--connections-per-address: must be a whole number from 1"
    );
}

#[test]
fn a_certificate_needs_its_own_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (cert, key, other) = (path("cert"), path("key"), path("other"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let another = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&other, another.signing_key.serialize_pem()).unwrap();
    let with = |cert: &str, key: &str| {
        settings(&["--data", "d", "--tls-cert", cert, "--tls-key", key])
            .map(|settings| settings.tls.is_some())
            .map_err(|faults| faults.join("\n"))
    };
    assert_eq!(with(&cert, &key), Ok(true));
    let fault = with(&cert, &other).unwrap_err();
    assert!(
        fault.starts_with(&format!("--tls-key: {other} is not the key of {cert}")),
        "{fault}"
    );
    assert_eq!(
        with(&key, &key),
        Err(format!("--tls-cert: {key} holds no certificate"))
    );
    assert_eq!(
        with(&cert, &cert),
        Err(format!("--tls-key: {cert} holds no private key"))
    );
    let fault = with(&path("nowhere"), &key).unwrap_err();
    assert!(fault.starts_with("--tls-cert: "), "{fault}");
    assert_eq!(
        settings(&["--data", "d", "--tls-cert", &cert]).unwrap_err(),
        ["--tls-key: is required"]
    );
}

#[test]
fn public_urls_may_be_several_and_each_side_may_have_its_own() {
    let several = settings(&[
        "--data=d",
        "--public-url=https://one.example.com:443,https://Two.example.com",
        "--public-url=http://[::1]:8080",
    ]);
    assert_eq!(
        several.unwrap().public_urls.both,
        [
            "https://one.example.com",
            "https://two.example.com",
            "http://[::1]:8080"
        ]
    );
    let sides = [
        "--data=d",
        "--api-url=https://api.example.com",
        "--auth-url=https://auth.example.com",
    ];
    let urls = settings(&sides).unwrap().public_urls;
    assert!(urls.both.is_empty());
    assert_eq!(urls.management.as_deref(), Some("https://api.example.com"));
    assert_eq!(
        urls.authentication.as_deref(),
        Some("https://auth.example.com")
    );
    assert_eq!(
        settings(&sides[..2]).unwrap_err(),
        ["--auth-url: is required where only the other side's URL is given"]
    );
}

#[test]
fn a_public_url_with_a_path_is_refused_by_name() {
    let rule = "must be http or https, with a host and nothing after it";
    for (key, beside) in [
        ("public-url", "--log=info"),
        ("api-url", "--public-url=https://id.example.com"),
        ("auth-url", "--public-url=https://id.example.com"),
    ] {
        let given = format!("--{key}=https://example.com/identity");
        let faults = settings(&["--data=d", beside, &given]);
        assert_eq!(faults.unwrap_err(), [format!("--{key}: {rule}")]);
    }
}

#[test]
fn trusted_proxies_come_with_the_header_that_they_write() {
    let given = |arguments: &[&str]| settings(&[&["--data=d"], arguments].concat());
    let proxies = given(&[
        "--trusted-proxies=127.0.0.1,10.0.0.0/8",
        "--trusted-proxies=2001:db8::/32",
        "--forwarded-header=x-forwarded-for",
    ]);
    let settings_with = proxies.unwrap();
    // The limit for each address is not for those who speak for many.
    assert_eq!(settings_with.connections.exempt.len(), 3);
    let proxies = settings_with.proxies.unwrap();
    let written: Vec<String> = proxies.trusted.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["127.0.0.1/32", "10.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(proxies.header, ForwardingHeader::XForwardedFor);
    let none = given(&["--trusted-proxies="]).unwrap().proxies;
    assert!(none.unwrap().trusted.is_empty());
    assert!(given(&[]).unwrap().proxies.is_none());
    assert_eq!(
        given(&["--trusted-proxies=10.0.0.0/8,here,10.0.0.0/33"]).unwrap_err(),
        [
            "--trusted-proxies: here: is no address or block of addresses",
            "--trusted-proxies: 10.0.0.0/33: is no address or block of addresses",
            "--forwarded-header: is required with trusted_proxies",
        ]
    );
    assert_eq!(
        given(&["--forwarded-header=X-Real-IP"]).unwrap_err(),
        [
            "--forwarded-header: must be Forwarded or X-Forwarded-For",
            "--trusted-proxies: is required with forwarded_header",
        ]
    );
}
