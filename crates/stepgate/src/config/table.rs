//! The list of settings: one row gives the flag, the environment variable and the key in the file.

use std::{collections::BTreeMap, env};

use clap::{Arg, ArgAction, ArgMatches, parser::ValueSource};

use super::fault::Place;

/// `a.b_c` in the file is `--a-b-c` on the command line and `STEPGATE_A_B_C` in the environment.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    /// Absent for secrets, which never stand in an argument.
    pub(crate) flag: Option<&'static str>,
    pub(crate) variable: &'static str,
    value: Kind,
    help: &'static str,
}

#[derive(Debug)]
enum Kind {
    Value(&'static str),
    /// Several values: the flag several times, or one text with commas.
    List(&'static str),
    Switch,
}

const fn value(
    key: &'static str,
    flag: &'static str,
    variable: &'static str,
    name: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        flag: Some(flag),
        variable,
        value: Kind::Value(name),
        help,
    }
}

const fn list(
    key: &'static str,
    flag: &'static str,
    variable: &'static str,
    name: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        key,
        flag: Some(flag),
        variable,
        value: Kind::List(name),
        help,
    }
}

const fn secret(key: &'static str, variable: &'static str) -> Setting {
    Setting {
        key,
        flag: None,
        variable,
        value: Kind::Value("SECRET"),
        help: "",
    }
}

pub(crate) const SETTINGS: &[Setting] = &[
    value(
        "config",
        "config",
        "STEPGATE_CONFIG",
        "FILE",
        "Configuration file (TOML)",
    ),
    value(
        "data",
        "data",
        "STEPGATE_DATA",
        "DIR",
        "Data directory; one process at a time writes to it",
    ),
    list(
        "listen",
        "listen",
        "STEPGATE_LISTEN",
        "ADDR",
        "Addresses and ports to listen on [default: 127.0.0.1:8080]",
    ),
    value(
        "metrics_listen",
        "metrics-listen",
        "STEPGATE_METRICS_LISTEN",
        "ADDR",
        "Address and port for /metrics alone [default: the main one, for this machine only]",
    ),
    list(
        "public_url",
        "public-url",
        "STEPGATE_PUBLIC_URL",
        "URL",
        "Where clients reach the server: scheme and host; of several, the first is canonical",
    ),
    value(
        "api_url",
        "api-url",
        "STEPGATE_API_URL",
        "URL",
        "Where they reach /v1 only, when it has a host of its own",
    ),
    value(
        "auth_url",
        "auth-url",
        "STEPGATE_AUTH_URL",
        "URL",
        "Where they reach the rest, when that has a host of its own",
    ),
    list(
        "trusted_proxies",
        "trusted-proxies",
        "STEPGATE_TRUSTED_PROXIES",
        "CIDR",
        "Proxies whose word on the client's address is taken; empty: there are none",
    ),
    value(
        "forwarded_header",
        "forwarded-header",
        "STEPGATE_FORWARDED_HEADER",
        "NAME",
        "Where they write it: Forwarded or X-Forwarded-For",
    ),
    value(
        "mode",
        "mode",
        "STEPGATE_MODE",
        "MODE",
        "production or development [default: development on loopback]",
    ),
    Setting {
        key: "inbox",
        flag: Some("inbox"),
        variable: "STEPGATE_INBOX",
        value: Kind::Switch,
        help: "Deliver messages to a page at /inbox (development, loopback only)",
    },
    value(
        "master_key_file",
        "master-key-file",
        "STEPGATE_MASTER_KEY_FILE",
        "FILE",
        "File with the master key: 32 bytes as hex or base64",
    ),
    secret("master_key", "STEPGATE_MASTER_KEY"),
    value(
        "address_file",
        "address-file",
        "STEPGATE_ADDRESS_FILE",
        "FILE",
        "Write the bound addresses here once ready, one a line",
    ),
    value(
        "tls.cert",
        "tls-cert",
        "STEPGATE_TLS_CERT",
        "FILE",
        "Certificate and chain (PEM): every listener speaks TLS",
    ),
    value(
        "tls.key",
        "tls-key",
        "STEPGATE_TLS_KEY",
        "FILE",
        "Private key of the certificate (PEM)",
    ),
    value(
        "log",
        "log",
        "STEPGATE_LOG",
        "FILTER",
        "What to log, for example info or warn [default: info]",
    ),
    value(
        "connections.headers_seconds",
        "connections-headers-seconds",
        "STEPGATE_CONNECTIONS_HEADERS_SECONDS",
        "SECONDS",
        "Time for the headers of a request [default: 10]",
    ),
    value(
        "connections.body_seconds",
        "connections-body-seconds",
        "STEPGATE_CONNECTIONS_BODY_SECONDS",
        "SECONDS",
        "Time for the body of a request [default: 30]",
    ),
    value(
        "connections.idle_seconds",
        "connections-idle-seconds",
        "STEPGATE_CONNECTIONS_IDLE_SECONDS",
        "SECONDS",
        "Time between two requests on a connection [default: 60]",
    ),
    value(
        "connections.write_seconds",
        "connections-write-seconds",
        "STEPGATE_CONNECTIONS_WRITE_SECONDS",
        "SECONDS",
        "Time in which a client must take something of its answer [default: 30]",
    ),
    value(
        "connections.grace_seconds",
        "connections-grace-seconds",
        "STEPGATE_CONNECTIONS_GRACE_SECONDS",
        "SECONDS",
        "Time to finish what is under way at the end [default: 10]",
    ),
    value(
        "connections.maximum",
        "connections-maximum",
        "STEPGATE_CONNECTIONS_MAXIMUM",
        "COUNT",
        "Connections in all [default and most: three quarters of the file descriptors]",
    ),
    value(
        "connections.per_address",
        "connections-per-address",
        "STEPGATE_CONNECTIONS_PER_ADDRESS",
        "COUNT",
        "Connections of one client address [default: 100]",
    ),
    value(
        "connections.body_bytes",
        "connections-body-bytes",
        "STEPGATE_CONNECTIONS_BODY_BYTES",
        "BYTES",
        "Request bodies in memory at once, in all [default: 33554432]",
    ),
    value(
        "limits.address_interval_seconds",
        "limits-address-interval-seconds",
        "STEPGATE_LIMITS_ADDRESS_INTERVAL_SECONDS",
        "SECONDS",
        "Least time between two messages to one address [default: 10]",
    ),
    value(
        "limits.address_per_hour",
        "limits-address-per-hour",
        "STEPGATE_LIMITS_ADDRESS_PER_HOUR",
        "COUNT",
        "Messages to one address in an hour [default: 10]",
    ),
    value(
        "limits.user_per_day",
        "limits-user-per-day",
        "STEPGATE_LIMITS_USER_PER_DAY",
        "COUNT",
        "Messages to one user in a day [default: 50]",
    ),
    value(
        "limits.typed_name_per_hour",
        "limits-typed-name-per-hour",
        "STEPGATE_LIMITS_TYPED_NAME_PER_HOUR",
        "COUNT",
        "Passcodes in an hour that one typed username asks for [default: 3]",
    ),
    value(
        "limits.look_ups_per_hour",
        "limits-look-ups-per-hour",
        "STEPGATE_LIMITS_LOOK_UPS_PER_HOUR",
        "COUNT",
        "Usernames typed in an hour at one client address that no sign-on came of; 0: any number \
         [default: 20, in development 0]",
    ),
    value(
        "audit.retention_days",
        "audit-retention-days",
        "STEPGATE_AUDIT_RETENTION_DAYS",
        "DAYS",
        "How long the audit trail is kept [default: 400]",
    ),
    value(
        "sms.base_url",
        "sms-base-url",
        "STEPGATE_SMS_BASE_URL",
        "URL",
        "Twilio-compatible gateway",
    ),
    value(
        "sms.account_sid",
        "sms-account-sid",
        "STEPGATE_SMS_ACCOUNT_SID",
        "SID",
        "Account at the gateway",
    ),
    value(
        "sms.auth_token_file",
        "sms-auth-token-file",
        "STEPGATE_SMS_AUTH_TOKEN_FILE",
        "FILE",
        "File with the account's token",
    ),
    secret("sms.auth_token", "STEPGATE_SMS_AUTH_TOKEN"),
    value(
        "sms.from",
        "sms-from",
        "STEPGATE_SMS_FROM",
        "NUMBER",
        "Number or name that messages come from",
    ),
    value(
        "smtp.host",
        "smtp-host",
        "STEPGATE_SMTP_HOST",
        "HOST",
        "Mail server",
    ),
    value(
        "smtp.port",
        "smtp-port",
        "STEPGATE_SMTP_PORT",
        "PORT",
        "Its port [default: by security 587, 465 or 25]",
    ),
    value(
        "smtp.security",
        "smtp-security",
        "STEPGATE_SMTP_SECURITY",
        "KIND",
        "starttls, tls or none [default: starttls]",
    ),
    value(
        "smtp.from",
        "smtp-from",
        "STEPGATE_SMTP_FROM",
        "ADDRESS",
        "Address that mail comes from",
    ),
    value(
        "smtp.username",
        "smtp-username",
        "STEPGATE_SMTP_USERNAME",
        "NAME",
        "Account at the mail server",
    ),
    value(
        "smtp.password_file",
        "smtp-password-file",
        "STEPGATE_SMTP_PASSWORD_FILE",
        "FILE",
        "File with its password",
    ),
    secret("smtp.password", "STEPGATE_SMTP_PASSWORD"),
];

impl Setting {
    pub(crate) const fn is_list(&self) -> bool {
        matches!(self.value, Kind::List(_))
    }
}

/// A value as it was written, and where. Those of a list have commas between them.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// The flags of a command that runs on a data directory.
pub(crate) fn arguments() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().filter_map(|setting| {
        let arg = Arg::new(setting.key)
            .long(setting.flag?)
            .env(setting.variable)
            .help(setting.help);
        Some(match setting.value {
            Kind::Value(name) => arg.value_name(name),
            Kind::List(name) => arg
                .value_name(name)
                .action(ArgAction::Append)
                .value_delimiter(','),
            Kind::Switch => arg
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("true")
                .value_name("BOOL"),
        })
    })
}

/// What the command line and the environment say; the command line wins.
pub(crate) fn given(matches: &ArgMatches) -> BTreeMap<&'static str, Given> {
    SETTINGS
        .iter()
        .filter_map(|setting| Some((setting.key, one(setting, matches)?)))
        .collect()
}

fn one(setting: &Setting, matches: &ArgMatches) -> Option<Given> {
    let Some(flag) = setting.flag else {
        let text = env::var_os(setting.variable)?
            .to_string_lossy()
            .into_owned();
        return Some(Given {
            text,
            place: Place::named(setting.variable),
        });
    };
    let values = matches.try_get_many::<String>(setting.key).ok()??;
    let text = values.map(String::as_str).collect::<Vec<_>>().join(",");
    let place = match matches.value_source(setting.key) {
        Some(ValueSource::EnvVariable) => Place::named(setting.variable),
        _ => Place::named(&format!("--{flag}")),
    };
    Some(Given { text, place })
}

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn the_three_names_of_a_setting_follow_from_its_key() {
        for setting in SETTINGS {
            let dashed = setting.key.replace(['.', '_'], "-");
            if let Some(flag) = setting.flag {
                assert_eq!(flag, dashed);
            }
            assert_eq!(
                setting.variable,
                format!("STEPGATE_{}", dashed.replace('-', "_").to_uppercase())
            );
        }
    }

    #[test]
    fn every_secret_can_be_given_by_file() {
        for secret in SETTINGS.iter().filter(|setting| setting.flag.is_none()) {
            let by_file = format!("{}_file", secret.key);
            assert!(
                SETTINGS.iter().any(|setting| setting.key == by_file),
                "{by_file}"
            );
        }
    }
}
