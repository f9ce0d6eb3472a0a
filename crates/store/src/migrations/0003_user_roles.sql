-- Role assignments that users hold: a fourth family of the same shape, gone with their user.

CREATE TABLE user_role (
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
CREATE INDEX user_role_by_parent ON user_role (environment, parent, kind, id);

CREATE TABLE user_role_key (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  owner TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, name, owner, value),
  FOREIGN KEY (environment, id) REFERENCES user_role (environment, id) ON DELETE CASCADE
);
CREATE INDEX user_role_key_by_id ON user_role_key (environment, id);

CREATE TABLE user_role_term (
  environment TEXT NOT NULL,
  kind TEXT NOT NULL,
  attribute TEXT NOT NULL,
  value TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (environment, kind, attribute, value, id),
  FOREIGN KEY (environment, id) REFERENCES user_role (environment, id) ON DELETE CASCADE
);
CREATE INDEX user_role_term_by_id ON user_role_term (environment, id, attribute, value);

CREATE TABLE user_role_reference (
  environment TEXT NOT NULL,
  id TEXT NOT NULL,
  target TEXT NOT NULL,
  to_environment TEXT NOT NULL,
  to_id TEXT NOT NULL,
  PRIMARY KEY (environment, id, target),
  FOREIGN KEY (environment, id) REFERENCES user_role (environment, id) ON DELETE CASCADE,
  FOREIGN KEY (to_environment, to_id) REFERENCES resource (environment, id)
);
CREATE INDEX user_role_reference_to ON user_role_reference (to_environment, to_id);
