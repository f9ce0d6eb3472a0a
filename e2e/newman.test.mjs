import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runCollection, startServer } from "./stepgate.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

test("the Postman collection passes from the first request to the last", async () => {
  const { failures, stats } = await runCollection(server);
  assert.deepEqual(failures, []);
  assert.ok(stats.requests.total >= 21, `all requests were sent, not ${stats.requests.total}`);
  assert.ok(stats.assertions.total >= 50, `all answers were judged, not ${stats.assertions.total}`);
});
