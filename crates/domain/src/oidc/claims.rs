//! Claims about the user, by scope (OIDC Core §5.1 and §5.4).

use serde_json::{Map, Value, json};

use crate::{id::Id, oauth::ResourceOwner, oauth::scope::Scopes, time::Timestamp};

/// What is known of a user. Empty values are as good as absent.
#[derive(Clone, PartialEq, Default)]
pub struct UserClaims {
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub middle_name: Option<String>,
    pub preferred_username: Option<String>,
    pub nickname: Option<String>,
    pub picture: Option<String>,
    pub zoneinfo: Option<String>,
    pub locale: Option<String>,
    pub profile: Option<String>,
    pub website: Option<String>,
    pub gender: Option<String>,
    pub birthdate: Option<String>,
    pub updated_at: Option<Timestamp>,
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    pub phone_number: Option<String>,
    pub phone_number_verified: Option<bool>,
    pub address: AddressClaims,
}

/// The members of `address` (OIDC Core §5.1.1).
#[derive(Clone, PartialEq, Default)]
pub struct AddressClaims {
    pub formatted: Option<String>,
    pub street_address: Option<String>,
    pub locality: Option<String>,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
}

/// Who somebody is does not belong into a log.
impl std::fmt::Debug for UserClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserClaims(…)")
    }
}
impl std::fmt::Debug for AddressClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressClaims(…)")
    }
}

impl UserClaims {
    /// The claims that the scopes give, without `sub`.
    pub fn by_scope(&self, scopes: &Scopes) -> Map<String, Value> {
        let mut claims = Map::new();
        if scopes.contains("profile") {
            add_texts(
                &mut claims,
                [
                    ("name", &self.name),
                    ("given_name", &self.given_name),
                    ("family_name", &self.family_name),
                    ("middle_name", &self.middle_name),
                    ("preferred_username", &self.preferred_username),
                    ("nickname", &self.nickname),
                    ("picture", &self.picture),
                    ("zoneinfo", &self.zoneinfo),
                    ("locale", &self.locale),
                    ("profile", &self.profile),
                    ("website", &self.website),
                    ("gender", &self.gender),
                    ("birthdate", &self.birthdate),
                ],
            );
            if let Some(updated_at) = self.updated_at {
                claims.insert("updated_at".to_owned(), json!(updated_at.as_seconds()));
            }
        }
        if scopes.contains("email") {
            add_texts(&mut claims, [("email", &self.email)]);
            add_verdict(&mut claims, "email", "email_verified", self.email_verified);
        }
        if scopes.contains("phone") {
            add_texts(&mut claims, [("phone_number", &self.phone_number)]);
            let verified = self.phone_number_verified;
            add_verdict(
                &mut claims,
                "phone_number",
                "phone_number_verified",
                verified,
            );
        }
        if scopes.contains("address") {
            let address = self.address.members();
            if !address.is_empty() {
                claims.insert("address".to_owned(), Value::Object(address));
            }
        }
        claims
    }

    /// The answer of userinfo.
    pub fn userinfo(&self, user: Id<ResourceOwner>, scopes: &Scopes) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), Value::from(user.to_string()));
        claims.extend(self.by_scope(scopes));
        claims
    }
}

impl AddressClaims {
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        add_texts(
            &mut members,
            [
                ("formatted", &self.formatted),
                ("street_address", &self.street_address),
                ("locality", &self.locality),
                ("region", &self.region),
                ("postal_code", &self.postal_code),
                ("country", &self.country),
            ],
        );
        members
    }
}

fn add_texts<const N: usize>(claims: &mut Map<String, Value>, texts: [(&str, &Option<String>); N]) {
    for (name, text) in texts {
        if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
            claims.insert(name.to_owned(), Value::from(text.as_str()));
        }
    }
}

/// Whether an address is proved: said only where the address itself is.
fn add_verdict(claims: &mut Map<String, Value>, address: &str, name: &str, verified: Option<bool>) {
    if let (true, Some(verified)) = (claims.contains_key(address), verified) {
        claims.insert(name.to_owned(), Value::from(verified));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Seeded;

    fn ada() -> UserClaims {
        let text = |text: &str| Some(text.to_owned());
        UserClaims {
            name: text("Ada Berg"),
            given_name: text("Ada"),
            nickname: text(""),
            updated_at: Some(Timestamp::from_millis(1_795_000_000_999)),
            email: text("ada@shop.test"),
            email_verified: Some(true),
            phone_number_verified: Some(false),
            address: AddressClaims {
                locality: text("Oslo"),
                ..AddressClaims::default()
            },
            ..UserClaims::default()
        }
    }

    fn claims(scopes: &str) -> Value {
        Value::Object(ada().by_scope(&Scopes::parse(scopes).unwrap()))
    }

    #[test]
    fn each_scope_gives_its_claims_and_empty_ones_are_left_out() {
        assert_eq!(claims("openid"), json!({}));
        assert_eq!(
            claims("openid profile"),
            json!({ "name": "Ada Berg", "given_name": "Ada", "updated_at": 1_795_000_000 })
        );
        assert_eq!(
            claims("email"),
            json!({ "email": "ada@shop.test", "email_verified": true })
        );
        assert_eq!(claims("phone"), json!({}));
        assert_eq!(
            claims("address"),
            json!({ "address": { "locality": "Oslo" } })
        );
    }

    #[test]
    fn userinfo_names_the_user_first() {
        let user = Id::random(&mut Seeded(1));
        let answer = ada().userinfo(user, &Scopes::openid());
        assert_eq!(Value::Object(answer), json!({ "sub": user.to_string() }));
    }

    #[test]
    fn debug_tells_nobody_who_it_is() {
        assert!(!format!("{:?}", ada()).contains("Ada"));
    }
}
