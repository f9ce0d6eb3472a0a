//! Addresses as a person may recognise them and nobody else can use them.

/// What is shown in place of a phone number of which nothing is told.
pub const SOME_PHONE: &str = "***********";
/// What is shown in place of an e-mail address of which nothing is told.
pub const SOME_EMAIL: &str = "****@****";

/// Keeps the last two digits: `*********42`.
pub fn phone(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let hidden = digits.len().saturating_sub(2);
    (0..hidden)
        .map(|_| '*')
        .chain(digits.into_iter().skip(hidden))
        .collect()
}

/// Keeps the first two characters and the domain: `mi****@example.test`. A local part of two
/// characters or fewer keeps one less, since the mask would else hide nothing.
pub fn email(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return "****".to_owned();
    };
    let shown = local.chars().count().saturating_sub(1).min(2);
    let shown: String = local.chars().take(shown).collect();
    format!("{shown}****@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_keeps_its_last_two_digits() {
        assert_eq!(phone("+1.5125551242"), "*********42");
        assert_eq!(phone("7"), "7");
        assert_eq!(phone(""), "");
    }

    #[test]
    fn an_address_keeps_two_characters_and_the_domain() {
        assert_eq!(email("mira.k@example.test"), "mi****@example.test");
        assert_eq!(email("mi@example.test"), "m****@example.test");
        assert_eq!(email("m@example.test"), "****@example.test");
        assert_eq!(email("\"a@b\"@example.test"), "\"a****@example.test");
        assert_eq!(email("nothing"), "****");
    }
}
