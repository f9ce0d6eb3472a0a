//! What a newer schema does to a store that was there before.

use stepgate_store::{
    engine::{Batch, Engine, Statement},
    sqlite::{Options, SqliteEngine},
};

#[tokio::test]
async fn environments_without_a_security_profile_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SqliteEngine::open(directory.path(), &Options::default()).unwrap();
    let engine = open();
    let here = "9e0a1111-2222-4333-8444-555566667777";
    let text = "INSERT INTO resource (environment, id, kind, version, created_at, updated_at, body) \
                VALUES ('00000000-0000-0000-0000-000000000000', $1, 'environment', 3, 5, 7, '{}')";
    let batch = Batch(vec![
        Statement::new(text, vec![here.into()]),
        Statement::new("DELETE FROM schema_version WHERE version = 4", Vec::new()),
    ]);
    engine.commit(batch).await.unwrap();
    drop(engine);
    let engine = open();
    let text = "SELECT r.environment, r.version, r.created_at, r.body, t.total FROM resource r \
                JOIN tally t ON t.environment = r.environment AND t.kind = r.kind AND t.owner = '' \
                WHERE r.kind = 'securityProfile'";
    let rows = engine.query(text.into(), Vec::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].text(0).unwrap(), here);
    for (column, expected) in [(1, 1), (2, 5), (4, 1)] {
        assert_eq!(rows[0].integer(column).unwrap(), expected);
    }
    assert!(rows[0].text(3).unwrap().contains("COMPAT"));
}
