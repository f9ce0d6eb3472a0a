//! Batches: whole, apart from each other, and seen when answered.

use stepgate_store::{
    engine::{Fault, Statement, StoreError, Value},
    installation,
};

use crate::fixture::{Store, commit, fault, number, race, winners};

fn update_of_nothing() -> Statement {
    Statement::new(
        "UPDATE installation SET value = 'x' WHERE name = 'nobody'",
        Vec::new(),
    )
    .once(Fault::Stale)
}

pub(crate) async fn a_batch_happens_whole_or_not_at_all(engine: Store) {
    let batch = vec![
        installation::set("a", "1"),
        update_of_nothing(),
        installation::set("b", "1"),
    ];
    assert_eq!(fault(commit(&*engine, batch).await), Fault::Stale);
    assert_eq!(
        number(&*engine, "SELECT COUNT(*) FROM installation").await,
        0
    );
    commit(
        &*engine,
        vec![installation::set("a", "1"), installation::set("b", "1")],
    )
    .await
    .unwrap();
    assert_eq!(
        number(&*engine, "SELECT COUNT(*) FROM installation").await,
        2
    );
}

pub(crate) async fn a_refused_batch_takes_no_other_with_it(engine: Store) {
    let outcomes = race(&engine, 60, |batch| {
        let mut statements = vec![installation::establish(&format!("first-{batch}"), "1")];
        if batch % 3 == 0 {
            statements.push(update_of_nothing());
        }
        statements.push(installation::establish(&format!("second-{batch}"), "1"));
        statements
    })
    .await;
    for (batch, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), batch % 3 == 0, "{batch}: {outcome:?}");
        for half in ["first", "second"] {
            let found = installation::read(&*engine, &format!("{half}-{batch}"))
                .await
                .unwrap();
            assert_eq!(found.is_some(), outcome.is_ok(), "{half}-{batch}");
        }
    }
}

pub(crate) async fn a_broken_statement_fails_its_own_batch_only(engine: Store) {
    let outcomes = race(&engine, 20, |batch| {
        let mut statements = vec![installation::set(&format!("{batch}"), "1")];
        if batch == 7 {
            statements.push(Statement::new(
                "INSERT INTO no_such_table VALUES (1)",
                Vec::new(),
            ));
        }
        statements
    })
    .await;
    assert!(
        matches!(outcomes[7], Err(StoreError::Driver(_))),
        "{:?}",
        outcomes[7]
    );
    assert_eq!(winners(&outcomes), 19);
    assert_eq!(
        number(&*engine, "SELECT COUNT(*) FROM installation").await,
        19
    );
}

pub(crate) async fn a_commit_that_has_answered_is_read_by_everyone(engine: Store) {
    for round in 0..50 {
        commit(
            &*engine,
            vec![installation::set("round", &round.to_string())],
        )
        .await
        .unwrap();
        let reads = (0..8).map(|_| {
            let engine = Store::clone(&engine);
            tokio::spawn(async move { installation::read(&*engine, "round").await.unwrap() })
        });
        for read in reads.collect::<Vec<_>>() {
            assert_eq!(read.await.unwrap(), Some(round.to_string()));
        }
    }
}

pub(crate) async fn every_type_of_value_comes_back(engine: Store) {
    let rows = engine
        .query(
            "SELECT CAST($2 AS TEXT), CAST($1 AS BIGINT), CAST($3 AS TEXT), name FROM installation \
             UNION ALL SELECT CAST($2 AS TEXT), CAST($1 AS BIGINT), CAST($3 AS TEXT), '$1'"
                .into(),
            vec![Value::Integer(i64::MAX), "søker 😀".into(), Value::NullText],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].text(0).unwrap(), "søker 😀");
    assert_eq!(rows[0].integer(1).unwrap(), i64::MAX);
    assert_eq!(rows[0].optional_text(2).unwrap(), None);
    assert_eq!(rows[0].text(3).unwrap(), "$1");
}
