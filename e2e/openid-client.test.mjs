// A certified relying-party library against the server: it knows the standards, not Stepgate.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import * as oidc from "openid-client";
import { codeFor, runCollection, startServer } from "./stepgate.mjs";

const INSECURE = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks];

let server;
let tenant;
let config;

before(async () => {
  server = await startServer();
  const { failures, values } = await runCollection(server, ["Before", "Set up"]);
  assert.deepEqual(failures, []);
  tenant = { ...values, issuer: `${server.base}/${values.envID}/as` };
  config = await discover(tenant.issuer, tenant.appID, tenant.appSecret);
});
after(() => server?.stop());

const discover = (issuer, id, secret) =>
  oidc.discovery(new URL(issuer), id, undefined, oidc.ClientSecretBasic(secret), { execute: INSECURE });

function hint() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: tenant.appID, sub: "mira.k", aud: tenant.issuer, iat: now, exp: now + 300 };
  const input = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${input}.${createHmac("sha256", tenant.appSecret).update(input).digest("base64url")}`;
}

/** A browser without JavaScript: cookies, redirects, refreshes and forms. */
class Browser {
  #cookies = new Map();

  /** Follows redirects until a page, or until the way leaves the server. */
  async visit(url, options = {}) {
    for (let hops = 0; hops < 10; hops += 1) {
      if (!url.startsWith(server.base)) return { url };
      const cookie = [...this.#cookies].map((pair) => pair.join("=")).join("; ");
      const answer = await fetch(url, { ...options, redirect: "manual", headers: { ...options.headers, cookie } });
      for (const line of answer.headers.getSetCookie()) {
        const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
        this.#cookies.set(name, value);
      }
      const html = await answer.text();
      const refresh = html.match(/<meta http-equiv="refresh" content="0; url=([^"]*)"/)?.[1].replaceAll("&amp;", "&");
      const location = answer.headers.get("location") ?? refresh;
      if (!location) return { url, status: answer.status, html };
      url = new URL(location, url).href;
      options = {};
    }
    throw new Error("too many redirects");
  }

  /** Posts the form that has a field of this name, with its hidden fields. */
  submit(page, field, value) {
    const attribute = (tag, name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1].replaceAll("&amp;", "&");
    const forms = page.html.match(/<form[\s\S]*?<\/form>/g) ?? [];
    const form = forms.find((it) => it.includes(`name="${field}"`));
    assert.ok(form, `a form with ${field} in:\n${page.html}`);
    const body = new URLSearchParams();
    for (const tag of form.match(/<input[^>]*>/g) ?? []) {
      if (attribute(tag, "type") === "hidden") body.set(attribute(tag, "name"), attribute(tag, "value") ?? "");
    }
    body.set(field, value);
    const target = new URL(attribute(form.match(/<form[^>]*>/)[0], "action") ?? "", page.url).href;
    return this.visit(target, { method: "POST", body, headers: { origin: server.base } });
  }
}

test("discovery names the issuer that was asked", () => {
  assert.equal(config.serverMetadata().issuer, tenant.issuer);
});

test("authorization code with PKCE through the hosted page, and all that the tokens are good for", async (t) => {
  const verifier = oidc.randomPKCECodeVerifier();
  const [state, nonce] = [oidc.randomState(), oidc.randomNonce()];
  const browser = new Browser();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: tenant.redirectURI,
    scope: "openid profile email",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    login_hint_token: hint(),
    state,
    nonce,
  });

  const page = await browser.visit(url.href);
  assert.equal(page.status, 200);
  assert.ok(!page.html.includes(tenant.phone.slice(-7)), "the number is masked");
  const code = await codeFor(server.base, tenant.phone);

  const wrong = code === "000000" ? "000001" : "000000";
  const again = await browser.submit(page, "otp", wrong);
  assert.ok(again.html, "a wrong code shows the form again");
  const done = await browser.submit(again, "otp", code);
  assert.ok(done.url.startsWith(tenant.redirectURI), done.html ?? done.url);

  const tokens = await oidc.authorizationCodeGrant(config, new URL(done.url), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  assert.equal(tokens.claims().sub, tenant.userID);
  assert.equal(tokens.claims().acr, "MFA_Only");
  assert.deepEqual(tokens.claims().amr.toSorted(), ["otp", "sms"]);

  await t.test("userinfo", async () => {
    const claims = await oidc.fetchUserInfo(config, tokens.access_token, tenant.userID);
    assert.equal(claims.email, "mira@example.com");
    assert.equal(claims.family_name, "Kos");
  });
  await t.test("introspection", async () => {
    const found = await oidc.tokenIntrospection(config, tokens.access_token);
    assert.equal(found.active, true);
    assert.equal(found.client_id, tenant.appID);
    assert.deepEqual(await oidc.tokenIntrospection(config, "no-token"), { active: false });
  });
  await t.test("refresh, and the reuse of a refresh token", async () => {
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token);
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);
    assert.equal(fresh.claims().sub, tenant.userID);
    await assert.rejects(oidc.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });
    await assert.rejects(oidc.refreshTokenGrant(config, fresh.refresh_token), { error: "invalid_grant" });
  });
});

test("client credentials", async () => {
  const { environment, client } = server.firstRun;
  const worker = await discover(`${server.base}/${environment.id}/as`, client.id, client.secret);
  const tokens = await oidc.clientCredentialsGrant(worker);
  assert.equal(tokens.token_type, "bearer");
  const answer = await fetch(`${server.base}/v1/environments`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  assert.equal(answer.status, 200);
});
