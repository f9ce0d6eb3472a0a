// The description of the API by those who read it: a validator, and a client that is generated from it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { Validator } from "@seriousme/openapi-schema-validator";
import { sixteenSteps } from "./sixteen-steps.mjs";
import { codeFor, startServer } from "./stepgate.mjs";

const DOCUMENT = new URL("../docs/openapi.json", import.meta.url);

/** How `tsc` checks JavaScript. */
const CHECKED = "--noEmit --strict --allowJs --checkJs --skipLibCheck --module nodenext --target es2022".split(" ");

test("the description is valid OpenAPI", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(await readFile(DOCUMENT, "utf8")));
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(validator.version, "3.1");
});

test("a client generated from it takes the sixteen steps", async (t) => {
  const run = (name, ...args) =>
    promisify(execFile)(process.execPath, [new URL(`node_modules/${name}`, import.meta.url).pathname, ...args], {
      cwd: new URL(".", import.meta.url),
    }).catch((error) => assert.fail(`${error.stdout}${error.stderr}`));
  await run("openapi-typescript/bin/cli.js", DOCUMENT.pathname, "--default-non-nullable=false", "-o", "generated/openapi.d.ts");
  await run("typescript/bin/tsc", ...CHECKED, "sixteen-steps.mjs");

  const server = await startServer();
  t.after(server.stop);
  const { environment, client, license } = server.firstRun;
  const asked = await fetch(`${server.base}/${environment.id}/as/token`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString("base64")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  const { access_token: token } = await asked.json();
  const made = await fetch(`${server.base}/v1/environments`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "Typed", type: "SANDBOX", region: "NA", license: { id: license.id } }),
  });
  const { id: environmentID } = await made.json();
  const where = { base: server.base, token, environmentID, phone: "+4712345678" };
  const done = await sixteenSteps(where, (phone) => codeFor(server.base, phone));
  assert.equal(done.device.status, "ACTIVE");
  assert.equal(done.status, "COMPLETED");
  assert.equal(typeof done.authorizeResponse?.code, "string");
});
