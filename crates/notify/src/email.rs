//! E-mail by SMTP (RFC 5321) to the operator's mail server.

use std::num::NonZeroU16;

use async_trait::async_trait;
use lettre::{
    Address, Message as Mail,
    address::Envelope,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use stepgate_domain::{
    email::{self, Email},
    message::{Channel, Message},
    secret::Secret,
    violation::Violation,
    web_origin::is_loopback,
};
use tokio::time::timeout;

use crate::{
    cause,
    provider::{Delivery, NotifyError, Provider, Timeouts},
};

#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod tests;

/// How the connection to the mail server is encrypted (RFC 8314).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// TLS from the first byte, by custom on port 465.
    Implicit,
    /// An upgrade before anything else is said, by custom on port 587. A server that does not offer
    /// it gets no mail.
    StartTls,
    /// Loopback only.
    None,
}

#[derive(Debug, Clone)]
pub struct EmailSettings {
    pub host: String,
    pub port: NonZeroU16,
    /// Both or neither.
    pub username: Option<String>,
    pub password: Option<Secret<String>>,
    /// `gate@example.test` or `Gate <gate@example.test>`. A template may ask for another name, not
    /// for another address.
    pub from: String,
    pub tls: SmtpTls,
    pub timeouts: Timeouts,
}

#[derive(Debug)]
pub struct EmailSender {
    host: String,
    port: NonZeroU16,
    credentials: Option<(String, Secret<String>)>,
    from: Mailbox,
    encryption: Encryption,
    timeouts: Timeouts,
}

enum Encryption {
    Implicit(TlsParameters),
    StartTls(TlsParameters),
    None,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Implicit(_) => "Implicit",
            Self::StartTls(_) => "StartTls",
            Self::None => "None",
        })
    }
}

impl EmailSender {
    /// The violations' targets are the names of the settings.
    pub fn new(settings: EmailSettings) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        if settings.host.trim().is_empty() {
            violations.push(Violation::empty("host"));
        }
        let encryption = encryption(settings.tls, &settings.host)
            .map_err(|rule| violations.push(Violation::invalid("tls", rule)));
        let credentials = match (settings.username, settings.password) {
            (Some(username), Some(password)) => Some((username, password)),
            (None, None) => None,
            (Some(_), None) => {
                violations.push(Violation::invalid(
                    "password",
                    "must be present together with username",
                ));
                None
            }
            (None, Some(_)) => {
                violations.push(Violation::invalid(
                    "username",
                    "must be present together with password",
                ));
                None
            }
        };
        let from = sender(&settings.from).ok_or_else(|| {
            violations.push(Violation::invalid(
                "from",
                "must be an e-mail address, or a name and <an address>",
            ));
        });
        match (encryption, from) {
            (Ok(encryption), Ok(from)) if violations.is_empty() => Ok(Self {
                host: settings.host,
                port: settings.port,
                credentials,
                from,
                encryption,
                timeouts: settings.timeouts,
            }),
            _ => Err(violations),
        }
    }

    fn compose(&self, message: &Message) -> Result<Mail, NotifyError> {
        let to: Address = email::routable(message.to.expose())
            .parse()
            .map_err(|_| NotifyError::permanent("the recipient is not an e-mail address"))?;
        if !is_dot_atom(&message.id) {
            return Err(NotifyError::permanent(
                "the message's id does not fit into a Message-ID",
            ));
        }
        let name = message
            .sender
            .as_ref()
            .or(self.from.name.as_ref())
            .map(|name| one_line(name));
        let name = name.filter(|name| !name.is_empty());
        let body_type = if is_html(message.text.expose()) {
            ContentType::TEXT_HTML
        } else {
            ContentType::TEXT_PLAIN
        };
        // Read back from the headers, it would lose local parts that are blanks in quotes.
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()])
            .map_err(|_| NotifyError::permanent("the mail cannot be addressed"))?;
        Mail::builder()
            .envelope(envelope)
            .message_id(Some(format!(
                "<{}@{}>",
                message.id,
                self.from.email.domain()
            )))
            .from(Mailbox::new(name, self.from.email.clone()))
            .to(Mailbox::new(None, to))
            .subject(message.subject.as_deref().map(one_line).unwrap_or_default())
            .header(body_type)
            .body(message.text.expose().clone())
            .map_err(|_| NotifyError::permanent("the mail cannot be composed"))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, NotifyError> {
        let hello = ClientId::default();
        let implicit = match &self.encryption {
            Encryption::Implicit(parameters) => Some(parameters.clone()),
            Encryption::StartTls(_) | Encryption::None => None,
        };
        let server = (self.host.as_str(), self.port.get());
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            server,
            Some(self.timeouts.connect),
            &hello,
            implicit,
            None,
        )
        .await
        .map_err(|error| refusal(&error))?;
        if let Encryption::StartTls(parameters) = &self.encryption {
            connection
                .starttls(parameters.clone(), &hello)
                .await
                .map_err(|error| refusal(&error))?;
        }
        if let Some((username, password)) = &self.credentials {
            let credentials = Credentials::new(username.clone(), password.expose().clone());
            connection
                .auth(DEFAULT_MECHANISMS, &credentials)
                .await
                .map_err(|error| match refusal(&error) {
                    // It is the login that is refused, not the message.
                    NotifyError::Permanent { reason } => NotifyError::Misconfigured { reason },
                    other => other,
                })?;
        }
        Ok(connection)
    }
}

/// With its domain as SMTP takes it.
fn sender(from: &str) -> Option<Mailbox> {
    let Mailbox { name, email } = from.parse().ok()?;
    let email = Email::parse(email.as_ref()).ok()?.routable();
    Some(Mailbox::new(name, email.parse().ok()?))
}

fn encryption(tls: SmtpTls, host: &str) -> Result<Encryption, &'static str> {
    let parameters =
        || TlsParameters::new(host.to_owned()).map_err(|_| "cannot be set up on this system");
    match tls {
        SmtpTls::Implicit => Ok(Encryption::Implicit(parameters()?)),
        SmtpTls::StartTls => Ok(Encryption::StartTls(parameters()?)),
        SmtpTls::None if is_loopback(host) => Ok(Encryption::None),
        SmtpTls::None => Err("must be implicit or starttls: none is for loopback hosts only"),
    }
}

#[async_trait]
impl Provider for EmailSender {
    fn name(&self) -> &'static str {
        "smtp"
    }
    fn channels(&self) -> &[Channel] {
        &[Channel::Email]
    }

    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        let mail = self.compose(message)?;
        let exchange = async {
            let mut connection = self.connect().await?;
            connection
                .send(mail.envelope(), &mail.formatted())
                .await
                .map_err(|error| refusal(&error))?;
            Ok(connection)
        };
        let mut connection = timeout(self.timeouts.total, exchange)
            .await
            .map_err(|_| NotifyError::transient("the mail server did not answer in time"))??;
        // The mail is the server's since its last reply; how the farewell ends changes nothing.
        let _ = timeout(self.timeouts.connect, connection.quit()).await;
        Ok(Delivery {
            reference: Some(message.id.clone()),
            to_keep: None,
        })
    }
}

/// By the reply code (RFC 5321 §4.2.1): 4yz is worth another try, 5yz is not. The reply's text is
/// left out: it likes to name the address.
fn refusal(error: &SmtpError) -> NotifyError {
    if let Some(code) = error.status() {
        let reason = format!("the mail server answered {code}");
        return if error.is_permanent() {
            NotifyError::Permanent { reason }
        } else {
            NotifyError::Transient {
                reason,
                retry_after: None,
            }
        };
    }
    if error.is_client() {
        return NotifyError::permanent(
            "the mail server lacks what is needed: STARTTLS, a login, or SMTPUTF8",
        );
    }
    if error.is_response() {
        return NotifyError::transient("the mail server's answer makes no sense");
    }
    NotifyError::transient(format!("the mail server {}", cause::of(error)))
}

/// The text without control characters. The encoder of headers keeps line breaks from ending a header,
/// but it panics at those of a name, and a reader has no use for the others either.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ").trim().to_owned()
}

/// What may stand left of the `@` of a `Message-ID` as it is (RFC 5322 §3.6.4), narrowed to what ids
/// are made of.
fn is_dot_atom(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether a body holds an HTML tag, and so is sent as `text/html`; else it is sent as `text/plain`.
/// Who fills a template asks this of the template, and escapes the values if it is HTML.
pub fn is_html(text: &str) -> bool {
    text.split('<').skip(1).any(|after| {
        let name = after.strip_prefix(['/', '!']).unwrap_or(after);
        let rest = name.trim_start_matches(|character: char| character.is_ascii_alphanumeric());
        name.starts_with(|character: char| character.is_ascii_alphabetic())
            && rest.starts_with(|character: char| {
                character.is_ascii_whitespace() || matches!(character, '>' | '/')
            })
    })
}
