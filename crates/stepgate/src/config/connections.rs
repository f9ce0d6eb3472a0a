//! `[connections]` and `[tls]`: what clients may cost, and what they are shown.

use std::{path::PathBuf, time::Duration};

use rustix::process::{Resource, getrlimit};
use stepgate_http::server::{Certificate, Files, Limits, PairError};

use super::read::{Reader, text, whole};

/// Connections where the system sets no limit to descriptors.
const UNLIMITED: usize = 65_536;

/// Descriptors of the server itself.
const OWN: usize = 64;
/// Room for one body of the largest, from a stranger too.
const LEAST_ROOM: usize = 2 * 1024 * 1024;

pub(super) fn limits(reader: &mut Reader) -> Limits {
    let usual = Limits::default();
    let most = of_descriptors(getrlimit(Resource::Nofile).current);
    let seconds = |reader: &mut Reader, key, usual| {
        reader
            .optional(key, |text| whole(text, 1).map(Duration::from_secs))
            .unwrap_or(usual)
    };
    Limits {
        headers: seconds(reader, "connections.headers_seconds", usual.headers),
        body: seconds(reader, "connections.body_seconds", usual.body),
        idle: seconds(reader, "connections.idle_seconds", usual.idle),
        write: seconds(reader, "connections.write_seconds", usual.write),
        grace: seconds(reader, "connections.grace_seconds", usual.grace),
        connections: reader
            .optional("connections.maximum", |text| match whole(text, 1)? {
                maximum if maximum > most => Err(format!(
                    "must be at most {most}: three quarters of the descriptors that this process may open"
                )),
                maximum => Ok(maximum),
            })
            .unwrap_or(most),
        per_address: reader
            .optional("connections.per_address", |text| whole(text, 1))
            .unwrap_or(usual.per_address),
        bodies: reader
            .optional("connections.body_bytes", |text| whole(text, LEAST_ROOM))
            .unwrap_or(usual.bodies),
        exempt: usual.exempt,
    }
}

/// Three quarters, but never so many that the store, its files and what the server asks others would
/// have none left.
fn of_descriptors(limit: Option<u64>) -> usize {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else {
        return UNLIMITED;
    };
    let three_quarters = (limit / 4).saturating_mul(3);
    three_quarters.min(limit.saturating_sub(OWN)).max(1)
}

/// The two files, which must be a pair already.
pub(super) fn tls(reader: &mut Reader) -> Option<Files> {
    if !reader.has_section("tls") {
        return None;
    }
    let certificate = reader.required("tls.cert", text).map(PathBuf::from);
    let key = reader.required("tls.key", text).map(PathBuf::from);
    let files = Files {
        certificate: certificate?,
        key: key?,
    };
    if let Err(error) = Certificate::read(files.clone()) {
        let key = match &error {
            PairError::Unreadable { path, .. } if *path == files.key => "tls.key",
            PairError::Unreadable { .. }
            | PairError::NoCertificate { .. }
            | PairError::Setup(_) => "tls.cert",
            PairError::NoKey { .. } | PairError::Mismatch { .. } => "tls.key",
        };
        reader.complain(key, error.to_string());
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_descriptors_is_kept() {
        assert_eq!(of_descriptors(Some(1024)), 768);
        assert_eq!(of_descriptors(Some(80)), 16);
        assert_eq!(of_descriptors(Some(1)), 1);
        assert_eq!(of_descriptors(None), UNLIMITED);
    }
}
