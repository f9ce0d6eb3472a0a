//! Telephone numbers: the spellings accepted, the one stored, the country, the mask.

use std::fmt;

use phonenumber::Mode;

use crate::flow::mask;

/// A number in international format. Debug output shows only its mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone {
    /// Without `+`; empty when nobody has been assigned such a code.
    country_code: String,
    /// All digits after the country code.
    national: String,
}

/// The text is not a number in international format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number in international format, such as +1.5125551234")]
pub struct MalformedPhone;

impl Phone {
    /// Reads `+1.5125551234`, `+15125551234`, `+1.512.555.1234`, `+1 (512) 555-1234`, and the same
    /// without `+`.
    pub fn parse(text: &str) -> Result<Self, MalformedPhone> {
        let text = text.trim();
        let spelled = text.strip_prefix('+').unwrap_or(text);
        if !spelled.starts_with(|first: char| matches!(first, '1'..='9')) {
            return Err(MalformedPhone);
        }
        if spelled
            .contains(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '(' | ')' | ' '))
        {
            return Err(MalformedPhone);
        }
        let digits = digits(spelled);
        // E.164 §6.2.1: at most 15 digits. The shortest accepted: one of code and four of number.
        if !(5..=15).contains(&digits.len()) {
            return Err(MalformedPhone);
        }
        let Ok(number) = phonenumber::parse(None, format!("+{digits}")) else {
            return Ok(Self {
                country_code: String::new(),
                national: digits,
            });
        };
        let country_code = number.code().value().to_string();
        let national = number.format().mode(Mode::E164).to_string();
        let national = national
            .trim_start_matches('+')
            .strip_prefix(&country_code)
            .ok_or(MalformedPhone)?;
        Ok(Self {
            country_code,
            national: national.to_owned(),
        })
    }

    /// The form that is stored and answered: `+CC.NUMBER` when the country code is known, else E.164.
    pub fn stored(&self) -> String {
        if self.country_code.is_empty() {
            return self.e164();
        }
        format!("+{}.{}", self.country_code, self.national)
    }

    /// ITU-T E.164, as a gateway wants it.
    pub fn e164(&self) -> String {
        format!("+{}{}", self.country_code, self.national)
    }

    /// What equal numbers have in common, however they are spelled.
    pub fn digits(&self) -> String {
        format!("{}{}", self.country_code, self.national)
    }

    pub fn mask(&self) -> String {
        mask::phone(&self.digits())
    }

    /// ISO 3166-1 alpha-2, when the number belongs to one country.
    pub fn country(&self) -> Option<String> {
        let number = phonenumber::parse(None, self.e164()).ok()?;
        number.country().id().map(|id| id.as_ref().to_owned())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_spelling_is_one_number() {
        for text in [
            "+1.5125551234",
            "+15125551234",
            "+1.512.555.1234",
            "+1 (512) 555-1234",
            "15125551234",
            "1-512-555-1234",
            " +1 512 555 1234 ",
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.stored(), "+1.5125551234", "{text}");
            assert_eq!(phone.e164(), "+15125551234");
            assert_eq!(phone.digits(), digits(text));
        }
    }

    #[test]
    fn the_stored_form_reads_as_itself() {
        for text in [
            "+49.3055501234",
            "+47.90000001",
            "+39.0612345678",
            "+423.2345678",
            "+44.2079460000",
        ] {
            assert_eq!(Phone::parse(text).unwrap().stored(), text);
        }
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        for text in [
            "",
            "+",
            "+1",
            "0512555123",
            "+0123456789",
            "+1.512.555.1234 ext 3",
            "call me",
            "+12345678901234567",
            "++15125551234",
            "+1/512",
            "+١٢٣٤٥٦٧٨",
        ] {
            assert_eq!(Phone::parse(text), Err(MalformedPhone), "{text}");
        }
    }

    #[test]
    fn the_country_is_that_of_the_number() {
        let country = |text: &str| Phone::parse(text).unwrap().country();
        assert_eq!(country("+47.90000001").as_deref(), Some("NO"));
        assert_eq!(country("+49.3055501234").as_deref(), Some("DE"));
        assert_eq!(country("+1.5125551234").as_deref(), Some("US"));
    }

    #[test]
    fn debug_output_shows_the_mask_only() {
        let phone = Phone::parse("+1.5125551242").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(*********42)");
    }
}
