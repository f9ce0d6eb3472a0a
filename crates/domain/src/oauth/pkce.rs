//! Proof Key for Code Exchange (RFC 7636).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{
    Sha256,
    client::PkceEnforcement,
    error::{Cause, OAuthError, OAuthErrorCode},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CodeChallengeMethod {
    #[serde(rename = "plain")]
    Plain,
    S256,
}

/// `code_challenge` with its method.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeChallenge {
    pub method: CodeChallengeMethod,
    pub challenge: String,
}

/// Without the challenge: where the method is `plain`, it is the verifier.
impl fmt::Debug for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeChallenge")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PkceError {
    #[error("code_challenge must have 43 to 128 characters out of A-Z a-z 0-9 - . _ ~")]
    MalformedChallenge,
    #[error("code_challenge_method must be plain or S256")]
    UnknownMethod,
    #[error("code_challenge_method needs a code_challenge")]
    MethodWithoutChallenge,
    #[error("code_challenge must be present")]
    ChallengeMissing,
    #[error("code_challenge_method must be S256")]
    S256Required,
    #[error("code_verifier must be present")]
    VerifierMissing,
    #[error("code_verifier does not fit the code_challenge")]
    VerifierWrong,
    /// A verifier for a code that was asked for without a challenge (RFC 9700 §4.8.2).
    #[error("code_verifier was sent, but the authorization request had no code_challenge")]
    Downgrade,
}

impl PkceError {
    pub(super) const fn check(self) -> &'static str {
        match self {
            Self::MalformedChallenge => "pkce_challenge_malformed",
            Self::UnknownMethod => "pkce_method_unknown",
            Self::MethodWithoutChallenge => "pkce_method_without_challenge",
            Self::ChallengeMissing => "pkce_challenge_missing",
            Self::S256Required => "pkce_s256_required",
            Self::VerifierMissing => "pkce_verifier_missing",
            Self::VerifierWrong => "pkce_verifier_wrong",
            Self::Downgrade => "pkce_downgrade",
        }
    }
}

impl From<PkceError> for OAuthError {
    fn from(error: PkceError) -> Self {
        let text = error.to_string();
        let answer = match error {
            PkceError::ChallengeMissing => Self::required("code_challenge"),
            PkceError::MalformedChallenge => Self::invalid("code_challenge", text),
            PkceError::UnknownMethod
            | PkceError::MethodWithoutChallenge
            | PkceError::S256Required => Self::invalid("code_challenge_method", text),
            PkceError::VerifierMissing | PkceError::VerifierWrong | PkceError::Downgrade => {
                Self::new(OAuthErrorCode::InvalidGrant, text).at("code_verifier")
            }
        };
        answer.because(Cause::Other(error.check()))
    }
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters.
fn is_well_formed(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

impl CodeChallenge {
    /// Reads the two parameters of an authorization request and applies what the client must do.
    pub fn parse(
        challenge: Option<&str>,
        method: Option<&str>,
        enforcement: PkceEnforcement,
    ) -> Result<Option<Self>, PkceError> {
        let method = match method {
            None => None,
            Some("plain") => Some(CodeChallengeMethod::Plain),
            Some("S256") => Some(CodeChallengeMethod::S256),
            Some(_) => return Err(PkceError::UnknownMethod),
        };
        let Some(challenge) = challenge else {
            return match (enforcement, method) {
                (PkceEnforcement::Required | PkceEnforcement::S256Required, _) => {
                    Err(PkceError::ChallengeMissing)
                }
                (PkceEnforcement::Optional, Some(_)) => Err(PkceError::MethodWithoutChallenge),
                (PkceEnforcement::Optional, None) => Ok(None),
            };
        };
        let method = method.unwrap_or(CodeChallengeMethod::Plain);
        if enforcement == PkceEnforcement::S256Required && method == CodeChallengeMethod::Plain {
            return Err(PkceError::S256Required);
        }
        if !is_well_formed(challenge) {
            return Err(PkceError::MalformedChallenge);
        }
        Ok(Some(Self {
            method,
            challenge: challenge.to_owned(),
        }))
    }

    fn is_met_by(&self, verifier: &str, sha256: Sha256) -> bool {
        let derived = match self.method {
            CodeChallengeMethod::Plain => verifier.to_owned(),
            CodeChallengeMethod::S256 => BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes())),
        };
        derived.as_bytes().ct_eq(self.challenge.as_bytes()).into()
    }
}

/// Judges the verifier of a token request by the challenge of its code.
pub fn judge(
    challenge: Option<&CodeChallenge>,
    verifier: Option<&str>,
    sha256: Sha256,
) -> Result<(), PkceError> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(PkceError::Downgrade),
        (Some(_), None) => Err(PkceError::VerifierMissing),
        (Some(challenge), Some(verifier)) => {
            if is_well_formed(verifier) && challenge.is_met_by(verifier, sha256) {
                Ok(())
            } else {
                Err(PkceError::VerifierWrong)
            }
        }
    }
}

#[cfg(test)]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn s256() -> CodeChallenge {
        CodeChallenge::parse(Some(CHALLENGE), Some("S256"), PkceEnforcement::S256Required)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn the_vector_of_appendix_b_verifies() {
        assert_eq!(judge(Some(&s256()), Some(VERIFIER), sha256), Ok(()));
    }

    #[test]
    fn the_challenge_itself_is_not_a_verifier_of_s256() {
        assert_eq!(
            judge(Some(&s256()), Some(CHALLENGE), sha256),
            Err(PkceError::VerifierWrong)
        );
    }

    #[test]
    fn a_missing_method_means_plain() {
        let plain = CodeChallenge::parse(Some(VERIFIER), None, PkceEnforcement::Required).unwrap();
        assert_eq!(judge(plain.as_ref(), Some(VERIFIER), sha256), Ok(()));
        assert_eq!(
            judge(plain.as_ref(), Some(CHALLENGE), sha256),
            Err(PkceError::VerifierWrong)
        );
    }

    #[test]
    fn a_verifier_without_challenge_and_a_challenge_without_verifier_are_refused() {
        assert_eq!(
            judge(None, Some(VERIFIER), sha256),
            Err(PkceError::Downgrade)
        );
        assert_eq!(
            judge(Some(&s256()), None, sha256),
            Err(PkceError::VerifierMissing)
        );
        assert_eq!(judge(None, None, sha256), Ok(()));
    }

    #[test]
    fn enforcement_is_applied_to_the_request() {
        use PkceEnforcement::{Optional, Required, S256Required};
        let parse = CodeChallenge::parse;
        assert_eq!(parse(None, None, Optional), Ok(None));
        assert_eq!(
            parse(None, None, Required),
            Err(PkceError::ChallengeMissing)
        );
        assert_eq!(
            parse(None, Some("S256"), Optional),
            Err(PkceError::MethodWithoutChallenge)
        );
        assert_eq!(
            parse(Some(CHALLENGE), None, S256Required),
            Err(PkceError::S256Required)
        );
        assert_eq!(
            parse(Some(CHALLENGE), Some("s256"), Optional),
            Err(PkceError::UnknownMethod)
        );
        assert_eq!(
            parse(Some("short"), None, Optional),
            Err(PkceError::MalformedChallenge)
        );
    }

    proptest! {
        #[test]
        fn only_the_verifier_itself_meets_its_challenge(
            verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}"
        ) {
            let challenge = CodeChallenge {
                method: CodeChallengeMethod::S256,
                challenge: BASE64URL_NOPAD.encode(&sha256(verifier.as_bytes())),
            };
            prop_assert_eq!(judge(Some(&challenge), Some(&verifier), sha256), Ok(()));
            prop_assert_eq!(judge(Some(&challenge), Some(&other), sha256).is_ok(), verifier == other);
        }

        #[test]
        fn no_text_makes_it_panic(challenge: String, method: String, verifier: String) {
            if let Ok(Some(challenge)) =
                CodeChallenge::parse(Some(&challenge), Some(&method), PkceEnforcement::Optional)
            {
                let _ = judge(Some(&challenge), Some(&verifier), sha256);
            }
        }
    }
}
