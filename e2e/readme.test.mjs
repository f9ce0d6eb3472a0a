// The README's own commands, pasted as a newcomer would paste them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { BINARY, startServer } from "./stepgate.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

test("the commands of the README lead through the sixteen steps to tokens", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const quickStart = readme.slice(readme.indexOf("<!-- the commands from here"), readme.indexOf("<!-- and done -->"));
  const blocks = [...quickStart.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block);
  for (let step = 1; step <= 16; step += 1) assert.match(blocks.join("\n"), new RegExp(`^# ${step} `, "m"));
  const last = blocks.pop();
  const commands = `{\n${blocks.join("\n")}\n} > /dev/null\n${last}`;

  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands], {
    timeout: 60_000,
    env: {
      ...process.env,
      BASE: server.base,
      DATA: server.data,
      PATH: `${dirname(BINARY)}:${process.env.PATH}`,
    },
  });
  const tokens = JSON.parse(stdout);
  assert.equal(tokens.token_type, "Bearer", stdout);
  assert.ok(tokens.id_token, stdout);
});
