//! The compatibility pages against the running server, so that neither changes without the other.

mod members;
mod pages;

use std::collections::BTreeMap;

use pages::{Named, Row};
use reqwest::Method;
use stepgate_http::{api::Takes, routes};

use crate::support::{Server, send};

/// The rows of operations that are not served.
fn is_unserved(row: &Row) -> bool {
    row.cells[1] == "–"
}

/// Every operation of the server: its status, by what it is known by.
fn served() -> BTreeMap<(String, String, Option<String>), u16> {
    let all = routes::operations().operations.into_iter();
    all.map(|operation| {
        let media_type = match operation.takes {
            Takes::Vendor(name) => Some(name.to_owned()),
            Takes::Nothing | Takes::Json | Takes::Form | Takes::FormOrNothing => None,
        };
        let path = pages::steps(&operation.path);
        let known_by = (operation.method.to_string(), path, media_type);
        (known_by, operation.status)
    })
    .collect()
}

/// Every operation of the pages, with the page.
fn documented() -> Vec<(&'static str, Named)> {
    let served = pages::rows("Operation").into_iter();
    let served = served.filter(|row| !is_unserved(row)).flat_map(|row| {
        let operations = pages::operations(&row).into_iter();
        operations.map(move |operation| (row.page, operation))
    });
    // Of the actions on flows, each has a row of its own, also those that are never offered.
    let actions = pages::rows("Action").into_iter().flat_map(|row| {
        let status = if row.cells[1] == "served" { 200 } else { 400 };
        let actions = row.code(0).into_iter().flat_map(str::split_whitespace);
        actions.map(move |action| {
            let operation = Named {
                method: "POST".to_owned(),
                path: "/{}/flows/{}".to_owned(),
                media_type: Some(action.to_owned()),
                status: Some(status),
            };
            (row.page, operation)
        })
    });
    served.chain(actions).collect()
}

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let mut served = served();
    let mut faults = Vec::new();
    for (page, operation) in documented() {
        let known_by = (
            operation.method.clone(),
            operation.path.clone(),
            operation.media_type.clone(),
        );
        match (served.remove(&known_by), operation.status) {
            (None, _) => faults.push(format!("{page} names twice, or in vain: {known_by:?}")),
            (Some(status), Some(told)) if status != told => {
                faults.push(format!("{page} says {told}, not {status}: {known_by:?}"));
            }
            (Some(_), _) => {}
        }
    }
    let missing = served
        .keys()
        .map(|known_by| format!("no row has {known_by:?}"));
    faults.extend(missing);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test]
async fn what_is_said_not_to_be_served_is_not_there() {
    let server = Server::start().await;
    let environment = server.environment.to_string();
    let mut asked = 0;
    for row in pages::rows("Operation")
        .iter()
        .filter(|row| is_unserved(row))
    {
        for path in pages::paths(&row.code(0)) {
            // The first id is the environment's; the others name nothing.
            let path = path.replacen("{}", &environment, 1);
            let path = path.replace("{}", "00000000-0000-4000-8000-000000000001");
            let answer = send(server.admin().request(Method::GET, &path)).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{path}");
            let sentence =
                "The request could not be completed. The requested resource was not found.";
            assert_eq!(answer.body["message"], sentence, "{path} is there");
            asked += 1;
        }
    }
    assert!(asked > 10, "{asked}");
}
