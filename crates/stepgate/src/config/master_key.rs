//! The key that seals all others.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use stepgate_domain::{entropy::Entropy, secret::Secret};

const BYTES: usize = 32;

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub(crate) enum MasterKey {
    /// From the environment or a file of the operator's.
    Given(Secret<[u8; BYTES]>),
    /// Kept in this file of the data directory, and made there when it is absent. Whoever copies the
    /// directory has the key as well, so production refuses it.
    Kept(PathBuf),
}

impl MasterKey {
    /// The key itself, and whether it was made just now.
    pub(crate) fn load(
        &self,
        entropy: &mut dyn Entropy,
    ) -> anyhow::Result<(Secret<[u8; BYTES]>, bool)> {
        match self {
            Self::Given(key) => Ok((key.clone(), false)),
            Self::Kept(path) => match fs::read_to_string(path) {
                Ok(text) => {
                    let key = decode(&text)
                        .map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))?;
                    Ok((key, false))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let key = Secret::new(entropy.bytes::<BYTES>());
                    write_new(path, &HEXLOWER.encode(key.expose()))
                        .with_context(|| format!("{} cannot be written", path.display()))?;
                    Ok((key, true))
                }
                Err(error) => {
                    Err(error).with_context(|| format!("{} cannot be read", path.display()))
                }
            },
        }
    }
}

/// Writes a file that only its owner may read, durably, and never over another one.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    path.parent()
        .map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}

/// 32 bytes as hexadecimal digits or as base64, with or without padding.
pub(crate) fn decode(text: &str) -> Result<Secret<[u8; BYTES]>, String> {
    let text = text.trim().as_bytes();
    [HEXLOWER_PERMISSIVE, BASE64, BASE64_NOPAD, BASE64URL_NOPAD]
        .iter()
        .filter_map(|encoding| encoding.decode(text).ok())
        .find_map(|bytes| <[u8; BYTES]>::try_from(bytes).ok())
        .map(Secret::new)
        .ok_or_else(|| format!("must be {BYTES} bytes as hex or base64"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use stepgate_domain::entropy::Seeded;

    use super::*;

    #[test]
    fn hex_and_base64_mean_the_same_key() {
        let key = [7; BYTES];
        for text in [
            HEXLOWER.encode(&key),
            BASE64.encode(&key),
            format!("{}\n", BASE64URL_NOPAD.encode(&key)),
        ] {
            assert_eq!(*decode(&text).unwrap().expose(), key, "{text}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for text in [
            "",
            "00",
            &HEXLOWER.encode(&[7; 31]),
            &BASE64.encode(&[7; 33]),
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_kept_key_is_made_once_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let kept = MasterKey::Kept(path.clone());
        let (made, new) = kept.load(&mut Seeded(1)).unwrap();
        let (read, again) = kept.load(&mut Seeded(2)).unwrap();
        assert_eq!((made.expose(), new), (read.expose(), true));
        assert!(!again);
        assert_eq!(
            fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
