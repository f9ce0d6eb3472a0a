//! The user and the devices behind a name that nobody can sign on with: derived from a keyed hash of
//! the name, so that they are the same whenever they are asked for, and nobody can tell them from
//! real ones. Their counters are kept like anybody's.

use serde_json::Value;

use super::{
    facts::{DeviceFacts, SubjectFacts, UserFacts, Versioned},
    policy::{ActionKind, DeviceType},
    state::Flow,
};
use crate::{
    entropy::{Entropy, Seeded},
    id::Id,
    secret::Secret,
    time::{Duration, Timestamp},
};

const DOMAINS: [&str; 4] = ["gmail.com", "outlook.com", "icloud.com", "yahoo.com"];

/// `seed`: an HMAC of the environment and the folded name, under a key of the server. `born_at`:
/// when the environment was created; users are imagined to have come soon after.
pub fn subject(seed: [u8; 32], typed: &str, flow: &Flow, born_at: Timestamp) -> SubjectFacts {
    let mut draw = Draw::of(&seed);
    let imported_at = born_at + Duration::from_millis(draw.below(600_000));
    let user = UserFacts {
        id: draw.id(imported_at),
        username: typed.trim().to_owned(),
        given_name: None,
        family_name: None,
        enabled: true,
        verified: true,
        lock: None,
        mfa_enabled: true,
        bypass_mfa_until: None,
        attributes: Value::Object(serde_json::Map::new()),
        failures: Versioned::default(),
        sends: Versioned::default(),
    };
    let mut kinds = allowed_kinds(flow);
    // Some people have one device, some two.
    if kinds.len() > 1 && draw.below(2) == 0 {
        kinds.truncate(1);
    }
    let mut devices = Vec::new();
    for (index, kind) in kinds.into_iter().enumerate() {
        let address = match kind {
            DeviceType::Email => draw.email(typed),
            _ => draw.phone(),
        };
        devices.push(DeviceFacts {
            id: draw.id::<super::ids::Device>(imported_at + Duration::from_millis(40)),
            kind,
            is_active: true,
            is_blocked: false,
            locked_until: None,
            nickname: None,
            address: Secret::new(address),
            address_key: format!(
                "{}/{index}",
                data_encoding::BASE64URL_NOPAD.encode(&draw.bytes())
            ),
            failures: Versioned::default(),
            sends: Versioned::default(),
        });
    }
    SubjectFacts { user, devices }
}

/// The types that the first MFA action of the policy lets through.
fn allowed_kinds(flow: &Flow) -> Vec<DeviceType> {
    let actions = flow
        .current_policy()
        .map(|policy| policy.actions.as_slice())
        .unwrap_or_default();
    let settings = actions.iter().find_map(|action| match &action.kind {
        ActionKind::MultiFactorAuthentication(settings) => Some(settings),
        ActionKind::Login => None,
    });
    let mut kinds = vec![DeviceType::Sms, DeviceType::Email];
    kinds.retain(|&kind| settings.is_none_or(|settings| settings.method(kind).is_some()));
    kinds
}

/// Choices that follow from the seed. Not a secret is drawn here: the seed is one already.
struct Draw(Seeded);

impl Draw {
    fn of(seed: &[u8; 32]) -> Self {
        let words = seed.chunks(8).map(|chunk| {
            chunk
                .iter()
                .fold(0, |word, &byte| (word << 8) | u64::from(byte))
        });
        Self(Seeded(
            words.fold(0, |mixed: u64, word| mixed.rotate_left(17) ^ word),
        ))
    }
    fn bytes(&mut self) -> [u8; 16] {
        let entropy: &mut dyn Entropy = &mut self.0;
        entropy.bytes()
    }
    fn below(&mut self, bound: u32) -> i64 {
        let entropy: &mut dyn Entropy = &mut self.0;
        i64::from(u32::from_be_bytes(entropy.bytes()) % bound)
    }
    fn id<T>(&mut self, at: Timestamp) -> Id<T> {
        Id::new(at, &mut self.0)
    }
    fn phone(&mut self) -> String {
        let length = usize::try_from(self.below(3)).unwrap_or_default() + 9;
        let entropy: &mut dyn Entropy = &mut self.0;
        format!("+4{}", entropy.digits(length))
    }
    fn email(&mut self, typed: &str) -> String {
        let letters: String = typed
            .chars()
            .take_while(|&c| c != '@')
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let domain = match typed.trim().rsplit_once('@') {
            Some((_, domain)) if !domain.is_empty() => domain.to_lowercase(),
            Some(_) | None => {
                let index = usize::try_from(self.below(4)).unwrap_or_default();
                DOMAINS.get(index).copied().unwrap_or_default().to_owned()
            }
        };
        format!(
            "{}xx@{domain}",
            if letters.len() < 2 { "an" } else { &letters }
        )
    }
}
