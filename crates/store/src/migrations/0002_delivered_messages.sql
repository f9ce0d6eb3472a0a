-- A delivered message leaves nothing behind, and a claimed one is found by when its lease ends.

DELETE FROM outbox WHERE state = 'DELIVERED';
DROP INDEX outbox_by_lease;
