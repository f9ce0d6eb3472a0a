//! Telephone numbers: which spellings are numbers, and the one number (ITU-T E.164) that each is.
//!
//! A number is kept and answered as it was typed. It is compared, masked and sent by its digits, which
//! are those that were typed; only a trunk zero in brackets is left out.

use std::fmt;

use phonenumber::{
    Metadata, Type,
    metadata::{DATABASE, Database},
};

use crate::authenticator::mask;

/// A number in international format. Debug output shows only its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    /// Without blanks at the ends.
    typed: String,
    /// With the country code, without `+`.
    digits: String,
    /// How many of the digits are the country code; none when nobody has been assigned such a code.
    code: usize,
}

/// The text is not a number in international format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number in international format, such as +1.5125551234")]
pub struct MalformedPhone;

/// How a trunk zero is written that those who call from abroad leave out.
const BRACKETED_ZERO: &str = "(0)";

impl Phone {
    /// Reads `+1.5125551234`, `+15125551234`, `+1.512.555.1234`, `+1 (512) 555-1234` and
    /// `+44 (0)20 7946 0018`. A number that is only valid without a trunk digit is refused: it might
    /// be another one.
    pub fn parse(text: &str) -> Result<Self, MalformedPhone> {
        let typed = text.trim();
        let spelled = typed.strip_prefix('+').ok_or(MalformedPhone)?;
        let is_spelling = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '(' | ')' | ' ');
        if !spelled.starts_with(|first: char| matches!(first, '1'..='9'))
            || !spelled.chars().all(is_spelling)
        {
            return Err(MalformedPhone);
        }
        let whole = digits(spelled);
        let code = country_code(&whole);
        let digits = dialled(spelled, &whole, code).ok_or(MalformedPhone)?;
        // E.164 §6.2.1: at most 15 digits. The shortest accepted: one of code and four of number.
        if !(5..=15).contains(&digits.len()) {
            return Err(MalformedPhone);
        }
        Ok(Self {
            typed: typed.to_owned(),
            digits,
            code,
        })
    }

    /// As it was typed, without blanks at the ends.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// ITU-T E.164, as a gateway wants it.
    pub fn e164(&self) -> String {
        format!("+{}", self.digits)
    }

    /// What equal numbers have in common, however they are spelled.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    pub fn mask(&self) -> String {
        mask::phone(&self.digits)
    }

    /// ISO 3166-1 alpha-2, when the number belongs to one country.
    pub fn country(&self) -> Option<String> {
        let (code, national) = self.digits.split_at_checked(self.code)?;
        let regions = regions(code);
        let found = match regions.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|region| match region.leading_digits() {
                Some(leading) => leading
                    .find(national)
                    .is_some_and(|found| found.start() == 0),
                None => is_valid(region, national),
            }),
        };
        // The codes of no country are listed under a number.
        found
            .map(|region| region.id().to_owned())
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_uppercase()))
    }
}

/// The digits to dial from abroad.
fn dialled(spelled: &str, whole: &str, code: usize) -> Option<String> {
    let (code, national) = whole.split_at_checked(code)?;
    let regions = regions(code);
    let is_valid = |national: &str| regions.iter().any(|region| is_valid(region, national));
    let bracketed = spelled
        .split_once(BRACKETED_ZERO)
        .filter(|(before, _)| !code.is_empty() && digits(before) == code);
    let national = match bracketed.map(|(_, after)| digits(after)) {
        Some(trunkless) if is_valid(&trunkless) => trunkless,
        // Where numbers begin with a zero that is part of them, people put it in brackets too.
        Some(_) if is_valid(national) => national.to_owned(),
        Some(trunkless) if regions.iter().copied().any(has_trunk_zero) => trunkless,
        Some(_) => return None,
        None => national.to_owned(),
    };
    let is_dialled_within = |region: &&Metadata| {
        let trunkless = region
            .national_prefix()
            .and_then(|trunk| national.strip_prefix(trunk));
        trunkless
            .is_some_and(|trunkless| is_valid(trunkless) || !has_possible_length(region, &national))
    };
    let is_refused = !is_valid(&national) && regions.iter().any(is_dialled_within);
    (!is_refused).then(|| format!("{code}{national}"))
}

/// How many digits the country code has that these begin with: no code is the beginning of another.
fn country_code(digits: &str) -> usize {
    let is_assigned = |length: &usize| {
        digits
            .get(..*length)
            .is_some_and(|code| !regions(code).is_empty())
    };
    (1..=3).find(is_assigned).unwrap_or_default()
}

fn regions(code: &str) -> Vec<&'static Metadata> {
    let database: &'static Database = &DATABASE;
    code.parse::<u16>()
        .ok()
        .and_then(|code| database.by_code(&code))
        .unwrap_or_default()
}

fn has_trunk_zero(region: &Metadata) -> bool {
    region.national_prefix() == Some("0")
}

const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

/// Whether such a number is assigned in the region.
fn is_valid(region: &Metadata, national: &str) -> bool {
    let descriptors = region.descriptors();
    descriptors.general().is_match(national)
        && KINDS
            .iter()
            .filter_map(|kind| descriptors.get(*kind))
            .any(|kind| kind.is_match(national))
}

fn has_possible_length(region: &Metadata, national: &str) -> bool {
    let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
    region
        .descriptors()
        .general()
        .possible_length()
        .contains(&length)
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.mask())
    }
}

/// The comparison key of any spelling, complete or not: its digits.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The number that messages to a spelling go to which was accepted once. Numbers are looked up only
/// where the spelling leaves a choice.
pub fn destination(accepted: &str) -> String {
    if accepted.contains(BRACKETED_ZERO)
        && let Ok(phone) = Phone::parse(accepted)
    {
        return phone.e164();
    }
    format!("+{}", digits(accepted))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_documented_spelling_is_one_number_and_is_kept() {
        for text in [
            "+1.5125551234",
            "+15125551234",
            "+1.512.555.1234",
            "+1 (512) 555-1234",
            " +1 512 555 1234 ",
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.typed(), text.trim());
            assert_eq!(phone.e164(), "+15125551234");
            assert_eq!(destination(phone.typed()), phone.e164());
        }
    }

    #[test]
    fn a_trunk_zero_in_brackets_is_not_dialled() {
        for (text, expected) in [
            ("+44 (0)20 7946 0018", "+442079460018"),
            ("+44(0)7700900123", "+447700900123"),
            ("+44 (0)7700 900456", "+447700900456"),
            ("+33 (0) 6 12 34 56 78", "+33612345678"),
            ("+49 (0)30 55501234", "+493055501234"),
            ("+57 (0) 321 123 4567", "+573211234567"),
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.e164(), expected, "{text}");
            assert_eq!(destination(phone.typed()), expected);
        }
    }

    #[test]
    fn digits_that_are_valid_as_typed_stay_whole() {
        for (text, expected) in [
            ("+78123456789", "+78123456789"),
            ("+7 (843) 234-56-78", "+78432345678"),
            ("+7.8632345678", "+78632345678"),
            ("+39 06 1234 5678", "+390612345678"),
            ("+39 (0)6 1234 5678", "+390612345678"),
            ("+47.90000001", "+4790000001"),
            ("+423.2345678", "+4232345678"),
            ("+1 512 555 0100", "+15125550100"),
            ("+999 12 345", "+99912345"),
        ] {
            assert_eq!(Phone::parse(text).unwrap().e164(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_that_is_only_valid_without_its_trunk_digit_is_refused() {
        for text in [
            "+4407700900123",
            "+49 030 55501234",
            "+33 06 12 34 56 78",
            "+7 8 812 345 67 89",
            "+1 1 512 555 1234",
            "+36 06 1 234 5678",
            "+44 (0)(0)20 7946 0018",
        ] {
            assert_eq!(Phone::parse(text), Err(MalformedPhone), "{text}");
        }
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        for text in [
            "",
            "+",
            "+1",
            "15125551234",
            "1-512-555-1234",
            "5125551234",
            "0015125551234",
            "0512555123",
            "+0123456789",
            "+1.512.555.1234 ext 3",
            "call me",
            "+12345678901234567",
            "++15125551234",
            "＋15125551234",
            "+1/512",
            "+1\u{a0}512 555 1234",
            "\u{202a}+15125551234\u{202c}",
            "+١٢٣٤٥٦٧٨",
        ] {
            assert_eq!(Phone::parse(text), Err(MalformedPhone), "{text}");
        }
    }

    #[test]
    fn the_country_is_that_of_the_number() {
        let country = |text: &str| Phone::parse(text).unwrap().country();
        for (text, expected) in [
            ("+47.90000001", "NO"),
            ("+49.3055501234", "DE"),
            ("+1.5125551234", "US"),
            ("+1 416 555 1234", "CA"),
            ("+78123456789", "RU"),
            ("+44 (0)20 7946 0018", "GB"),
        ] {
            assert_eq!(country(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(country("+80012345678"), None);
        assert_eq!(country("+99912345"), None);
    }

    #[test]
    fn debug_output_shows_the_mask_only() {
        let phone = Phone::parse("+1.5125551242").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(*********42)");
    }

    proptest! {
        /// Never another number: a digit that was typed is only left out in brackets.
        #[test]
        fn what_is_dialled_was_typed(
            code in prop::sample::select(vec!["1", "7", "33", "39", "44", "49", "57", "81", "99", "380", "999"]),
            trunk in prop::sample::select(vec!["", "(0)", " (0) ", "0", "8", "(1)"]),
            national in "[0-9]{2,5}[ .-]?[0-9]{2,7}",
        ) {
            let text = format!("+{code}{trunk}{national}");
            if let Ok(phone) = Phone::parse(&text) {
                let without = digits(&text.replacen(BRACKETED_ZERO, "", 1));
                prop_assert!(phone.digits() == digits(&text) || phone.digits() == without);
                prop_assert_eq!(destination(phone.typed()), phone.e164());
                let again = Phone::parse(&phone.e164()).map(|again| again.e164());
                prop_assert!(again.is_err() || again == Ok(phone.e164()));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Phone::parse(&text);
        }
    }
}
