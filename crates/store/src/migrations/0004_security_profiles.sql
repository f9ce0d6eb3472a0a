-- Every environment has one security profile; those that were there before keep to the platform's ways.
-- There is none else with the environment's id in its space, so that is the id of the profile.

INSERT INTO resource (environment, id, kind, parent, version, created_at, updated_at, body)
SELECT e.id, e.id, 'securityProfile', NULL, 1, e.created_at, e.created_at, '{"profile":"COMPAT","hintMaximumAges":[]}'
FROM resource e WHERE e.environment = '00000000-0000-0000-0000-000000000000' AND e.kind = 'environment';

INSERT INTO tally (environment, kind, owner, total)
SELECT environment, kind, '', 1 FROM resource WHERE kind = 'securityProfile';
