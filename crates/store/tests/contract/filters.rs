//! A filter finds in the database what it would find in memory.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use stepgate_domain::{
    access::Reach,
    resource::{FilterAttribute, FilterSource, Term},
    scim::{Comparison, Filter, Operator},
    time::Timestamp,
};
use stepgate_store::{
    documents::{self, Draft, ListQuery, list},
    engine::Engine,
};
use uuid::Uuid;

use crate::fixture::{NOW, POPULATION, Store, USER, commit, draft, new_id, owned, put};

const fn attribute(name: &'static str, source: FilterSource) -> FilterAttribute {
    FilterAttribute {
        name,
        operators: &[],
        source,
    }
}

const ATTRIBUTES: &[FilterAttribute] = &[
    attribute("userName", FilterSource::Term),
    attribute("emails.value", FilterSource::Term),
    attribute("id", FilterSource::Id),
    attribute("population.id", FilterSource::Parent),
    attribute("createdAt", FilterSource::CreatedAt),
];
const OPERATORS: [Operator; 8] = [
    Operator::Eq,
    Operator::Ne,
    Operator::Sw,
    Operator::Co,
    Operator::Gt,
    Operator::Ge,
    Operator::Lt,
    Operator::Le,
];

/// A user as the filter sees it: at most one name, any number of addresses.
#[derive(Debug, Clone)]
struct Person {
    id: Uuid,
    name: Option<String>,
    emails: Vec<String>,
}

fn compare(operator: Operator, found: &str, value: &str) -> bool {
    match operator {
        Operator::Eq => found == value,
        Operator::Ne => found != value,
        Operator::Sw => found.starts_with(value),
        Operator::Co => found.contains(value),
        Operator::Gt => found > value,
        Operator::Ge => found >= value,
        Operator::Lt => found < value,
        Operator::Le => found <= value,
    }
}

/// The meaning of a filter, written a second time without any SQL.
fn matches(filter: &Filter, person: &Person) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, person)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, person)),
        Filter::Not(filter) => !matches(filter, person),
        Filter::Within { .. } => unreachable!("not generated"),
        Filter::Compare(Comparison {
            attribute,
            operator,
            value,
        }) => {
            let value = value.to_lowercase();
            let values: Vec<String> = match attribute.to_lowercase().as_str() {
                "username" => person.name.iter().map(|name| name.to_lowercase()).collect(),
                "emails.value" => person
                    .emails
                    .iter()
                    .map(|email| email.to_lowercase())
                    .collect(),
                _ => vec![person.id.to_string()],
            };
            if *operator == Operator::Ne {
                values.iter().all(|found| *found != value)
            } else {
                values.iter().any(|found| compare(*operator, found, &value))
            }
        }
    }
}

fn any_value() -> impl Strategy<Value = String> {
    "[aAbB%_\\\\é']{0,3}"
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let leaf = (
        prop_oneof![
            Just("userName"),
            Just("USERNAME"),
            Just("emails.value"),
            Just("id")
        ],
        proptest::sample::select(&OPERATORS[..]),
        any_value(),
    )
        .prop_map(|(attribute, operator, value)| {
            Filter::Compare(Comparison {
                attribute: attribute.to_owned(),
                operator,
                value,
            })
        });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn any_people() -> impl Strategy<Value = Vec<(Option<String>, Vec<String>)>> {
    let person = (
        proptest::option::of(any_value()),
        proptest::collection::vec(any_value(), 0..3),
    );
    proptest::collection::vec(person, 0..10)
}

async fn settle(
    engine: &dyn Engine,
    people: Vec<(Option<String>, Vec<String>)>,
) -> (Uuid, Vec<Person>) {
    let here = new_id();
    let population = put(engine, draft(&POPULATION, here)).await;
    let mut settled = Vec::new();
    let mut statements = Vec::new();
    for (name, emails) in people {
        let mut terms: Vec<Term> = name
            .iter()
            .map(|name| Term::new("userName", name))
            .collect();
        terms.extend(emails.iter().map(|email| Term::new("emails.value", email)));
        let user = Draft {
            terms,
            ..owned(&USER, here, population.id)
        };
        settled.push(Person {
            id: user.id,
            name,
            emails,
        });
        statements.extend(documents::insert(user));
    }
    commit(engine, statements).await.unwrap();
    (here, settled)
}

/// All pages, as ids and how often each was seen.
async fn found(
    engine: &dyn Engine,
    here: Uuid,
    filter: &Filter,
    limit: Option<u32>,
) -> (BTreeMap<Uuid, u32>, Option<u64>) {
    let mut seen = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let query = ListQuery {
            filter: Some(filter),
            attributes: ATTRIBUTES,
            limit,
            after: after.as_deref(),
            ..ListQuery::new(&USER, here, &Reach::Everything)
        };
        let page = list(engine, query).await.unwrap();
        for document in &page.documents {
            *seen.entry(document.id).or_insert(0) += 1;
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return (seen, page.count),
        }
    }
}

pub(crate) async fn filters_mean_what_they_say(engine: Store) {
    let handle = tokio::runtime::Handle::current();
    let check = move || {
        let mut runner = TestRunner::new_with_rng(
            Config {
                cases: 150,
                failure_persistence: None,
                ..Config::default()
            },
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        );
        let filters = proptest::collection::vec(any_filter(), 6);
        runner
            .run(&(any_people(), filters), |(people, filters)| {
                handle.block_on(async {
                    let (here, people) = settle(&*engine, people).await;
                    for filter in filters {
                        let expected: BTreeMap<Uuid, u32> = people
                            .iter()
                            .filter(|person| matches(&filter, person))
                            .map(|person| (person.id, 1))
                            .collect();
                        for limit in [None, Some(2)] {
                            let (found, count) = found(&*engine, here, &filter, limit).await;
                            prop_assert_eq!(&found, &expected, "{:?} by {:?}", filter, limit);
                            prop_assert_eq!(count, u64::try_from(expected.len()).ok());
                        }
                    }
                    Ok(())
                })
            })
            .unwrap();
    };
    tokio::task::spawn_blocking(check).await.unwrap();
}

fn compared(attribute: &str, operator: Operator, value: &str) -> Filter {
    Filter::Compare(Comparison {
        attribute: attribute.to_owned(),
        operator,
        value: value.to_owned(),
    })
}

pub(crate) async fn an_attribute_within_brackets_is_the_dotted_one(engine: Store) {
    let (here, people) = settle(
        &*engine,
        vec![
            (None, vec!["a@b".to_owned()]),
            (None, vec!["c@d".to_owned()]),
        ],
    )
    .await;
    let inner = Box::new(compared("value", Operator::Sw, "A"));
    let filter = Filter::Within {
        attribute: "emails".to_owned(),
        filter: inner,
    };
    let (found, _) = found(&*engine, here, &filter, None).await;
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [people[0].id]);
    let unknown = compared("shoeSize", Operator::Eq, "44");
    let query = ListQuery {
        filter: Some(&unknown),
        attributes: ATTRIBUTES,
        ..ListQuery::new(&USER, here, &Reach::Everything)
    };
    list(&*engine, query).await.unwrap_err();
}

pub(crate) async fn times_are_compared_with_or_without_a_zone(engine: Store) {
    let here = new_id();
    let population = put(&*engine, draft(&POPULATION, here)).await.id;
    let old = put(&*engine, owned(&USER, here, population)).await.id;
    let now = Timestamp::from_millis(NOW.as_millis() + 60_000);
    let new = put(
        &*engine,
        Draft {
            now,
            ..owned(&USER, here, population)
        },
    )
    .await
    .id;
    let moment = now.to_string();
    let ids = async |filter: Filter| {
        found(&*engine, here, &filter, None)
            .await
            .0
            .into_keys()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(compared("createdAt", Operator::Lt, &moment)).await,
        [old]
    );
    assert_eq!(
        ids(compared(
            "createdAt",
            Operator::Ge,
            moment.trim_end_matches('Z')
        ))
        .await,
        [new]
    );
    assert_eq!(
        ids(compared("createdAt", Operator::Eq, "yesterday")).await,
        Vec::<Uuid>::new()
    );
    assert_eq!(
        ids(compared(
            "population.id",
            Operator::Eq,
            &population.to_string()
        ))
        .await,
        [old, new]
    );
    assert_eq!(
        ids(compared("id", Operator::Eq, &new.to_string())).await,
        [new]
    );
}
