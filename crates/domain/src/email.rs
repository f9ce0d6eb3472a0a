//! E-mail addresses: `addr-spec` of RFC 5322 within the limits of RFC 5321, in the letters of all
//! languages (RFC 6531), and only what the sender can carry.

use std::fmt;

use email_address::EmailAddress;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::{authenticator::mask, name};

/// RFC 5321 §4.5.3.1.3: a path is at most 256 octets long, its brackets included.
const LONGEST: usize = 254;

/// A mailbox at a domain. Debug output shows only its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    local: String,
    /// In A-labels (RFC 5890), and so in lower case.
    domain: String,
}

/// The text is no address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address")]
pub struct MalformedEmail;

impl Email {
    /// Reads `mira@example.test`, `"mira k"@example.test`, `mira@bücher.example`. An address literal
    /// (`mira@[192.0.2.1]`) is refused.
    pub fn parse(text: &str) -> Result<Self, MalformedEmail> {
        if name::has_unseen(text) {
            return Err(MalformedEmail);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(MalformedEmail)?;
        let local = name::composed(local).into_owned();
        if !EmailAddress::is_valid_local_part(&local) {
            return Err(MalformedEmail);
        }
        let domain = Uts46::new()
            .to_ascii(
                domain.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| MalformedEmail)?
            .into_owned();
        // An address of digits only is the host's, without the brackets of a literal.
        let is_numeric = domain
            .rsplit('.')
            .next()
            .is_none_or(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
        let email = Self { local, domain };
        if is_numeric || email.routable().len() > LONGEST {
            return Err(MalformedEmail);
        }
        Ok(email)
    }

    /// As SMTP takes it: the domain in A-labels, which every server can look up.
    pub fn routable(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }

    /// What addresses of one mailbox have in common. A domain has no case (RFC 4343 §3), and no
    /// server that people use tells mailboxes apart by it.
    pub fn comparable(&self) -> String {
        format!("{}@{}", name::fold_part(&self.unquoted()), self.domain)
    }

    /// Quotes change nothing but which characters may stand between them (RFC 5321 §4.1.2).
    fn unquoted(&self) -> String {
        let quoted = self.local.strip_prefix('"');
        let Some(quoted) = quoted.and_then(|rest| rest.strip_suffix('"')) else {
            return self.local.clone();
        };
        let mut characters = quoted.chars();
        let mut unquoted = String::with_capacity(quoted.len());
        while let Some(character) = characters.next() {
            unquoted.extend(if character == '\\' {
                characters.next()
            } else {
                Some(character)
            });
        }
        unquoted
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", mask::email(&self.routable()))
    }
}

/// [`Email::comparable`] of any text; what is no address is compared as a name is.
pub fn comparable(text: &str) -> String {
    Email::parse(text).map_or_else(|_| name::fold(text), |email| email.comparable())
}

/// [`Email::routable`] of an address that was taken when others were; such a one goes as it is.
pub fn routable(text: &str) -> String {
    Email::parse(text).map_or_else(|_| text.to_owned(), |email| email.routable())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn routed(text: &str) -> String {
        Email::parse(text).unwrap().routable()
    }

    #[test]
    fn what_no_server_would_carry_is_no_address() {
        let (long, label) = ("a".repeat(65), "b".repeat(64));
        for text in [
            "",
            "mira",
            "@example.test",
            "mira@",
            "a..b@example.test",
            ".a@example.test",
            "a.@example.test",
            &format!("{long}@example.test"),
            "mira@-example.test",
            "mira@example-.test",
            &format!("a@{label}.test"),
            &format!("{}@{}test", "a".repeat(64), "bcdefgh.".repeat(24)),
            "\u{202a}mira@example.test\u{202c}",
            "mi\u{200b}ra@example.test",
            "mira@exam\u{ad}ple.test",
            "mira@example..test",
            "mira@.example.test",
            "mira@example.test.",
            "mira@exam_ple.test",
            "mira@[192.0.2.1]",
            "mira@192.0.2.1",
            "mira k@example.test",
            "mira @example.test",
            " mira@example.test",
            "mira@example.test ",
            "mira@example.test\r\nBcc: all@example.test",
            "Mira <mira@example.test>",
            "\"mira\"k@example.test",
            "mira@xn--a.test",
        ] {
            assert_eq!(Email::parse(text), Err(MalformedEmail), "{text:?}");
        }
    }

    #[test]
    fn addresses_of_all_languages_are_sent_by_a_labels() {
        for (text, expected) in [
            ("mira@example.test", "mira@example.test"),
            ("Mira.K+shop@Example.TEST", "Mira.K+shop@example.test"),
            ("mira@bücher.example", "mira@xn--bcher-kva.example"),
            ("mira@例え.テスト", "mira@xn--r8jz45g.xn--zckzah"),
            ("müller@example.test", "müller@example.test"),
            ("mu\u{308}ller@example.test", "müller@example.test"),
            ("\"mira k\"@example.test", "\"mira k\"@example.test"),
            ("\"a@b\"@example.test", "\"a@b\"@example.test"),
            ("mira@localhost", "mira@localhost"),
        ] {
            assert_eq!(routed(text), expected);
        }
    }

    #[test]
    fn a_mailbox_is_one_however_it_is_spelled() {
        for (one, other) in [
            ("mira@Example.TEST", "mira@example.test"),
            ("Mira@example.test", "mira@example.test"),
            ("mira@BÜCHER.example", "mira@xn--bcher-kva.example"),
            ("mu\u{308}ller@example.test", "MÜLLER@example.test"),
            ("\"mira\"@example.test", "mira@example.test"),
        ] {
            assert_eq!(comparable(one), comparable(other), "{one} {other}");
        }
        assert_ne!(
            comparable("mira@example.test"),
            comparable("mira@example.com")
        );
    }

    #[test]
    fn debug_output_shows_the_mask_only() {
        let email = Email::parse("mira.k@example.test").unwrap();
        assert_eq!(format!("{email:?}"), "Email(mi****@example.test)");
    }

    proptest! {
        #[test]
        fn what_is_sent_reads_as_the_same_mailbox(text in "\\PC{1,12}@\\PC{1,12}\\.test|[a-z.\"\\\\]{1,8}@[a-z-]{1,5}\\.test") {
            if let Ok(email) = Email::parse(&text) {
                let routed = email.routable();
                prop_assert!(routed.rsplit('@').next().unwrap().is_ascii());
                let again = Email::parse(&routed).unwrap();
                prop_assert_eq!(again.routable(), routed);
                prop_assert_eq!(again.comparable(), email.comparable());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Email::parse(&text);
        }
    }
}
