//! The settings, validated: what the rest of the binary is given.

use std::{
    fmt,
    fs::{self, Metadata},
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use stepgate_app::{
    app::{AUDIT_RETENTION, LOOK_UPS_HOURLY},
    origin::PublicUrls,
};
use stepgate_domain::{
    authenticator::sending::Floors, client_address::Proxies, secret::Secret, time::Duration,
};
use stepgate_http::server::{Files, Limits};
use url::Url;

use super::{
    Faults, MasterKey, connections, hosts, master_key,
    read::{Reader, text, whole},
};
use crate::{birth::is_open_to_others, telemetry};

const DEFAULT_LISTENER: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Production,
    Development,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Development => "development",
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) listen: Vec<SocketAddr>,
    /// Where the metrics are, when not beside everything else.
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) tls: Option<Files>,
    pub(crate) connections: Limits,
    /// Each is scheme and authority, without a trailing slash.
    pub(crate) public_urls: PublicUrls,
    /// `None`: the operator has not said what stands between.
    pub(crate) proxies: Option<Proxies>,
    pub(crate) mode: Mode,
    pub(crate) inbox: bool,
    pub(crate) master_key: MasterKey,
    pub(crate) address_file: Option<PathBuf>,
    pub(crate) log: String,
    /// What nobody may exceed in messages.
    pub(crate) floors: Floors,
    /// None: any number.
    pub(crate) look_ups_hourly: Option<u32>,
    pub(crate) audit_retention: Duration,
    pub(crate) sms: Option<SmsSettings>,
    pub(crate) smtp: Option<SmtpSettings>,
}

/// A gateway that speaks Twilio's API for messages.
#[derive(Debug, Clone)]
pub(crate) struct SmsSettings {
    pub(crate) base_url: String,
    pub(crate) account_sid: String,
    pub(crate) auth_token: Secret<String>,
    pub(crate) from: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmtpSecurity {
    StartTls,
    Tls,
    None,
}

#[derive(Debug, Clone)]
pub(crate) struct SmtpSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: SmtpSecurity,
    pub(crate) from: String,
    pub(crate) credentials: Option<(String, Secret<String>)>,
}

pub(super) fn resolve(mut reader: Reader) -> Result<Settings, Faults> {
    let data = reader.required("data", text).map(PathBuf::from);
    let listen = listeners(&mut reader);
    let metrics_listen = reader.optional("metrics_listen", address);
    let mode = reader
        .optional("mode", mode)
        .or_else(|| Some(mode_for(listen.as_deref()?)));
    let public_urls = hosts::public_urls(&mut reader, mode);
    let proxies = hosts::proxies(&mut reader);
    let inbox = reader.optional("inbox", switch).unwrap_or(false);
    let address_file = reader.optional("address_file", text).map(PathBuf::from);
    let log = reader
        .optional("log", |filter| {
            telemetry::parse_filter(filter).map(|_| filter.to_owned())
        })
        .unwrap_or_else(|| "info".to_owned());
    let master_key = master_key(&mut reader, data.as_deref(), mode);
    let tls = connections::tls(&mut reader);
    let connections = Limits {
        // Each of them speaks for many.
        exempt: proxies
            .iter()
            .flat_map(|proxies| proxies.trusted.clone())
            .collect(),
        ..connections::limits(&mut reader)
    };
    let floors = floors(&mut reader);
    let look_ups_hourly = look_ups_hourly(&mut reader, mode);
    let audit_retention = reader
        .optional("audit.retention_days", |text| whole(text, 1))
        .map_or(AUDIT_RETENTION, |days| Duration::from_days(days.into()));
    let sms = reader
        .has_section("sms")
        .then(|| sms(&mut reader))
        .flatten();
    let smtp = reader
        .has_section("smtp")
        .then(|| smtp(&mut reader))
        .flatten();

    if inbox && mode == Some(Mode::Production) {
        reader.complain("inbox", "the inbox needs development mode");
    }
    if inbox
        && listen
            .as_deref()
            .is_some_and(|listen| !all_loopback(listen))
    {
        reader.complain(
            "inbox",
            "the inbox shows every code to everybody: it needs a loopback listener",
        );
    }

    let settings = (|| {
        let (data, listen, mode, master_key) = (data?, listen?, mode?, master_key?);
        Some(Settings {
            data,
            listen,
            metrics_listen,
            tls,
            connections,
            public_urls,
            proxies,
            mode,
            inbox,
            master_key,
            address_file,
            log,
            floors,
            look_ups_hourly,
            audit_retention,
            sms,
            smtp,
        })
    })();
    reader.finish(settings)
}

fn floors(reader: &mut Reader) -> Floors {
    let usual = Floors::default();
    Floors {
        address_interval: reader
            .optional("limits.address_interval_seconds", |text| whole(text, 0))
            .map_or(usual.address_interval, |seconds| {
                Duration::from_seconds(i64::from(seconds))
            }),
        address_hourly: reader
            .optional("limits.address_per_hour", |text| whole(text, 1))
            .unwrap_or(usual.address_hourly),
        user_daily: reader
            .optional("limits.user_per_day", |text| whole(text, 1))
            .unwrap_or(usual.user_daily),
        typed_name_hourly: reader
            .optional("limits.typed_name_per_hour", |text| whole(text, 1))
            .unwrap_or(usual.typed_name_hourly),
    }
}

/// On a laptop one types the same few names all day.
fn look_ups_hourly(reader: &mut Reader, mode: Option<Mode>) -> Option<u32> {
    let usual = if mode == Some(Mode::Development) {
        0
    } else {
        LOOK_UPS_HOURLY
    };
    let hourly = reader
        .optional("limits.look_ups_per_hour", |text| whole(text, 0))
        .unwrap_or(usual);
    (hourly > 0).then_some(hourly)
}

fn listeners(reader: &mut Reader) -> Option<Vec<SocketAddr>> {
    if reader.raw("listen").is_none() {
        return Some(vec![DEFAULT_LISTENER.into()]);
    }
    let listen = reader.list("listen", address)?;
    if listen.is_empty() {
        reader.complain("listen", "must name at least one address");
        return None;
    }
    Some(listen)
}

fn master_key(reader: &mut Reader, data: Option<&Path>, mode: Option<Mode>) -> Option<MasterKey> {
    let production = mode == Some(Mode::Production);
    let by_file = reader
        .raw("master_key_file")
        .map(|given| PathBuf::from(&given.text));
    if reader.raw("master_key").is_none() && by_file.is_none() {
        if production {
            reader.complain("master_key_file", "is required in production mode");
        }
        return Some(MasterKey::Kept(data?.join("master.key")));
    }
    if production && let Some(file) = &by_file {
        if data.is_some_and(|data| is_inside(file, data) || is_linked_into(file, data)) {
            reader.complain(
                "master_key_file",
                "must not be inside the data directory in production mode",
            );
        }
        if is_open_to_others(file) {
            reader.complain(
                "master_key_file",
                "must not be accessible to every user of the machine in production mode",
            );
        }
    }
    let key = reader.secret("master_key")?;
    let place = if reader.raw("master_key").is_some() {
        "master_key"
    } else {
        "master_key_file"
    };
    match master_key::decode(key.expose()) {
        Ok(key) => Some(MasterKey::Given { key, file: by_file }),
        Err(message) => {
            reader.complain(place, message);
            None
        }
    }
}

/// Whether `file` is in `directory`, links followed as far as the paths exist.
fn is_inside(file: &Path, directory: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    match (real(file), real(directory)) {
        (Ok(file), Ok(directory)) => file.starts_with(directory),
        _ => false,
    }
}

/// Whether an entry of the directory is the same file by another name.
fn is_linked_into(file: &Path, directory: &Path) -> bool {
    let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    let Ok(wanted) = fs::metadata(file).map(|metadata| identity(&metadata)) else {
        return false;
    };
    fs::read_dir(directory).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => is_linked_into(file, &path),
                Ok(_) => fs::metadata(&path).is_ok_and(|metadata| identity(&metadata) == wanted),
                Err(_) => false,
            }
        })
    })
}

fn sms(reader: &mut Reader) -> Option<SmsSettings> {
    let base_url = reader.required("sms.base_url", base_url);
    let account_sid = reader.required("sms.account_sid", text);
    let from = reader.required("sms.from", text);
    let auth_token = reader.secret("sms.auth_token");
    require_secret(reader, "sms.auth_token");
    Some(SmsSettings {
        base_url: base_url?,
        account_sid: account_sid?,
        auth_token: auth_token?,
        from: from?,
    })
}

fn smtp(reader: &mut Reader) -> Option<SmtpSettings> {
    let host = reader.required("smtp.host", text);
    let from = reader.required("smtp.from", text);
    let security = reader
        .optional("smtp.security", security)
        .unwrap_or(SmtpSecurity::StartTls);
    let port = reader.optional("smtp.port", |port| {
        port.parse().map_err(|_| "must be a port number".to_owned())
    });
    let username = reader.optional("smtp.username", text);
    let password = reader.secret("smtp.password");
    if username.is_some() {
        require_secret(reader, "smtp.password");
    } else if password.is_some() {
        reader.complain("smtp.username", "is required when there is a password");
    }
    let port = port.unwrap_or(match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::None => 25,
    });
    Some(SmtpSettings {
        host: host?,
        port,
        security,
        from: from?,
        credentials: username.zip(password),
    })
}

fn require_secret(reader: &mut Reader, key: &str) {
    let by_file = format!("{key}_file");
    if reader.raw(key).is_none() && reader.raw(&by_file).is_none() {
        reader.complain(&by_file, "is required");
    }
}

fn all_loopback(listen: &[SocketAddr]) -> bool {
    listen.iter().all(|address| address.ip().is_loopback())
}

fn mode_for(listen: &[SocketAddr]) -> Mode {
    if all_loopback(listen) {
        Mode::Development
    } else {
        Mode::Production
    }
}

fn mode(value: &str) -> Result<Mode, String> {
    match value {
        "production" => Ok(Mode::Production),
        "development" => Ok(Mode::Development),
        _ => Err("must be production or development".to_owned()),
    }
}

fn security(value: &str) -> Result<SmtpSecurity, String> {
    match value {
        "starttls" => Ok(SmtpSecurity::StartTls),
        "tls" => Ok(SmtpSecurity::Tls),
        "none" => Ok(SmtpSecurity::None),
        _ => Err("must be starttls, tls or none".to_owned()),
    }
}

fn switch(value: &str) -> Result<bool, String> {
    value
        .parse()
        .map_err(|_| "must be true or false".to_owned())
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| "must be an address and a port, for example 127.0.0.1:8080".to_owned())
}

pub(super) fn base_url(value: &str) -> Result<String, String> {
    let url = Url::parse(value).map_err(|error| format!("is no URL: {error}"))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if plain {
        Ok(url.as_str().trim_end_matches('/').to_owned())
    } else {
        Err("must be http or https, with a host and nothing after it".to_owned())
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
