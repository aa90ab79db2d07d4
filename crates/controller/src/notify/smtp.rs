//! Mail by SMTP. Each notice is a connection of its own: they are rare, and a mail server closes what is idle.
//!
//! The certificates that the machine trusts are trusted. A permanent answer (5xx) is not tried again, all else is.

use std::time::Duration;

use agentapi_host::error_chain;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;

use crate::config::notify::{Mail, MailTls};
use crate::config::read_secret;
use crate::notify::{Delivering, Delivery, Notice, Notifier};

/// Sends mail.
#[derive(Debug)]
pub(super) struct Smtp {
    mail: Mail,
    /// The trusted certificates in DER; none: those of the machine, read for each delivery, because they change.
    roots: Option<Vec<Vec<u8>>>,
}

impl Smtp {
    pub(super) fn new(mail: Mail) -> Self {
        Self { mail, roots: None }
    }
}

impl Notifier for Smtp {
    fn deliver(&self, notice: &Notice) -> Delivering {
        let (mail, roots, notice) = (self.mail.clone(), self.roots.clone(), notice.clone());
        Box::pin(async move {
            let message = match message(&mail, &notice) {
                Ok(message) => message,
                Err(why) => return Delivery::Refused { why },
            };
            let transport = match transport(&mail, roots) {
                Ok(transport) => transport,
                Err(why) => return Delivery::again(why),
            };
            match timeout(LIMIT, transport.send(message)).await {
                Ok(Ok(_)) => Delivery::Delivered,
                Ok(Err(why)) if why.is_permanent() => Delivery::Refused { why: error_chain(&why) },
                Ok(Err(why)) => Delivery::again(error_chain(&why)),
                Err(_) => Delivery::again(format!("no answer in {} s", LIMIT.as_secs())),
            }
        })
    }
}

fn transport(mail: &Mail, roots: Option<Vec<Vec<u8>>>) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let host = mail.server.host().trim_matches(['[', ']']).to_owned();
    let tls = match mail.tls {
        MailTls::Off => Tls::None,
        MailTls::StartTls => Tls::Required(parameters(&host, roots)?),
        MailTls::Implicit => Tls::Wrapper(parameters(&host, roots)?),
    };
    let port = mail.server.port();
    // Dangerous is what lettre calls a builder that leaves the choice of TLS to its caller.
    let builder =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port).tls(tls).timeout(Some(LIMIT));
    let Some((user, file)) = &mail.login else { return Ok(builder.build()) };
    let password = read_secret(file, "password_file").map_err(|why| format!("the password cannot be read: {why}"))?;
    Ok(builder.credentials(Credentials::new(user.clone(), password)).build())
}

fn parameters(host: &str, roots: Option<Vec<Vec<u8>>>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(roots) = roots {
        builder = builder.certificate_store(CertificateStore::None);
        for root in roots {
            builder = builder.add_root_certificate(Certificate::from_der(root).map_err(|why| error_chain(&why))?);
        }
    }
    builder.build().map_err(|why| format!("TLS cannot be used: {}", error_chain(&why)))
}

fn message(mail: &Mail, notice: &Notice) -> Result<Message, String> {
    let mailbox = |address: &str| -> Result<Mailbox, String> {
        address.parse().map_err(|why| format!("expected a mail address, found {address:?}: {why}"))
    };
    let mut builder = Message::builder().from(mailbox(&mail.sender)?);
    for recipient in &mail.recipients {
        builder = builder.to(mailbox(recipient)?);
    }
    let subject = format!("[{}] {}: {} of {}", notice.severity.name(), notice.guest, notice.kind, notice.subject);
    let body = format!("{}\n\nGuest: {}\nSince: {}\n", notice.text, notice.guest, notice.since);
    builder.subject(subject.replace(char::is_control, " ")).body(body).map_err(|why| error_chain(&why))
}

/// For a whole delivery: longer than a loaded server takes, and short beside the pause before the next attempt.
const LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
