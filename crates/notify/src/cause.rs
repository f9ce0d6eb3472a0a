//! Why there is no connection, as far as an operator has to know it.

use std::{
    error::Error,
    io::{self, ErrorKind},
};

/// What the other side did, in words that follow its name. A client library tells all of it as an
/// error of connecting; what it was lies beneath.
pub(crate) fn of(error: &(dyn Error + 'static)) -> &'static str {
    let mut beneath = Some(error);
    while let Some(error) = beneath {
        if let Some(cause) = of_one(error) {
            return cause;
        }
        beneath = error.source();
    }
    "cannot be reached"
}

fn of_one(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(_) => "shows a certificate that is not trusted",
            _ => "cannot agree on encryption",
        });
    }
    let error = error.downcast_ref::<io::Error>()?;
    // The source of such an error is that of what it wraps.
    let wrapped = error
        .get_ref()
        .and_then(|wrapped| of_one(wrapped as &(dyn Error + 'static)));
    wrapped.or(match error.kind() {
        ErrorKind::ConnectionRefused => Some("refuses connections"),
        ErrorKind::TimedOut => Some("did not answer in time"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(error: rustls::Error) -> io::Error {
        io::Error::other(io::Error::new(ErrorKind::InvalidData, error))
    }

    #[test]
    fn the_cause_beneath_is_named() {
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let expected = "shows a certificate that is not trusted";
        assert_eq!(of(&wrapped(untrusted)), expected);
        let alert = rustls::Error::HandshakeNotComplete;
        assert_eq!(of(&wrapped(alert)), "cannot agree on encryption");
        let refused = io::Error::from(ErrorKind::ConnectionRefused);
        assert_eq!(of(&refused), "refuses connections");
        assert_eq!(of(&io::Error::other("away")), "cannot be reached");
    }
}
