use stepgate_domain::phone::{self, Phone};

/// What is read as a number is one by ITU-T E.164, made of digits that were typed, and is the same
/// number when its digits are read again.
pub fn phone(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    let Ok(phone) = Phone::parse(text) else {
        return;
    };
    assert_eq!(phone.typed(), text.trim());
    let number = phone.e164();
    let digits = number.strip_prefix('+').expect("begins with a plus");
    assert!((5..=15).contains(&digits.len()) && !digits.starts_with('0'));
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
    let typed = phone::digits(text);
    // A trunk zero is all that may be left out.
    assert!(
        digits == typed || (text.contains("(0)") && digits.len() + 1 == typed.len()),
        "{text} became {number}"
    );
    let again = Phone::parse(&number).expect("its own digits are a number");
    assert_eq!(again.digits(), phone.digits());
    assert_eq!(again.country(), phone.country());
    assert_eq!(phone::destination(phone.typed()), number);
    assert!(phone.country().is_none_or(
        |country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase())
    ));
    // Its last two digits are all that is shown.
    let mask = phone.mask();
    assert_eq!(mask.len(), digits.len());
    assert_eq!(phone::digits(&mask).len(), 2);
    assert_eq!(format!("{phone:?}"), format!("Phone({mask})"));
}
