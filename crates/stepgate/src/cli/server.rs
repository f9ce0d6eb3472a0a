//! The server as the commands see it: initialized, started and stopped.

use std::{
    io::Write, net::SocketAddr, num::NonZeroU16, os::unix::fs::OpenOptionsExt, path::Path,
    sync::Arc,
};

use anyhow::Context;
use serde_json::{Value, json};
use stepgate_app::{
    App,
    app::Settings as AppSettings,
    clock::{Clock, SystemClock},
    origin::Origins,
    provisioning,
    random::SystemRandom,
    seal::Seal,
    workers::Workers,
};
use stepgate_domain::{secret::Secret, violation::Violation};
use stepgate_http::server::{Certificate, Server};
use stepgate_notify::{
    EmailSender, EmailSettings, Inbox, Provider, Senders, SmsSender, SmsSettings, SmtpTls, Timeouts,
};
use stepgate_store::{
    engine::{Engine, StoreError},
    sqlite::{Options, SqliteEngine},
};
use tokio::net::TcpListener;

use crate::config::{Mode, Settings, SmtpSecurity};

/// What a first start makes. The secret is shown once.
#[derive(Debug)]
pub(crate) struct InitOutput {
    pub(crate) organization: String,
    pub(crate) license: String,
    pub(crate) environment: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret<String>,
}

impl InitOutput {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "organization": { "id": self.organization },
            "license": { "id": self.license },
            "environment": { "id": self.environment },
            "client": { "id": self.client_id, "secret": self.client_secret.expose() },
        })
    }
}

impl From<provisioning::Installation> for InitOutput {
    fn from(made: provisioning::Installation) -> Self {
        Self {
            organization: made.organization.to_string(),
            license: made.license.to_string(),
            environment: made.environment.to_string(),
            client_id: made.client.to_string(),
            client_secret: made.client_secret,
        }
    }
}

/// A server that answers. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct RunningServer {
    /// One for each listener.
    pub(crate) addresses: Vec<SocketAddr>,
    certificate: Option<Arc<Certificate>>,
    server: Server,
    workers: Workers,
}

impl RunningServer {
    /// Takes no new connection, finishes what was taken, and returns.
    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.workers.stop().await;
    }

    /// Shows the certificate that is in the files now.
    pub(crate) fn reload_certificate(&self) {
        if let Some(certificate) = &self.certificate {
            certificate.reload();
        }
    }
}

/// Makes the organization, its licences, the administrators' environment and the worker application.
pub(crate) async fn init(settings: &Settings) -> anyhow::Result<InitOutput> {
    let app = open(settings)?;
    match provisioning::initialize(&app).await? {
        Some(made) => Ok(made.into()),
        None => anyhow::bail!("{} is initialized already", settings.data.display()),
    }
}

/// Opens the store, initializes it when it is empty, and answers at the addresses in the result.
pub(crate) async fn start(settings: &Settings) -> anyhow::Result<RunningServer> {
    let app = open(settings)?;
    if let Some(made) = provisioning::initialize(&app).await? {
        let path = settings.data.join("first-run.json");
        keep_first_run(&path, &InitOutput::from(made))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        tracing::info!(path = %path.display(), "initialized: the first credentials are in this file");
    }
    let certificate = match settings.tls.clone() {
        Some(files) => Some(Arc::new(Certificate::read(files)?)),
        None => None,
    };
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for address in &settings.listen {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        addresses.push(listener.local_addr()?);
        listeners.push(listener);
    }
    let workers = Workers::start(&app);
    let server = Server::start(
        listeners,
        stepgate_http::router(&app),
        settings.connections.clone(),
        certificate.clone(),
    );
    Ok(RunningServer {
        addresses,
        certificate,
        server,
        workers,
    })
}

/// Readable by its owner only, and never over another one.
fn keep_first_run(path: &Path, made: &InitOutput) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{:#}", made.to_json())?;
    file.sync_all()
}

fn open(settings: &Settings) -> anyhow::Result<Arc<App>> {
    let data = &settings.data;
    let engine = SqliteEngine::open(data, &Options::default()).map_err(|error| match error {
        StoreError::Locked => anyhow::anyhow!("{} is in use by another stepgate", data.display()),
        other => anyhow::Error::new(other).context(format!("{} cannot be opened", data.display())),
    })?;
    let engine: Arc<dyn Engine> = Arc::new(engine);
    let (master_key, is_new) = settings.master_key.load(&mut SystemRandom)?;
    if is_new {
        tracing::warn!(
            "a master key was made in the data directory: whoever copies the directory has the key as well"
        );
    }
    let seal = Seal::new(&Secret::new(master_key.expose().to_vec()))?;
    let is_development = settings.mode == Mode::Development;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let senders = senders(settings)?;
    let app_settings = AppSettings {
        origins: Origins::new(&settings.public_urls, is_development.then_some(scheme)),
        proxies: settings.proxies.clone().unwrap_or_default(),
        client_address_is_known: is_development || settings.proxies.is_some(),
        floors: settings.floors,
        inbox: settings.inbox,
    };
    Ok(Arc::new(App::new(
        engine,
        Arc::new(SystemClock),
        seal,
        senders,
        app_settings,
    )))
}

/// The inbox first: whoever asked for it does not want messages to leave.
fn senders(settings: &Settings) -> anyhow::Result<Senders> {
    let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
    if settings.inbox {
        providers.push(Arc::new(Inbox::new(|| SystemClock.now())));
    }
    if let Some(sms) = &settings.sms {
        let sender = SmsSender::new(SmsSettings {
            base_url: sms.base_url.clone(),
            account_sid: sms.account_sid.clone(),
            auth_token: sms.auth_token.clone(),
            from: sms.from.clone(),
            timeouts: Timeouts::default(),
        });
        providers.push(Arc::new(
            sender.map_err(|faults| misconfigured("sms", &faults))?,
        ));
    }
    if let Some(smtp) = &settings.smtp {
        let (username, password) = smtp.credentials.clone().unzip();
        let sender = EmailSender::new(EmailSettings {
            host: smtp.host.clone(),
            port: NonZeroU16::new(smtp.port).context("smtp.port: must not be 0")?,
            username,
            password,
            from: smtp.from.clone(),
            tls: match smtp.security {
                SmtpSecurity::StartTls => SmtpTls::StartTls,
                SmtpSecurity::Tls => SmtpTls::Implicit,
                SmtpSecurity::None => SmtpTls::None,
            },
            timeouts: Timeouts::default(),
        });
        providers.push(Arc::new(
            sender.map_err(|faults| misconfigured("smtp", &faults))?,
        ));
    }
    Ok(Senders::new(providers))
}

fn misconfigured(section: &str, faults: &[Violation]) -> anyhow::Error {
    let faults: Vec<String> = faults
        .iter()
        .map(|fault| format!("{section}.{}: {}", fault.target, fault.message))
        .collect();
    anyhow::anyhow!(faults.join("\n"))
}
