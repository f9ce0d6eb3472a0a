//! Collections: pages, orders, reach, counts.

use stepgate_domain::{
    access::Reach,
    resource::{FilterAttribute, FilterSource, Kind, Term},
    scim::{Comparison, Filter, Operator},
};
use stepgate_store::{
    documents::{self, Draft, ListError, ListQuery, Order, Page, list},
    engine::{Engine, Statement},
};
use uuid::Uuid;

use crate::fixture::{
    APPLICATION, DEVICE, GRANT, POPULATION, Store, USER, commit, delete, draft, named, new_id,
    owned, put,
};

const NAME: FilterAttribute = FilterAttribute {
    name: "name",
    operators: &[],
    source: FilterSource::Term,
};

fn name_is(operator: Operator, value: &str) -> Filter {
    Filter::Compare(Comparison {
        attribute: "name".to_owned(),
        operator,
        value: value.to_owned(),
    })
}

fn ids(page: &Page) -> Vec<Uuid> {
    page.documents.iter().map(|document| document.id).collect()
}

/// All pages of the query, with what happens between them.
async fn walk(engine: &dyn Engine, query: impl Fn() -> ListQuery<'static>) -> Vec<Uuid> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = list(
            engine,
            ListQuery {
                after: after.as_deref(),
                ..query()
            },
        )
        .await
        .unwrap();
        seen.extend(ids(&page));
        match page.next {
            Some(next) => after = Some(next),
            None => return seen,
        }
    }
}

pub(crate) async fn pages_neither_skip_nor_repeat_across_writes(engine: Store) {
    let here = new_id();
    let mut made = Vec::new();
    for number in 0..10 {
        made.push(
            put(
                &*engine,
                named(&APPLICATION, here, &format!("app {number}")),
            )
            .await,
        );
    }
    let query = |after| ListQuery {
        limit: Some(4),
        after,
        ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
    };
    let first = list(&*engine, query(None)).await.unwrap();
    assert_eq!((first.documents.len(), first.count), (4, Some(10)));
    // The last one of the page goes, and so does one that is to come; one more is made.
    delete(&*engine, &APPLICATION, &made[3]).await.unwrap();
    delete(&*engine, &APPLICATION, &made[5]).await.unwrap();
    let late = put(&*engine, draft(&APPLICATION, here)).await;
    let second = list(&*engine, query(first.next.as_deref())).await.unwrap();
    assert_eq!(
        ids(&second),
        [made[4].id, made[6].id, made[7].id, made[8].id]
    );
    let third = list(&*engine, query(second.next.as_deref())).await.unwrap();
    assert_eq!(ids(&third), [made[9].id, late.id]);
    assert_eq!(third.next, None);
    // A page that is just full is the last one.
    let all = ListQuery {
        limit: Some(9),
        ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
    };
    assert_eq!(list(&*engine, all).await.unwrap().next, None);
}

pub(crate) async fn a_foreign_cursor_is_refused(engine: Store) {
    let here = new_id();
    for name in ["a", "b", "c"] {
        put(&*engine, named(&APPLICATION, here, name)).await;
    }
    let plain = || ListQuery {
        limit: Some(1),
        ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
    };
    let order = [Order {
        attribute: "name",
        source: FilterSource::Term,
        descending: false,
    }];
    let next = list(&*engine, plain()).await.unwrap().next.unwrap();
    let ordered = ListQuery {
        order: &order,
        after: Some(&next),
        ..plain()
    };
    assert!(matches!(
        list(&*engine, ordered).await,
        Err(ListError::Cursor)
    ));
    for garbage in ["", "!", "bm9uc2Vuc2U", "W10"] {
        let query = ListQuery {
            after: Some(garbage),
            ..plain()
        };
        assert!(
            matches!(list(&*engine, query).await, Err(ListError::Cursor)),
            "{garbage}"
        );
    }
}

pub(crate) async fn an_order_by_terms_pages_in_both_directions(engine: Store) {
    let here = new_id();
    let mut made = Vec::new();
    for (name, kind) in [("b", "x"), ("a", "y"), ("c", "x"), ("a", "x"), ("", "")] {
        let terms = [("name", name), ("kind", kind)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        let terms = terms
            .map(|(attribute, value)| Term::new(attribute, value))
            .collect();
        made.push(
            put(
                &*engine,
                Draft {
                    terms,
                    ..draft(&APPLICATION, here)
                },
            )
            .await
            .id,
        );
    }
    let order = |attribute, descending| Order {
        attribute,
        source: FilterSource::Term,
        descending,
    };
    let orders: &'static [[Order<'static>; 2]] = Box::leak(Box::new([
        [order("name", false), order("kind", false)],
        [order("name", true), order("kind", false)],
        [order("kind", false), order("name", true)],
    ]));
    let expected = [[3, 1, 0, 2, 4], [4, 2, 0, 3, 1], [2, 0, 3, 1, 4]];
    for (order, expected) in orders.iter().zip(expected) {
        for limit in [Some(1), Some(2), None] {
            let found = walk(&*engine, || ListQuery {
                order,
                limit,
                ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
            })
            .await;
            assert_eq!(
                found,
                expected.map(|index| made[index]),
                "{order:?} by {limit:?}"
            );
        }
    }
}

pub(crate) async fn a_list_ends_where_the_reach_ends(engine: Store) {
    let here = new_id();
    let mut world = Vec::new();
    for _ in 0..3 {
        let population = put(&*engine, draft(&POPULATION, here)).await.id;
        let user = put(&*engine, owned(&USER, here, population)).await.id;
        let device = put(&*engine, owned(&DEVICE, here, user)).await.id;
        let application = put(&*engine, draft(&APPLICATION, here)).await.id;
        let grant = put(&*engine, owned(&GRANT, here, application)).await.id;
        world.push([population, user, device, application, grant]);
    }
    let kinds: [&'static Kind; 5] = [&POPULATION, &USER, &DEVICE, &APPLICATION, &GRANT];
    let populations = Reach::Populations(vec![world[0][0], world[2][0]]);
    let applications = Reach::Applications(vec![world[1][3]]);
    let own = Reach::Own(world[1][1]);
    for (column, kind) in kinds.into_iter().enumerate() {
        let page = list(&*engine, ListQuery::new(kind, here, &own))
            .await
            .unwrap();
        let expected = matches!(column, 1 | 2).then_some(world[1][column]);
        assert_eq!(ids(&page), Vec::from_iter(expected), "own {}", kind.name);
    }
    let cases: [(&Reach, &[usize], &[usize]); 4] = [
        (&Reach::Everything, &[0, 1, 2], &[0, 1, 2]),
        (&populations, &[0, 2], &[]),
        (&applications, &[], &[1]),
        (&Reach::Populations(Vec::new()), &[], &[]),
    ];
    for (reach, of_populations, of_applications) in cases {
        for (column, kind) in kinds.into_iter().enumerate() {
            let rows = if column < 3 {
                of_populations
            } else {
                of_applications
            };
            let expected: Vec<Uuid> = rows.iter().map(|&row| world[row][column]).collect();
            let page = list(&*engine, ListQuery::new(kind, here, reach))
                .await
                .unwrap();
            assert_eq!(ids(&page), expected, "{} in {reach:?}", kind.name);
            assert_eq!(page.count, u64::try_from(expected.len()).ok());
            for objects in &world {
                let id = objects[column];
                let found = documents::read_within(&*engine, kind, here, id, None, reach)
                    .await
                    .unwrap();
                assert_eq!(
                    found.is_some(),
                    expected.contains(&id),
                    "{} in {reach:?}",
                    kind.name
                );
            }
        }
    }
}

pub(crate) async fn a_filtered_count_is_exact_up_to_a_thousand(engine: Store) {
    let here = new_id();
    let make = |count: usize| -> Vec<Statement> {
        (0..count)
            .flat_map(|_| {
                let terms = vec![Term::new("name", "same")];
                documents::insert(Draft {
                    terms,
                    ..draft(&APPLICATION, here)
                })
            })
            .collect()
    };
    let count = async |operator, value: &str| {
        let filter = name_is(operator, value);
        let query = ListQuery {
            filter: Some(&filter),
            attributes: &[NAME],
            limit: Some(1),
            ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
        };
        list(&*engine, query).await.unwrap().count
    };
    commit(&*engine, make(1_000)).await.unwrap();
    assert_eq!(count(Operator::Eq, "Same").await, Some(1_000));
    assert_eq!(count(Operator::Eq, "other").await, Some(0));
    commit(&*engine, make(1)).await.unwrap();
    assert_eq!(count(Operator::Eq, "same").await, None);
    assert_eq!(count(Operator::Sw, "s").await, None);
    let everything = ListQuery {
        limit: Some(1),
        ..ListQuery::new(&APPLICATION, here, &Reach::Everything)
    };
    assert_eq!(list(&*engine, everything).await.unwrap().count, Some(1_001));
}
