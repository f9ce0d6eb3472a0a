-- Text that SQLite and PostgreSQL both read. Times are milliseconds since 1970, ids lower-case
-- UUIDs, bodies JSON. `secrets` holds sealed members and never leaves the store unsealed.
-- `subject` names the counter beside those of the object's own id (a device's address).

-- Configuration documents, users and devices: three families of one shape.

CREATE TABLE resource (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  parent TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  secrets TEXT,
  subject TEXT,
  PRIMARY KEY (environment, id),
  FOREIGN KEY (environment, parent) REFERENCES resource (environment, id) ON DELETE CASCADE
);
CREATE INDEX resource_by_kind ON resource (environment, kind, id);
-- Clients of which only the id is known.
CREATE INDEX resource_by_id ON resource (id, kind);
CREATE INDEX resource_by_parent ON resource (environment, parent, kind, id);

CREATE TABLE resource_key (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, name, owner, value),
  FOREIGN KEY (environment, id) REFERENCES resource (environment, id) ON DELETE CASCADE
);
CREATE INDEX resource_key_by_id ON resource_key (environment, id);

CREATE TABLE resource_term (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, attribute, value, id),
  FOREIGN KEY (environment, id) REFERENCES resource (environment, id) ON DELETE CASCADE
);
CREATE INDEX resource_term_by_id ON resource_term (environment, id, attribute, value);

-- A mention of one configuration document by another: the mentioned one cannot be deleted.
CREATE TABLE resource_reference (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  target TEXT NOT NULL,
  to_environment TEXT NOT NULL,
  to_id TEXT NOT NULL,
  PRIMARY KEY (environment, id, target),
  FOREIGN KEY (environment, id) REFERENCES resource (environment, id) ON DELETE CASCADE,
  FOREIGN KEY (to_environment, to_id) REFERENCES resource (environment, id)
);
CREATE INDEX resource_reference_to ON resource_reference (to_environment, to_id);

CREATE TABLE user_account (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  parent TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  secrets TEXT,
  subject TEXT,
  PRIMARY KEY (environment, id),
  FOREIGN KEY (environment, parent) REFERENCES resource (environment, id)
);
CREATE INDEX user_account_by_parent ON user_account (environment, parent, kind, id);

CREATE TABLE user_account_key (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, name, owner, value),
  FOREIGN KEY (environment, id) REFERENCES user_account (environment, id) ON DELETE CASCADE
);
CREATE INDEX user_account_key_by_id ON user_account_key (environment, id);

CREATE TABLE user_account_term (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, attribute, value, id),
  FOREIGN KEY (environment, id) REFERENCES user_account (environment, id) ON DELETE CASCADE
);
CREATE INDEX user_account_term_by_id ON user_account_term (environment, id, attribute, value);

CREATE TABLE user_account_reference (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  target TEXT NOT NULL,
  to_environment TEXT NOT NULL,
  to_id TEXT NOT NULL,
  PRIMARY KEY (environment, id, target),
  FOREIGN KEY (environment, id) REFERENCES user_account (environment, id) ON DELETE CASCADE,
  FOREIGN KEY (to_environment, to_id) REFERENCES resource (environment, id)
);
CREATE INDEX user_account_reference_to ON user_account_reference (to_environment, to_id);

CREATE TABLE device (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  parent TEXT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  secrets TEXT,
  subject TEXT,
  PRIMARY KEY (environment, id),
  FOREIGN KEY (environment, parent) REFERENCES user_account (environment, id) ON DELETE CASCADE
);
CREATE INDEX device_by_parent ON device (environment, parent, kind, id);

CREATE TABLE device_key (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, name, owner, value),
  FOREIGN KEY (environment, id) REFERENCES device (environment, id) ON DELETE CASCADE
);
CREATE INDEX device_key_by_id ON device_key (environment, id);

CREATE TABLE device_term (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, attribute, value, id),
  FOREIGN KEY (environment, id) REFERENCES device (environment, id) ON DELETE CASCADE
);
CREATE INDEX device_term_by_id ON device_term (environment, id, attribute, value);

CREATE TABLE device_reference (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  target TEXT NOT NULL,
  to_environment TEXT NOT NULL,
  to_id TEXT NOT NULL,
  PRIMARY KEY (environment, id, target),
  FOREIGN KEY (environment, id) REFERENCES device (environment, id) ON DELETE CASCADE,
  FOREIGN KEY (to_environment, to_id) REFERENCES resource (environment, id)
);
CREATE INDEX device_reference_to ON device_reference (to_environment, to_id);

-- How many objects of a kind there are, in the environment (owner '') or under one owner.
CREATE TABLE tally (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  owner TEXT NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (environment, kind, owner)
);
CREATE INDEX tally_by_owner ON tally (environment, owner);

-- Which environments are being deleted; a worker removes their rows.
CREATE TABLE tombstone (
  environment TEXT NOT NULL PRIMARY KEY,
  deleted_at BIGINT NOT NULL
);

-- One sign-on: its whole state is the body. Flow ids are random, so the key is an index beside
-- rows that stay in order of insertion.
CREATE TABLE flow (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT,
  version BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, id)
);
CREATE INDEX flow_by_expiry ON flow (expires_at);

-- Facts that attempts and sends are judged by: `subject` is `device:{id}`, `user:{id}`,
-- `address:{keyed hash}` and the like. Version 1 is the first write.
CREATE TABLE counter (
  environment TEXT NOT NULL,
  subject TEXT NOT NULL,
  version BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, subject)
);
CREATE INDEX counter_by_expiry ON counter (expires_at);

-- A browser's session. `token_hash` is the hash of the cookie.
CREATE TABLE session (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  user_id TEXT,
  version BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, id)
);
CREATE UNIQUE INDEX session_by_token ON session (environment, token_hash);
CREATE INDEX session_by_user ON session (environment, user_id);
CREATE INDEX session_by_expiry ON session (expires_at);

-- An authorization code, by its hash; kept after its use, with the token family that it bought,
-- until that has expired.
CREATE TABLE authorization_code (
  environment TEXT NOT NULL,
  hash TEXT NOT NULL,
  user_id TEXT,
  session TEXT,
  consumed_at BIGINT,
  family TEXT,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, hash)
);
CREATE INDEX authorization_code_by_expiry ON authorization_code (expires_at);

-- What one authorization bought: access tokens name it, refresh tokens belong to it.
CREATE TABLE token_family (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  application TEXT NOT NULL,
  user_id TEXT,
  session TEXT,
  revoked_at BIGINT,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, id)
);
CREATE INDEX token_family_by_user ON token_family (environment, user_id);
CREATE INDEX token_family_by_expiry ON token_family (expires_at);

CREATE TABLE refresh_token (
  environment TEXT NOT NULL,
  hash TEXT NOT NULL,
  family TEXT NOT NULL,
  consumed_at BIGINT,
  expires_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, hash),
  FOREIGN KEY (environment, family) REFERENCES token_family (environment, id) ON DELETE CASCADE
);
CREATE INDEX refresh_token_by_family ON refresh_token (environment, family);
CREATE INDEX refresh_token_by_expiry ON refresh_token (expires_at);

-- Messages to be sent. A worker claims rows by writing its lease into them; a lease that is not
-- honoured in time falls due again. The payload is sealed, and erased when the message is delivered
-- or dead.
CREATE TABLE outbox (
  id TEXT NOT NULL PRIMARY KEY,
  environment TEXT NOT NULL,
  flow TEXT,
  state TEXT NOT NULL,
  lease TEXT,
  due_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  payload TEXT,
  failure TEXT
);
CREATE INDEX outbox_by_lease ON outbox (lease);
CREATE INDEX outbox_due ON outbox (state, due_at);

-- What the developer inbox has received: one more provider, so its store is the provider's own.
CREATE TABLE inbox_message (
  id TEXT NOT NULL PRIMARY KEY,
  recipient TEXT NOT NULL,
  received_at BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX inbox_message_by_recipient ON inbox_message (recipient, received_at);

CREATE TABLE audit_event (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  recorded_at BIGINT NOT NULL,
  action TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (environment, id)
);

-- Every write of configuration, so that other nodes drop just what changed from their caches. Ids
-- begin with the time, so they sort by it.
CREATE TABLE change_log (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  resource TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (environment, id)
);

-- Data keys, sealed by the master key.
CREATE TABLE data_key (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  sealed TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (environment, id)
);

-- Facts of the installation: the organization's id, the schema of the sealed values.
CREATE TABLE installation (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);
