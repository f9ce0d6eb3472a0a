//! When two names are the same name, for whatever is named: users, populations, policies, resources.
//!
//! Names are kept as they were sent. They are unique, looked up and filtered by their fold, which
//! leaves out what people neither see nor tell apart: blanks at the ends, case, and the several ways
//! in which Unicode writes one character.

use std::{borrow::Cow, sync::LazyLock};

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use regex::Regex;
use uuid::Uuid;

/// What equal names have in common: trimmed, and folded by `NFKC_Casefold` (Unicode §5.18, D146).
pub fn fold(name: &str) -> String {
    let folded = fold_part(name.trim());
    // Of some characters the compatible form begins with a blank.
    let trimmed = folded.trim();
    if trimmed.len() == folded.len() {
        folded
    } else {
        trimmed.to_owned()
    }
}

/// How names were folded before: two that are equal only by today's fold keep their places by this
/// one, so that each is still found by its own spelling.
pub fn former_fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The fold of a part of a name, whose blanks at the ends may be blanks within.
pub fn fold_part(part: &str) -> String {
    if part.is_ascii() {
        return part.to_ascii_lowercase();
    }
    let mut folded = fold_once(&DecomposingNormalizer::new_nfd().normalize(part));
    loop {
        let again = fold_once(&folded);
        if again == folded {
            return folded;
        }
        folded = again;
    }
}

fn fold_once(text: &str) -> String {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let folded = CaseMapper::new().fold_string(text);
    let seen: String = folded
        .chars()
        .filter(|&character| !ignorable.contains(character))
        .collect();
    ComposingNormalizer::new_nfkc()
        .normalize(&seen)
        .into_owned()
}

/// The canonically composed form: what canonically equal texts have in common.
pub fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizer::new_nfc().normalize(text)
}

/// Characters that end a line, steer a terminal, or are not seen at all.
static UNSEEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]").ok());

/// Whether there are control or format characters in it.
pub fn has_unseen(text: &str) -> bool {
    UNSEEN.as_ref().is_none_or(|unseen| unseen.is_match(text))
}

/// Why the text cannot be a name.
pub fn fault(text: &str) -> Option<&'static str> {
    if has_unseen(text) {
        Some("must not have control or format characters")
    } else if fold(text).is_empty() {
        Some("must not be blank")
    } else {
        None
    }
}

/// The longest name in a message.
const LONGEST_SPOKEN: usize = 40;

/// A person's name as a message shows it, which may go to somebody whom that person chose: short, and
/// without what makes a text a link, an amount or a line of its own.
pub fn spoken(name: &str) -> String {
    let mut spoken = String::new();
    let mut characters = name.chars().take(LONGEST_SPOKEN).peekable();
    while let Some(character) = characters.next() {
        let is_kept = match character {
            // An abbreviation, but no domain.
            '.' => characters.peek().is_none_or(|next| next.is_whitespace()),
            ' ' | '\'' | '\u{2019}' | '-' | ',' => true,
            letter => letter.is_alphanumeric() || is_mark(letter),
        };
        if is_kept {
            spoken.push(character);
        }
    }
    spoken.trim().to_owned()
}

fn is_mark(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    matches!(
        category,
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
    )
}

/// The id that the text is: the hyphened form, and no other spelling of a UUID.
pub fn as_id(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (text.len() == uuid::fmt::Hyphenated::LENGTH).then_some(uuid)
}

/// The UUID that the name could be taken for, in whatever spelling.
pub fn as_uuid(name: &str) -> Option<Uuid> {
    Uuid::try_parse(&fold(name)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_and_mean_the_same_are_one_name() {
        for (one, other) in [
            ("mira.k", "Mira.K"),
            ("mira.k", " mira.k\u{a0}"),
            ("JÜRGEN", "jürgen"),
            ("ДМИТРИЙ", "дмитрий"),
            ("ΣΑΣ", "σας"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("straße", "STRASSE"),
            ("ｍｉｒａ", "mira"),
            ("ﬁona", "fiona"),
            ("❤\u{fe0f}", "❤"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        for (one, other) in [("mira", "mirá"), ("mira k", "mirak"), ("a", "ä")] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn what_nobody_sees_is_no_name() {
        for text in [
            "   ",
            "\u{3000}",
            "\u{3164}",
            "",
            "mira\u{202e}k",
            "mi\u{200b}ra",
            "mi\nra",
            "mira\0",
        ] {
            assert!(fault(text).is_some(), "{text:?}");
        }
        for text in ["mira.k", " ola.b ", "Ängström", "美羅", "O'Brien 🙂"] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_in_a_message_is_short_and_no_link() {
        for (name, spoken_as) in [
            ("Mira", "Mira"),
            ("Nia K. Berg, Jr.", "Nia K. Berg, Jr."),
            ("O'Brien-Ångström", "O'Brien-Ångström"),
            ("आर्या", "आर्या"),
            (
                "You won! https://evil.test/a?b=1",
                "You won httpseviltestab1",
            ),
            ("a@evil.test\r\nBcc", "aeviltestBcc"),
            ("$$$", ""),
        ] {
            assert_eq!(spoken(name), spoken_as);
        }
        assert_eq!(spoken(&"x".repeat(256)).len(), LONGEST_SPOKEN);
    }

    #[test]
    fn only_the_hyphened_form_is_an_id_and_every_spelling_could_be_taken_for_one() {
        let id = "9e0a1111-2222-4333-8444-555566667777";
        let uuid = Uuid::try_parse(id).ok();
        assert_eq!(as_id(id), uuid);
        for spelling in [
            id.replace('-', ""),
            format!("{{{id}}}"),
            format!("urn:uuid:{id}"),
            format!(" {id}"),
            id.replace('9', "９"),
        ] {
            assert_eq!(as_id(&spelling), None, "{spelling}");
            assert_eq!(as_uuid(&spelling), uuid, "{spelling}");
        }
        assert_eq!(as_uuid("mira.k"), None);
    }

    proptest! {
        #[test]
        fn a_fold_folds_to_itself(name: String) {
            let folded = fold(&name);
            prop_assert_eq!(fold(&folded), folded);
        }

        /// So keys that were made by lower case can be folded without the name.
        #[test]
        fn lower_case_has_the_fold_of_its_name(name: String) {
            prop_assert_eq!(fold(&name.to_lowercase()), fold(&name));
        }

        #[test]
        fn the_forms_of_a_name_fold_alike(name: String) {
            let composed = composed(&name).into_owned();
            let decomposed = DecomposingNormalizer::new_nfd().normalize(&name).into_owned();
            prop_assert_eq!(fold(&composed), fold(&decomposed));
            prop_assert_eq!(fold(&composed), fold(&name));
        }
    }
}
