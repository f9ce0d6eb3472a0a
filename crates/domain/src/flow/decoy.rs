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
    entropy::Entropy,
    id::{Id, IdSequence},
    secret::Secret,
    time::{Duration, Timestamp},
};

const DOMAINS: [&str; 4] = ["gmail.com", "outlook.com", "icloud.com", "yahoo.com"];

/// How many bytes a decoy is drawn from.
pub const SEED: usize = 256;

/// `seed`: [`SEED`] bytes of a keyed hash of the environment and the folded name. Nothing stretches
/// them here: much of what is drawn is shown, and whoever could tell one part of it from another
/// would know a decoy by that. `born_at`: when the environment was created; users are imagined to
/// have come at any time since.
pub fn subject(
    seed: &[u8],
    typed: &str,
    flow: &Flow,
    born_at: Timestamp,
    now: Timestamp,
) -> SubjectFacts {
    let mut draw = Draw(seed);
    let came_at = born_at + Duration::from_millis(draw.below_age(now.since(born_at)));
    let user = UserFacts {
        id: draw.id(came_at),
        username: typed.trim().to_owned(),
        given_name: None,
        family_name: None,
        enabled: true,
        verified: true,
        lock: None,
        mfa_enabled: true,
        bypass_mfa_until: None,
        holds_a_role: false,
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
        let paired_at = came_at + Duration::from_millis(40 + draw.below(400));
        devices.push(DeviceFacts {
            id: draw.id::<super::ids::Device>(paired_at),
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

/// The decoy of a name that somebody has who cannot go on: it wears their devices. Else a name that
/// was answered by a masked number yesterday and by another one today would be known to be somebody's.
/// None when they have no device that the policy lets through.
pub fn in_place_of(subject: &SubjectFacts, typed: &str, flow: &Flow) -> Option<SubjectFacts> {
    let kinds = allowed_kinds(flow);
    let mut decoy = subject.clone();
    decoy.user = UserFacts {
        username: typed.trim().to_owned(),
        given_name: None,
        family_name: None,
        enabled: true,
        verified: true,
        lock: None,
        mfa_enabled: true,
        bypass_mfa_until: None,
        holds_a_role: false,
        ..decoy.user
    };
    decoy
        .devices
        .retain(|device| device.is_active && kinds.contains(&device.kind));
    for device in &mut decoy.devices {
        device.is_blocked = false;
        // What wrong codes locked stays so, as it does for a name that nobody has.
        device.locked_until = None;
    }
    (!decoy.devices.is_empty()).then_some(decoy)
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

/// Takes what it draws from the front of the seed.
struct Draw<'a>(&'a [u8]);

impl Entropy for Draw<'_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if let Some((&first, rest)) = self.0.split_first() {
                *byte = first;
                self.0 = rest;
            }
        }
    }
}

impl Draw<'_> {
    fn bytes(&mut self) -> [u8; 16] {
        let entropy: &mut dyn Entropy = self;
        entropy.bytes()
    }
    fn below(&mut self, bound: u32) -> i64 {
        let entropy: &mut dyn Entropy = self;
        i64::from(u32::from_be_bytes(entropy.bytes()) % bound)
    }
    fn id<T>(&mut self, at: Timestamp) -> Id<T> {
        // As ids are made where little happens in the same millisecond.
        Id::next(&mut IdSequence::default(), at, self)
    }
    /// Milliseconds below `age`. As the environment grows older the range doubles now and then, and
    /// only then does what is drawn change, for half of the names.
    fn below_age(&mut self, age: Duration) -> i64 {
        let entropy: &mut dyn Entropy = self;
        let drawn = u64::from_be_bytes(entropy.bytes());
        let age = u64::try_from(age.as_millis()).unwrap_or_default();
        // Below a quarter of an hour it would double too often.
        let range = 1_u64 << age.checked_ilog2().unwrap_or_default().max(20);
        i64::try_from(drawn & (range - 1)).unwrap_or_default()
    }
    fn phone(&mut self) -> String {
        let length = usize::try_from(self.below(3)).unwrap_or_default() + 9;
        let entropy: &mut dyn Entropy = self;
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
