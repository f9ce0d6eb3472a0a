//! The server as the commands see it: initialized, started and stopped.

use std::{net::SocketAddr, num::NonZeroU16, sync::Arc};

use anyhow::Context;
use stepgate_app::{
    App,
    app::Settings as AppSettings,
    clock::{Clock, SystemClock},
    origin::Origins,
    workers::Workers,
};
use stepgate_domain::{message::Channel, resources::environment::Region, violation::Violation};
use stepgate_http::server::{Certificate, Limits, Server};
use stepgate_notify::{
    EmailSender, EmailSettings, Inbox, Provider, Senders, SmsSender, SmsSettings, SmtpTls, Timeouts,
};
use stepgate_store::sqlite::SqliteEngine;
use tokio::net::TcpListener;

use crate::{
    birth::{self, InitOutput},
    config::{Mode, Settings, SmtpSecurity},
};

/// Connections to a metrics listener of its own.
const METRICS_CONNECTIONS: usize = 16;

/// A server that answers. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct RunningServer {
    /// One for each listener.
    pub(crate) addresses: Vec<SocketAddr>,
    certificate: Option<Arc<Certificate>>,
    server: Server,
    workers: Workers,
    /// Ends at once when all is dropped: whoever collects asks again.
    _metrics: Option<Server>,
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

/// Makes the organization, its licences, the administrators' environment and the worker application,
/// after `keep` has kept their credentials.
pub(crate) async fn init(
    settings: &Settings,
    region: Region,
    keep: impl FnOnce(&InitOutput) -> std::io::Result<()>,
) -> anyhow::Result<InitOutput> {
    let app = open(settings).await?;
    match birth::initialize(&app, region, keep).await? {
        Some(made) => Ok(made),
        None => anyhow::bail!("{} is initialized already", settings.data.display()),
    }
}

/// Makes another worker with all that the first one held, after `keep` has kept its credentials.
pub(crate) async fn recover(
    settings: &Settings,
    keep: impl FnOnce(&InitOutput) -> std::io::Result<()>,
) -> anyhow::Result<InitOutput> {
    let nothing_there = || anyhow::anyhow!("{} is not initialized", settings.data.display());
    if !SqliteEngine::exists(&settings.data) {
        return Err(nothing_there());
    }
    let app = open(settings).await?;
    birth::recover(&app, keep).await?.ok_or_else(nothing_there)
}

/// Opens the store, initializes it when it is empty, and answers at the addresses in the result.
pub(crate) async fn start(settings: &Settings) -> anyhow::Result<RunningServer> {
    let app = open(settings).await?;
    warn_of_silence(&app.senders);
    birth::ensure(&app, settings).await?;
    let certificate = match settings.tls.clone() {
        Some(files) => Some(Arc::new(Certificate::read(files)?)),
        None => None,
    };
    let mut listeners = Vec::new();
    let mut addresses = Vec::new();
    for address in &settings.listen {
        let listener = listen(*address).await?;
        addresses.push(listener.local_addr()?);
        listeners.push(listener);
    }
    let metrics = match settings.metrics_listen {
        Some(address) => Some(serve_metrics(&app, address, settings.connections.clone()).await?),
        None => None,
    };
    let workers = Workers::start(&app);
    let server = Server::start(
        listeners,
        stepgate_http::router(&app, &settings.connections),
        settings.connections.clone(),
        certificate.clone(),
    );
    Ok(RunningServer {
        addresses,
        certificate,
        server,
        workers,
        _metrics: metrics,
    })
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

async fn serve_metrics(
    app: &Arc<App>,
    address: SocketAddr,
    limits: Limits,
) -> anyhow::Result<Server> {
    let listener = listen(address).await?;
    tracing::info!(address = %listener.local_addr()?, "metrics are here");
    let router = stepgate_http::metrics_router(app);
    // Those of clients have the descriptors.
    let limits = Limits {
        connections: METRICS_CONNECTIONS.min(limits.connections),
        ..limits
    };
    Ok(Server::start(vec![listener], router, limits, None))
}

async fn open(settings: &Settings) -> anyhow::Result<Arc<App>> {
    let (engine, seal) = birth::open(settings).await?;
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
        look_ups_hourly: settings.look_ups_hourly,
        audit_retention: settings.audit_retention,
        inbox: settings.inbox,
        metrics: settings.metrics_listen.is_none(),
    };
    Ok(Arc::new(App::new(
        engine,
        Arc::new(SystemClock),
        seal,
        senders,
        app_settings,
    )))
}

/// Without a sender every sign-on by passcode fails, and nobody sees why.
fn warn_of_silence(senders: &Senders) {
    match (senders.has(Channel::Sms), senders.has(Channel::Email)) {
        (true, true) => {}
        (true, false) => tracing::info!("no e-mail can be sent: smtp is not configured"),
        (false, true) => tracing::info!("no text message can be sent: sms is not configured"),
        (false, false) => tracing::warn!(
            "no passcode can be sent: neither sms nor smtp is configured, nor is there an inbox"
        ),
    }
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
