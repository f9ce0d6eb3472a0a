// The files of docs/deploy, used as they are but for ports and paths: the server behind nginx and
// behind HAProxy, without either, and the systemd unit.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { request } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { BINARY } from "./stepgate.mjs";

const run = promisify(execFile);
const HOST = "id.example.com";
/** Another address of this machine than the proxy's, so that the two can be told apart. */
const CLIENT = "127.0.0.2";
const written = (name) => readFile(new URL(`../docs/deploy/${name}`, import.meta.url), "utf8");

/** Puts ports and paths into a file of the docs. Each must be there to be replaced. */
function placed(text, replacements) {
  for (const [what, by] of Object.entries(replacements)) {
    assert.ok(text.includes(what), `${what} in\n${text}`);
    text = text.replaceAll(what, by);
  }
  return text;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Asks until the answer is there; what starts needs a moment. */
async function until(ask, what) {
  let last;
  for (const end = Date.now() + 30_000; Date.now() < end; await pause(20)) {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`no ${what} in 30 s`, { cause: last });
}

/** Processes and a directory, which all go at the end. */
class Place {
  children = [];
  said = "";

  async open() {
    this.directory = await mkdtemp(join(tmpdir(), "stepgate-deploy-"));
    await chmod(this.directory, 0o755);
    return this;
  }
  path(...parts) {
    return join(this.directory, ...parts);
  }
  async write(name, text, mode = 0o644) {
    await writeFile(this.path(name), text, { mode });
    return this.path(name);
  }
  start(command, args, env = {}) {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const keep = (chunk) => (this.said += chunk);
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    this.children.unshift(child);
    return child;
  }
  async close() {
    for (const child of this.children) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
    }
    await rm(this.directory, { recursive: true });
  }
}

async function certify(place, name = "first") {
  const [key, certificate] = [place.path(`${name}-key.pem`), place.path(`${name}-chain.pem`)];
  await run("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`, "-keyout", key, "-out", certificate],
  ]);
  return { key, certificate, ca: await readFile(certificate) };
}

/** The master key as the docs make it. */
async function masterKey(place) {
  const { stdout } = await run("openssl", ["rand", "-hex", "32"]);
  return place.write("master.key", stdout, 0o600);
}

/** One request over TLS and a connection of its own. */
function ask({ port, ca }, path, { method = "GET", headers = {}, body } = {}) {
  const options = { host: "127.0.0.1", port, path, method, ca, servername: HOST, agent: false, localAddress: CLIENT };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: { host: HOST, ...headers } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      const fingerprint = answer.socket.getPeerCertificate().fingerprint256;
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text, fingerprint }));
      answer.on("error", reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** The server with a configuration of the docs. */
async function stepgate(place, name, replacements) {
  const config = placed(await written(name), replacements);
  return place.start(BINARY, ["serve", "--config", await place.write(name, config)], {
    STEPGATE_DATA: place.path("data"),
    STEPGATE_MASTER_KEY_FILE: await masterKey(place),
  });
}

const firstRun = async (place) => JSON.parse(await readFile(place.path("data", "first-run.json"), "utf8"));

/** The line of the log about the request that got this answer. */
async function logged(place, answer) {
  const id = answer.headers["correlation-id"];
  return JSON.parse(await until(() => place.said.split("\n").find((line) => line.includes(id)), "line of the log"));
}

/** Asks for something all the time while `change` is at work, and answers how that went. */
async function underLoad(front, path, change) {
  let asking = true;
  const statuses = new Map();
  const clients = Array.from({ length: 8 }, async () => {
    while (asking) {
      const { status } = await ask(front, path).catch((error) => ({ status: error.code }));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  const twenty = async () => {
    const before = statuses.get(200) ?? 0;
    await until(() => statuses.get(200) >= before + 20, "answers");
  };
  try {
    await twenty();
    await change(twenty);
    await twenty();
  } finally {
    asking = false;
    await Promise.all(clients);
  }
  return [...statuses.keys()];
}

/** nginx has a main file of its distribution around ours; this is the least of one. */
async function nginx(place, { http, https, upstream, key, certificate }) {
  const ours = placed(await written("nginx.conf"), {
    "127.0.0.1:8080": `127.0.0.1:${upstream}`,
    "listen 443": `listen 127.0.0.1:${https}`,
    "listen 80": `listen 127.0.0.1:${http}`,
    "/etc/ssl/id.example.com/fullchain.pem": certificate,
    "/etc/ssl/id.example.com/privkey.pem": key,
  });
  await place.write("stepgate.conf", ours);
  const main = await place.write(
    "nginx.conf",
    `pid ${place.path("nginx.pid")}; error_log stderr notice; daemon off; events {}
     http { access_log off; client_body_temp_path ${place.path("body")}; proxy_temp_path ${place.path("proxy")};
       fastcgi_temp_path ${place.path("fastcgi")}; uwsgi_temp_path ${place.path("uwsgi")};
       scgi_temp_path ${place.path("scgi")}; include ${place.path("stepgate.conf")}; }`,
  );
  const child = place.start("nginx", ["-p", place.directory, "-c", main]);
  return { reload: () => child.kill("SIGHUP"), reloaded: () => count(place.said, "gracefully shutting down") };
}

async function haproxy(place, { http, https, upstream, key, certificate }) {
  await mkdir(place.path("run"));
  const both = `${await readFile(certificate, "utf8")}${await readFile(key, "utf8")}`;
  const config = placed(await written("haproxy.cfg"), {
    "127.0.0.1:8080": `127.0.0.1:${upstream}`,
    "bind :443": `bind 127.0.0.1:${https}`,
    "bind :80": `bind 127.0.0.1:${http}`,
    "/etc/haproxy/certs/id.example.com.pem": await place.write("both.pem", both),
    "/run/haproxy/admin.sock": place.path("run", "admin.sock"),
  });
  // -W: as the unit of the distribution starts it.
  const child = place.start("haproxy", ["-W", "-f", await place.write("haproxy.cfg", config)]);
  return { reload: () => child.kill("SIGUSR2"), reloaded: () => count(place.said, "Loading success") - 1 };
}

const count = (text, part) => text.split(part).length - 1;

for (const [name, proxy] of Object.entries({ nginx, haproxy })) {
  describe(`behind ${name}`, () => {
    let place;
    let front;
    let http;
    let control;
    let environment;
    before(async () => {
      place = await new Place().open();
      const certificate = await certify(place);
      const upstream = await freePort();
      await stepgate(place, "stepgate.toml", { "127.0.0.1:8080": `127.0.0.1:${upstream}` });
      await until(async () => (await fetch(`http://127.0.0.1:${upstream}/readyz`)).ok, "server");
      const https = await freePort();
      http = await freePort();
      front = { port: https, ca: certificate.ca };
      control = await proxy(place, { http, https, upstream, ...certificate });
      await until(async () => (await ask(front, "/readyz")).status === 200, "proxy");
      const made = await firstRun(place);
      environment = made.environment.id;
      front.client = made.client;
    });
    after(() => place?.close());

    test("issuer, links and tokens name the public URL, whatever a client forges", async () => {
      const headers = { "x-forwarded-host": "evil.test", "x-forwarded-proto": "http", forwarded: "host=evil.test" };
      const found = await ask(front, `/${environment}/as/.well-known/openid-configuration`, { headers });
      assert.equal(JSON.parse(found.text).issuer, `https://${HOST}/${environment}/as`);
      assert.match(found.headers["strict-transport-security"], /max-age/);
      const { id, secret } = front.client;
      const answer = await ask(front, `/${environment}/as/token`, {
        method: "POST",
        headers: {
          authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`,
          "content-type": "application/x-www-form-urlencoded",
        },
        body: "grant_type=client_credentials",
      });
      const token = JSON.parse(answer.text).access_token;
      const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
      assert.equal(claims.iss, `https://${HOST}/${environment}/as`);
      assert.deepEqual(claims.aud, [`https://${HOST}`]);
      const listed = await ask(front, "/v1/environments", { headers: { authorization: `Bearer ${token}` } });
      assert.equal(JSON.parse(listed.text)._links.self.href, `https://${HOST}/v1/environments`);
    });

    test("the client's address is the client's, not the proxy's and not what the client says", async () => {
      const headers = { "x-forwarded-for": "198.51.100.7", forwarded: "for=198.51.100.8" };
      const answer = await ask(front, "/no/such/path", { headers });
      assert.equal(answer.status, 404);
      assert.equal((await logged(place, answer)).remote, CLIENT);
    });

    test("plain HTTP leads to https, and another host is not served", async () => {
      const plain = await fetch(`http://127.0.0.1:${http}/x?y=1`, { redirect: "manual" });
      assert.equal(plain.status, 308);
      assert.match(plain.headers.get("location"), /^https:\/\/[^/]+\/x\?y=1$/);
      const other = await ask(front, "/openapi.json", { headers: { host: "evil.test" } });
      assert.ok(other.status >= 400, `${other.status}`);
    });

    test("reloads lose no request", async () => {
      const statuses = await underLoad(front, `/${environment}/as/jwks`, async (twenty) => {
        for (let reload = 1; reload <= 3; reload += 1) {
          control.reload();
          await until(() => control.reloaded() >= reload, "reload");
          await twenty();
        }
      });
      assert.deepEqual(statuses, [200]);
    });
  });
}

describe("without a proxy", () => {
  let place;
  let server;
  let front;
  let first;
  let environment;
  before(async () => {
    place = await new Place().open();
    first = await certify(place);
    front = { port: await freePort(), ca: [first.ca] };
    server = await stepgate(place, "stepgate-tls.toml", {
      "0.0.0.0:443": `127.0.0.1:${front.port}`,
      "/etc/ssl/id.example.com/fullchain.pem": first.certificate,
      "/etc/ssl/id.example.com/privkey.pem": first.key,
    });
    await until(async () => (await ask(front, "/readyz")).status === 200, "server");
    environment = (await firstRun(place)).environment.id;
  });
  after(() => place?.close());

  test("the server speaks TLS, by its public URL only, and by HTTP/2 as well", async () => {
    const path = `/${environment}/as/.well-known/openid-configuration`;
    const found = await ask(front, path);
    assert.equal(JSON.parse(found.text).issuer, `https://${HOST}/${environment}/as`);
    assert.match(found.headers["strict-transport-security"], /max-age/);
    assert.equal((await ask(front, path, { headers: { host: "evil.test" } })).status, 421);
    assert.equal((await ask(front, "/healthz", { headers: { host: "10.244.0.5:8443" } })).status, 200);
    const statuses = { [HOST]: 200, "evil.test": 421 };
    for (const [authority, status] of Object.entries(statuses)) assert.equal(await askHttp2(front, authority, path), status);
  });

  test("the client's address is the socket's, whatever the client says", async () => {
    const headers = { "x-forwarded-for": "198.51.100.7", forwarded: "for=198.51.100.8" };
    const answer = await ask(front, "/no/such/path", { headers });
    assert.equal(answer.status, 404);
    assert.equal((await logged(place, answer)).remote, CLIENT);
  });

  test("a renewed certificate is shown without a lost request", async () => {
    const renewed = await certify(place, "renewed");
    front.ca.push(renewed.ca);
    const before = (await ask(front, "/readyz")).fingerprint;
    const statuses = await underLoad(front, `/${environment}/as/jwks`, async () => {
      await rename(renewed.key, first.key);
      await rename(renewed.certificate, first.certificate);
      server.kill("SIGHUP");
      await until(async () => (await ask(front, "/readyz")).fingerprint !== before, "new certificate");
    });
    assert.deepEqual(statuses, [200]);
  });
});

/** The status of one request by HTTP/2. */
async function askHttp2({ port, ca }, authority, path) {
  const session = connect(`https://127.0.0.1:${port}`, { ca, servername: HOST });
  try {
    const stream = session.request({ ":authority": authority, ":path": path }).end();
    const [headers] = await once(stream, "response");
    return headers[":status"];
  } finally {
    session.close();
  }
}

for (const dropIn of [undefined, "stepgate-tls.conf"]) {
  test(`the systemd unit ${dropIn ? `with ${dropIn} ` : ""}is in order and confines the server`, async () => {
    const place = await new Place().open();
    try {
      const unit = placed(await written("stepgate.service"), { "/usr/local/bin/stepgate": BINARY });
      const file = await place.write("stepgate.service", unit);
      if (dropIn) {
        await mkdir(place.path("stepgate.service.d"));
        await place.write("stepgate.service.d/tls.conf", await written(dropIn));
      }
      const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", file]);
      assert.equal(`${stdout}${stderr}`, "");
      // 2.0 of 10 is the most exposure that is let pass; a unit without confinement has 9.6.
      await run("systemd-analyze", ["security", "--offline=yes", "--threshold=20", file]);
    } finally {
      await place.close();
    }
  });
}
