#![expect(dead_code, reason = "the samples are read by serde only")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{id::Ref, time::Timestamp, violation::ViolationCode};

mod drafts;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Colour {
    DarkRed,
    /// With a comment, which makes schemars list it apart.
    Green,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum Shape {
    Circle { radius: u8 },
    Square { side: i64 },
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Labelled {
    label: String,
    #[serde(flatten)]
    figure: Figure,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum Figure {
    Timed(LifeTime),
    Spread(Spread),
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Spread {
    side: Option<i64>,
    name: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct LifeTime {
    #[schemars(range(min = 1, max = 120))]
    duration: u32,
    colour: Option<Colour>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Either {
    Text(String),
    Many(Vec<u8>),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Sample {
    #[schemars(length(min = 1, max = 8))]
    name: String,
    enabled: bool,
    #[serde(default)]
    life_time: Option<LifeTime>,
    #[schemars(length(max = 2))]
    items: Option<Vec<Ref<()>>>,
    #[schemars(regex(pattern = r"^[a-z]+$"))]
    slug: Option<String>,
    #[schemars(url)]
    home: Option<String>,
    until: Option<Timestamp>,
    shape: Option<Shape>,
    labels: Option<BTreeMap<String, String>>,
    free: Option<Value>,
    either: Option<Either>,
    share: Option<f64>,
}

fn found(body: &Value) -> Vec<(String, String)> {
    check::<Sample>(body, "")
        .into_iter()
        .map(|fault| (fault.target, fault.code.as_str().to_owned()))
        .collect()
}

fn only(body: &Value) -> Violation {
    let mut faults = check::<Sample>(body, "");
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn with(member: &str, value: Value) -> Value {
    let mut body = json!({ "name": "a", "enabled": true });
    body[member] = value;
    body
}

#[test]
fn all_faults_are_found_at_once_with_their_places() {
    let body = json!({
        "name": "", "enabled": "yes", "lifeTime": { "duration": 0, "colour": "BLUE" },
        "items": [{ "id": "x" }, {}, 3], "slug": "A1", "home": "nowhere", "until": "tomorrow",
        "shape": { "type": "CIRCLE", "radius": 300 }, "labels": { "a": 1 }
    });
    let expected = [
        ("name", "EMPTY_VALUE"),
        ("enabled", "INVALID_VALUE"),
        ("lifeTime.duration", "OUT_OF_RANGE"),
        ("lifeTime.colour", "INVALID_VALUE"),
        ("items", "SIZE_LIMIT_EXCEEDED"),
        ("items[0].id", "INVALID_VALUE"),
        ("items[1].id", "REQUIRED_VALUE"),
        ("items[2]", "INVALID_VALUE"),
        ("slug", "INVALID_VALUE"),
        ("home", "INVALID_VALUE"),
        ("until", "INVALID_VALUE"),
        ("shape.radius", "OUT_OF_RANGE"),
        ("labels.a", "INVALID_VALUE"),
    ];
    assert_eq!(
        found(&body),
        expected.map(|(target, code)| (target.to_owned(), code.to_owned()))
    );
}

#[test]
fn facts_for_programs_are_added() {
    assert_eq!(
        only(&with("lifeTime", json!({ "duration": 121 }))).inner,
        json!({ "rangeMinimumValue": 1, "rangeMaximumValue": 120 })
    );
    assert_eq!(
        only(&with("slug", json!("Ä"))).inner,
        json!({ "allowedPattern": "^[a-z]+$" })
    );
    assert_eq!(
        only(&with("name", json!("123456789"))).inner,
        json!({ "maximumValue": 8 })
    );
    assert_eq!(
        only(&with("shape", json!({ "type": "STAR" }))).inner,
        json!({ "allowedValues": ["CIRCLE", "SQUARE"] })
    );
}

#[test]
fn every_constant_of_an_enumeration_is_listed() {
    let inner = only(&with("lifeTime", json!({ "duration": 5, "colour": "X" }))).inner;
    let mut allowed: Vec<_> = inner["allowedValues"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DARK_RED", "GREEN"]);
}

#[test]
fn a_null_member_is_an_absent_one() {
    assert_eq!(
        found(&json!({ "name": null, "enabled": true, "slug": null, "lifeTime": null })),
        [("name".to_owned(), "REQUIRED_VALUE".to_owned())]
    );
    let body = json!({ "name": "a", "enabled": true, "labels": { "a": null, "b": "c" }, "free": { "kept": null } });
    let sample: Sample = decode(body).unwrap();
    assert_eq!(
        sample.labels.unwrap(),
        BTreeMap::from([("b".to_owned(), "c".to_owned())])
    );
    assert_eq!(sample.free, Some(json!({ "kept": null })));
}

#[test]
fn a_fraction_is_cut_off_where_an_integer_is_wanted() {
    let sample: Sample = decode(with("lifeTime", json!({ "duration": 17.9 }))).unwrap();
    assert_eq!(sample.life_time.unwrap().duration, 17);
    assert_eq!(
        only(&with("lifeTime", json!({ "duration": 1e300 }))).code,
        ViolationCode::OutOfRange
    );
    assert_eq!(
        only(&with("lifeTime", json!({ "duration": 0.9 }))).code,
        ViolationCode::OutOfRange
    );
}

#[test]
fn unknown_members_are_ignored_and_only_objects_are_bodies() {
    assert_eq!(found(&with("surprise", json!([1]))), []);
    for body in [json!([]), json!("x"), json!(null), json!(1)] {
        assert_eq!(only(&body).message, "must be a JSON object");
    }
}

#[test]
fn a_base_target_comes_before_every_place() {
    let faults = check::<Sample>(&json!({ "enabled": true }), "users[3]");
    assert_eq!(faults.first().unwrap().target, "users[3].name");
}

#[test]
fn a_missing_tag_is_required() {
    let fault = only(&with("shape", json!({ "radius": 3 })));
    assert_eq!(
        (fault.target.as_str(), fault.code),
        ("shape.type", ViolationCode::RequiredValue)
    );
}

#[test]
fn a_tag_leads_to_a_type_of_its_own() {
    let faults = |body| {
        check::<Labelled>(&body, "")
            .into_iter()
            .map(|fault| fault.target)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        faults(json!({ "label": "x", "type": "TIMED" })),
        ["duration"]
    );
    assert_eq!(
        faults(json!({ "label": "x", "type": "SPREAD", "side": "wide" })),
        ["side"]
    );
    assert_eq!(faults(json!({ "label": "x", "type": "STAR" })), ["type"]);
    assert_eq!(faults(json!({})), ["type", "label"]);
}

#[test]
fn merge_patch_does_what_the_rfc_shows() {
    // RFC 7396, appendix A.
    for (target, patch, result) in [
        (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
        (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
        (
            json!({"a":"b","b":"c"}),
            json!({"a":null}),
            json!({"b":"c"}),
        ),
        (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
        (
            json!({"a":{"b":"c"}}),
            json!({"a":{"b":"d","c":null}}),
            json!({"a":{"b":"d"}}),
        ),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a":"foo"}), json!(null), json!(null)),
        (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
        (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
        (
            json!({}),
            json!({"a":{"bb":{"ccc":null}}}),
            json!({"a":{"bb":{}}}),
        ),
    ] {
        let mut merged = target.clone();
        merge_patch(&mut merged, patch.clone());
        assert_eq!(merged, result, "{target} with {patch}");
    }
}

#[test]
fn a_keyword_that_is_not_enforced_is_told() {
    assert_eq!(unknown_keywords::<Sample>(), Vec::<String>::new());
    assert_eq!(unknown_keywords::<(u8, u8)>(), ["prefixItems"]);
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("CIRCLE".to_owned()),
        Just("GREEN".to_owned()),
        Just("abc".to_owned()),
        Just("2026-01-31T12:00:00Z".to_owned()),
        Just("https://example.test".to_owned()),
        Just("11111111-1111-4111-8111-111111111111".to_owned()),
        any::<String>(),
    ];
    let name = prop_oneof![
        Just("name"),
        Just("enabled"),
        Just("lifeTime"),
        Just("duration"),
        Just("colour"),
        Just("items"),
        Just("id"),
        Just("slug"),
        Just("home"),
        Just("until"),
        Just("shape"),
        Just("type"),
        Just("radius"),
        Just("side"),
        Just("labels"),
        Just("free"),
        Just("either"),
        Just("share"),
        Just("other"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3..200_i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn a_member() -> impl Strategy<Value = Value> {
    let members = [
        "lifeTime", "items", "slug", "home", "until", "shape", "labels", "free", "either", "share",
    ];
    (prop::sample::select(members.to_vec()), any_json())
        .prop_map(|(member, value)| with(member, value))
}

proptest! {
    #[test]
    fn what_has_no_fault_can_be_read(body in prop_oneof![any_json(), a_member()], tag in "TIMED|SPREAD|OTHER") {
        let clean = check::<Sample>(&body, "").is_empty();
        prop_assert_eq!(clean, decode::<Sample>(body.clone()).is_ok());
        let clean = check::<LifeTime>(&body, "").is_empty();
        prop_assert_eq!(clean, decode::<LifeTime>(body.clone()).is_ok());
        let clean = check::<Shape>(&body, "").is_empty();
        prop_assert_eq!(clean, decode::<Shape>(body.clone()).is_ok());
        let mut labelled = body;
        merge_patch(&mut labelled, json!({ "label": "x", "type": tag }));
        let clean = check::<Labelled>(&labelled, "").is_empty();
        prop_assert_eq!(clean, decode::<Labelled>(labelled).is_ok());
    }
}
