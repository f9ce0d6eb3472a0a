//! Every object has a version, and no write goes past the one that is insisted on.

use stepgate_http::{
    api::{Guard, Operation},
    routes::operations,
};

use super::world::World;

/// What the management API does with these methods.
fn managing(is_wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Operation> {
    let all = operations().operations.into_iter();
    let managing = all.filter(|operation| operation.guard != Guard::Public);
    managing.filter(move |operation| is_wanted(operation.method.as_str()))
}

#[tokio::test]
async fn every_single_object_has_a_strong_tag_and_no_list_has_one() {
    let world = World::new().await;
    for operation in managing(|method| method == "GET") {
        let answer = world.get(&world.path(&operation).await).await;
        assert_eq!(answer.status, 200, "{operation:?} {}", answer.text);
        let tag = answer.header("etag");
        if answer.body.get("size").is_some() {
            assert_eq!(tag, None, "{operation:?}");
        } else {
            let tag = tag.unwrap_or_else(|| panic!("{operation:?} has no tag"));
            assert!(tag.starts_with('"') && tag.len() > 2, "{operation:?} {tag}");
        }
    }
}

#[tokio::test]
async fn every_write_is_refused_whose_version_is_not_there() {
    let world = World::new().await;
    for operation in managing(|method| method != "GET") {
        for version in ["\"999999\"", "W/\"1\"", "none"] {
            let answer = world.insist(&operation, version).await;
            assert_eq!(
                (answer.status, answer.code()),
                (412, "PRECONDITION_FAILED"),
                "{operation:?} {version} {}",
                answer.text
            );
        }
    }
}
