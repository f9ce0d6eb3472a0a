// The release binary as a child process, and the Postman collection that sets up a tenant in it.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { once } from "node:events";
import { openSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import newman from "newman";

export const BINARY = process.env.STEPGATE_BINARY ?? new URL("../target/release/stepgate", import.meta.url).pathname;
const POSTMAN = new URL("../docs/postman/", import.meta.url);

/** A server on an empty directory and a port that the system chose. */
export async function startServer() {
  const directory = await mkdtemp(join(tmpdir(), "stepgate-e2e-"));
  const [data, addressFile, logFile] = ["data", "address", "log"].map((name) => join(directory, name));
  const log = openSync(logFile, "a");
  const child = spawn(
    BINARY,
    ["serve", "--listen", "127.0.0.1:0", "--inbox", "--data", data, "--address-file", addressFile],
    { stdio: ["ignore", log, log] },
  );
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    await rm(directory, { recursive: true });
  };
  try {
    const base = await ready(child, addressFile);
    return { base, data, stop, firstRun: JSON.parse(await readFile(join(data, "first-run.json"), "utf8")) };
  } catch (error) {
    const said = await readFile(logFile, "utf8");
    await stop();
    throw new Error(`the server did not get ready:\n${said}`, { cause: error });
  }
}

async function ready(child, addressFile) {
  for (const end = Date.now() + 30_000; Date.now() < end && child.exitCode === null; await pause(10)) {
    try {
      const base = `http://${await readFile(addressFile, "utf8")}`;
      if ((await fetch(`${base}/readyz`)).ok) return base;
    } catch {
      // Not there yet.
    }
  }
  throw new Error(`exit code ${child.exitCode}`);
}

/** Runs the collection, or the named folders of it, and answers what Newman found. */
export async function runCollection({ base, firstRun }, folder) {
  const read = async (name) => JSON.parse(await readFile(new URL(name, POSTMAN), "utf8"));
  const values = {
    apiPath: `${base}/v1`,
    authPath: base,
    adminEnvID: firstRun.environment.id,
    licenseID: firstRun.license.id,
    workerID: firstRun.client.id,
    workerSecret: firstRun.client.secret,
  };
  const options = {
    collection: await read("stepgate-mfa-only.postman_collection.json"),
    environment: await read("stepgate.postman_environment.json"),
    envVar: Object.entries(values).map(([key, value]) => ({ key, value })),
    folder,
    reporters: [],
  };
  const summary = await new Promise((resolve, reject) =>
    newman.run(options, (error, found) => (error ? reject(error) : resolve(found))),
  );
  const failures = summary.run.failures.map(({ source, error }) => `${source?.name}: ${error.message}`);
  return { failures, stats: summary.run.stats, values: summary.environment.toObject() };
}

/** The code that was sent last to this number. */
export async function codeFor(base, phone) {
  for (const end = Date.now() + 10_000; Date.now() < end; await pause(10)) {
    const answer = await fetch(`${base}/inbox/messages?${new URLSearchParams({ to: phone })}`);
    const code = (await answer.json()).messages.map((message) => message.code).pop();
    if (code) return code;
  }
  throw new Error(`nothing was sent to ${phone}`);
}
