//! The names of a family's tables, and the SQL that depends on nothing else.

use std::sync::LazyLock;

use stepgate_domain::resource::Family;

/// SQL of one family. Texts are built once, so that statements borrow them.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) rows: &'static str,
    pub(crate) terms: &'static str,
    pub(crate) keys: &'static str,
    pub(crate) references: &'static str,
    /// The columns of a document `d`, between which the parameter that names the counted kind goes.
    columns: [String; 4],
    pub(crate) insert: String,
    pub(crate) insert_owned: String,
    pub(crate) update: String,
    pub(crate) raise: String,
    pub(crate) delete: String,
    pub(crate) exists: String,
    pub(crate) exists_owned: String,
    pub(crate) key: String,
    pub(crate) forget_keys: String,
    pub(crate) reference: String,
    pub(crate) reference_owned: String,
    pub(crate) forget_references: String,
    pub(crate) forget_terms: String,
    pub(crate) log_former_default: String,
    pub(crate) raise_former_default: String,
    pub(crate) set_default: String,
    pub(crate) clear_default: String,
    pub(crate) read: String,
    pub(crate) find: String,
}

impl Tables {
    pub(crate) fn columns(&self, counted: &str) -> String {
        self.columns.join(counted)
    }
}

/// The default object of a kind is the one that owns this key.
const DEFAULT_KEY: &str = "k.name = 'default' AND k.owner = '' AND k.value = ''";

static CONFIGURATION: LazyLock<Tables> = LazyLock::new(|| {
    build(Names {
        rows: "resource",
        keys: "resource_key",
        terms: "resource_term",
        references: "resource_reference",
        owners: "resource",
    })
});
static USER: LazyLock<Tables> = LazyLock::new(|| {
    build(Names {
        rows: "user_account",
        keys: "user_account_key",
        terms: "user_account_term",
        references: "user_account_reference",
        owners: "resource",
    })
});
static DEVICE: LazyLock<Tables> = LazyLock::new(|| {
    build(Names {
        rows: "device",
        keys: "device_key",
        terms: "device_term",
        references: "device_reference",
        owners: "user_account",
    })
});
static USER_ROLE: LazyLock<Tables> = LazyLock::new(|| {
    build(Names {
        rows: "user_role",
        keys: "user_role_key",
        terms: "user_role_term",
        references: "user_role_reference",
        owners: "user_account",
    })
});

pub(crate) fn tables(family: Family) -> &'static Tables {
    match family {
        Family::Configuration => &CONFIGURATION,
        Family::User => &USER,
        Family::Device => &DEVICE,
        Family::UserRole => &USER_ROLE,
    }
}

struct Names {
    rows: &'static str,
    keys: &'static str,
    terms: &'static str,
    references: &'static str,
    owners: &'static str,
}

fn build(
    Names {
        rows,
        keys,
        terms,
        references,
        owners,
    }: Names,
) -> Tables {
    let columns = [
        format!(
            "d.id, d.parent, d.version, d.created_at, d.updated_at, \
             CASE WHEN EXISTS (SELECT 1 FROM {keys} k WHERE k.environment = d.environment \
             AND k.kind = d.kind AND {DEFAULT_KEY} AND k.id = d.id) THEN 1 ELSE 0 END, \
             COALESCE((SELECT t.total FROM tally t WHERE t.environment = d.environment AND t.kind = "
        ),
        " AND t.owner = d.id), 0) + CASE WHEN ".to_owned(),
        " = '' THEN 0 ELSE (SELECT COUNT(*) FROM resource_reference r JOIN resource m \
         ON m.environment = r.environment AND m.id = r.id WHERE r.to_environment = d.environment \
         AND r.to_id = d.id AND m.kind = "
            .to_owned(),
        ") END, d.body, d.secrets, d.subject".to_owned(),
    ];
    let (columns_4, columns_6) = (columns.join("$4"), columns.join("$6"));
    let row =
        "environment, id, kind, parent, version, created_at, updated_at, body, secrets, subject";
    let mention = format!(
        "INSERT INTO {references} (environment, id, target, to_environment, to_id) \
         SELECT $1, $2, $3, r.environment, r.id FROM resource r \
         WHERE r.environment = $4 AND r.id = $5 AND r.kind = $6"
    );
    // Touches the row without changing it: a write can be counted, and it holds the row in place
    // until the batch is committed.
    let touch = format!(
        "UPDATE {rows} SET version = version WHERE environment = $1 AND id = $2 AND kind = $3"
    );
    Tables {
        rows,
        terms,
        keys,
        references,
        insert: format!(
            "INSERT INTO {rows} ({row}) VALUES ($1, $2, $3, NULL, 1, $4, $4, $5, $6, $7)"
        ),
        insert_owned: format!(
            "INSERT INTO {rows} ({row}) SELECT $1, $2, $3, p.id, 1, CAST($4 AS BIGINT), \
             CAST($4 AS BIGINT), $5, $6, $7 FROM {owners} p \
             WHERE p.environment = $1 AND p.id = $8 AND p.kind = $9"
        ),
        update: format!(
            "UPDATE {rows} SET parent = $5, version = version + 1, updated_at = $6, body = $7, \
             secrets = $8, subject = $9 \
             WHERE environment = $1 AND id = $2 AND kind = $3 AND version = $4"
        ),
        raise: format!(
            "UPDATE {rows} SET version = version + 1 \
             WHERE environment = $1 AND id = $2 AND kind = $3 AND version = $4"
        ),
        delete: format!(
            "DELETE FROM {rows} WHERE environment = $1 AND id = $2 AND kind = $3 AND version = $4"
        ),
        exists_owned: format!("{touch} AND parent = $4"),
        exists: touch,
        key: format!(
            "INSERT INTO {keys} (environment, kind, name, owner, value, id) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
        ),
        forget_keys: format!(
            "DELETE FROM {keys} WHERE environment = $1 AND id = $2 AND name <> 'default'"
        ),
        reference_owned: format!("{mention} AND r.parent = $7"),
        reference: mention,
        forget_references: format!("DELETE FROM {references} WHERE environment = $1 AND id = $2"),
        forget_terms: format!("DELETE FROM {terms} WHERE environment = $1 AND id = $2"),
        log_former_default: format!(
            "INSERT INTO change_log (environment, id, kind, resource, changed_at) \
             SELECT k.environment, $2 || k.id, k.kind, k.id, CAST($3 AS BIGINT) FROM {keys} k \
             WHERE k.environment = $1 AND k.kind = $4 AND {DEFAULT_KEY} AND k.id <> $5 \
             ON CONFLICT DO NOTHING"
        ),
        raise_former_default: format!(
            "UPDATE {rows} SET version = version + 1 WHERE environment = $1 AND id <> $3 AND id = \
             (SELECT k.id FROM {keys} k WHERE k.environment = $1 AND k.kind = $2 AND {DEFAULT_KEY})"
        ),
        set_default: format!(
            "INSERT INTO {keys} (environment, kind, name, owner, value, id) \
             VALUES ($1, $2, 'default', '', '', $3) \
             ON CONFLICT (environment, kind, name, owner, value) DO UPDATE SET id = excluded.id"
        ),
        clear_default: format!(
            "DELETE FROM {keys} WHERE environment = $1 AND kind = $2 AND name = 'default' \
             AND owner = '' AND value = '' AND id = $3"
        ),
        read: format!(
            "SELECT {columns_4} FROM {rows} d \
             WHERE d.environment = $1 AND d.id = $2 AND d.kind = $3"
        ),
        find: format!(
            "SELECT {columns_6} FROM {keys} f CROSS JOIN {rows} d \
             WHERE f.environment = $1 AND f.kind = $2 AND f.name = $3 AND f.owner = $4 AND f.value = $5 \
             AND d.environment = f.environment AND d.id = f.id"
        ),
        columns,
    }
}
