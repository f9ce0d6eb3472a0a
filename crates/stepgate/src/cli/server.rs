//! The server as the commands see it: initialized, started and stopped.

use std::{net::SocketAddr, num::NonZeroU16, sync::Arc};

use anyhow::Context;
use stepgate_app::{
    App,
    app::Settings as AppSettings,
    clock::{Clock, SystemClock},
    origin::{Origin, Origins},
    workers::Workers,
};
use stepgate_domain::violation::Violation;
use stepgate_http::server::{Certificate, Server};
use stepgate_notify::{
    EmailSender, EmailSettings, Inbox, Provider, Senders, SmsSender, SmsSettings, SmtpTls, Timeouts,
};
use tokio::net::TcpListener;

use crate::{
    birth::{self, InitOutput},
    config::{Mode, Settings, SmtpSecurity},
};

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

/// Makes the organization, its licences, the administrators' environment and the worker application,
/// after `keep` has kept their credentials.
pub(crate) async fn init(
    settings: &Settings,
    keep: impl FnOnce(&InitOutput) -> std::io::Result<()>,
) -> anyhow::Result<InitOutput> {
    let app = open(settings).await?;
    match birth::initialize(&app, keep).await? {
        Some(made) => Ok(made),
        None => anyhow::bail!("{} is initialized already", settings.data.display()),
    }
}

/// Opens the store, initializes it when it is empty, and answers at the addresses in the result.
pub(crate) async fn start(settings: &Settings) -> anyhow::Result<RunningServer> {
    let app = open(settings).await?;
    birth::ensure(&app, settings).await?;
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
        stepgate_http::router(&app, &settings.connections),
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

async fn open(settings: &Settings) -> anyhow::Result<Arc<App>> {
    let (engine, seal) = birth::open(settings).await?;
    let origins = Origins {
        public: settings
            .public_url
            .iter()
            .map(|url| Origin::new(url))
            .collect(),
        loopback: settings.mode == Mode::Development,
    };
    let senders = senders(settings)?;
    let app_settings = AppSettings {
        origins,
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
