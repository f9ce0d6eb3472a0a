use serde_json::json;

use super::{bill_of_materials::SolutionType, *};
use crate::{
    entropy::Seeded,
    resources::trial::{DEFAULT, NOW, OTHER, build, fault, rebuild, stored, targets},
};

fn body() -> Value {
    json!({ "name": "dev-local", "type": "SANDBOX", "region": "NA" })
}

fn with(member: &str, value: Value) -> Value {
    let mut body = body();
    body[member] = value;
    body
}

fn environment(body: Value) -> Stored<Environment> {
    stored(build::<Environment>(body).unwrap().body)
}

#[test]
fn it_is_born_active_under_the_default_licence() {
    let Environment {
        status,
        license,
        organization,
        ..
    } = environment(body()).body;
    assert_eq!(status, EnvironmentStatus::Active);
    assert_eq!(
        (license.id.uuid(), organization.id.uuid()),
        (DEFAULT, DEFAULT)
    );
}

#[test]
fn a_region_that_is_not_there_is_refused_with_those_that_are() {
    let fault = fault(build::<Environment>(with("region", json!("MOON"))));
    assert_eq!(fault.target, "region");
    assert_eq!(
        fault.inner,
        json!({ "allowedValues": ["AP", "AU", "CA", "EU", "NA", "SG"] })
    );
}

#[test]
fn an_environment_is_where_the_installation_is() {
    let located = |body: Value| {
        let draft: EnvironmentDraft = serde_json::from_value(body).unwrap();
        let (draft, fault) = draft.located(Region::Eu);
        assert_eq!(draft.region, Some(Region::Eu));
        fault
    };
    assert_eq!(located(with("region", json!("EU"))), None);
    assert_eq!(located(with("region", Value::Null)), None);
    let fault = located(body()).unwrap();
    assert_eq!(fault.target, "region");
    assert_eq!(fault.inner, json!({ "allowedValues": ["EU"] }));
    for region in Region::ALL {
        assert_eq!(Region::named(region.as_str()), Some(region));
        assert_eq!(json!(region), region.as_str());
    }
}

#[test]
fn the_region_stays_and_the_type_has_its_own_path() {
    let before = environment(body());
    let moved = fault(rebuild(with("region", json!("EU")), &before));
    assert_eq!(moved.target, "region");
    assert_eq!(moved.inner, json!({ "allowedValues": ["NA"] }));
    let unsaid = rebuild(with("region", Value::Null), &before).unwrap().body;
    assert_eq!(unsaid.region, Region::Na);
    let after = rebuild(with("type", json!("PRODUCTION")), &before)
        .unwrap()
        .body;
    assert_eq!(after.environment_type, EnvironmentType::Sandbox);
}

#[test]
fn a_replacement_with_what_was_answered_changes_nothing() {
    let before = environment(with("description", json!("scratch")));
    let answer = Value::Object(Environment::view(&before, NOW));
    assert_eq!(rebuild(answer, &before).unwrap().body, before.body);
}

#[test]
fn what_a_replacement_leaves_out_is_cleared_except_the_licence() {
    let before = environment(json!({
        "name": "a", "type": "SANDBOX", "region": "NA", "description": "x", "license": { "id": OTHER }
    }));
    let after = rebuild(body(), &before).unwrap().body;
    assert_eq!(after.description, None);
    assert_eq!(after.license.id.to_string(), OTHER);
}

#[test]
fn the_bill_of_materials_is_shown_only_when_asked_for() {
    let stored = environment(with(
        "billOfMaterials",
        json!({ "products": [
        { "type": "PING_ONE_BASE" },
        { "type": "PING_ONE_DAVINCI", "tags": ["DAVINCI_MINIMAL"] },
        { "type": "PING_ONE_MFA", "bookmarks": [{ "name": "Runbook", "href": "https://wiki.example.test/mfa" }] }
    ] }),
    ));
    assert!(!Environment::view(&stored, NOW).contains_key("billOfMaterials"));
    let shown = &Environment::expanded(&stored)["billOfMaterials"];
    assert_eq!(shown["products"][0]["description"], "PingOne Platform");
    assert_eq!(shown["products"][1]["tags"], json!(["DAVINCI_MINIMAL"]));
    assert_eq!(shown["products"][2]["bookmarks"][0]["name"], "Runbook");
    assert!(
        shown["products"][2]["id"]
            .as_str()
            .unwrap()
            .parse::<crate::id::Id<()>>()
            .is_ok()
    );
}

#[test]
fn the_faults_of_a_bill_of_materials_have_their_places() {
    let bookmark = json!({ "name": "a", "href": "https://a.test" });
    let bill = json!({ "products": [
        { "type": "PING_ONE_MFA", "tags": ["DAVINCI_MINIMAL"], "bookmarks": [bookmark, bookmark] }
    ] });
    assert_eq!(
        targets(build::<Environment>(with("billOfMaterials", bill))),
        [
            "billOfMaterials.products[0].tags",
            "billOfMaterials.products[0].bookmarks[1].name"
        ]
    );
    assert_eq!(
        targets(build::<Environment>(with(
            "billOfMaterials",
            json!({ "products": [{ "type": "X" }] })
        ))),
        ["billOfMaterials.products[0].type"]
    );
}

#[test]
fn a_product_keeps_its_id_and_the_solution_its_type() {
    let draft = |body: Value| crate::schema::decode::<BillOfMaterialsDraft>(body).unwrap();
    let first = BillOfMaterials::build(
        draft(json!({ "products": [{ "type": "PING_ONE_MFA" }], "solutionType": "CUSTOMER" })),
        None,
        NOW,
        &mut Seeded(1),
    )
    .unwrap();
    let second = BillOfMaterials::build(
        draft(json!({ "products": [{ "type": "PING_ONE_RISK" }, { "type": "PING_ONE_MFA" }], "solutionType": "WORKFORCE" })),
        Some(&first),
        NOW + Duration::from_seconds(1),
        &mut Seeded(2),
    )
    .unwrap();
    assert_eq!(
        second.products.last().map(|product| product.id),
        first.products.first().map(|product| product.id)
    );
    assert_eq!(second.solution_type, Some(SolutionType::Customer));
    assert_eq!(
        (second.created_at, second.updated_at),
        (NOW, NOW + Duration::from_seconds(1))
    );
}

#[test]
fn a_sandbox_is_deleted_at_once_and_production_after_its_grace() {
    assert_eq!(environment(body()).body.deletion(NOW), Deletion::Now);
    let production = environment(with("type", json!("PRODUCTION"))).body;
    let Deletion::Later(marked) = production.deletion(NOW) else {
        panic!("deleted at once")
    };
    assert_eq!(marked.status, EnvironmentStatus::DeletePending);
    assert_eq!(
        marked.hard_deleted_allowed_at,
        Some(NOW + Duration::from_days(30))
    );

    let again = marked.clone().deletion(NOW + Duration::from_days(29));
    assert_eq!(
        again,
        Deletion::Later(marked.clone()),
        "a second deletion does not begin the grace anew"
    );
    assert_eq!(
        marked.clone().deletion(NOW + Duration::from_days(30)),
        Deletion::Now
    );

    let restored = marked.with_status(
        StatusDraft {
            status: EnvironmentStatus::Active,
        },
        NOW,
    );
    assert_eq!(
        (restored.soft_deleted_at, restored.hard_deleted_allowed_at),
        (None, None)
    );
}
