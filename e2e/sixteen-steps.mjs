// @ts-check
// The sixteen steps from an application to an authorization code, by a client that is typed by the
// description of the API alone. `tsc` checks this file against it.
import { createHmac } from "node:crypto";
import createClient from "openapi-fetch";

const REDIRECT_URI = "https://app.example.com/callback";
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/**
 * The data of an answer, or its error.
 * @template T
 * @param {{ data?: T, error?: unknown, response: Response }} answer
 */
function done({ data, error, response }) {
  if (data === undefined) throw new Error(`${response.status} of ${response.url}: ${JSON.stringify(error)}`);
  return data;
}

/**
 * @param {unknown} part
 */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

/**
 * @param {{ appID: string, secret: string, issuer: string, username: string }} of
 */
function hint({ appID, secret, issuer, username }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: appID, sub: username, aud: issuer, iat: now, exp: now + 300 };
  const input = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

/**
 * Runs all steps in the environment, and answers what the application is told in the end.
 * @param {{ base: string, token: string, environmentID: string, phone: string }} where
 * @param {(phone: string) => Promise<string>} codeFor
 */
export async function sixteenSteps({ base, token, environmentID, phone }, codeFor) {
  /** @type {import("openapi-fetch").Client<import("./generated/openapi.d.ts").paths>} */
  const api = createClient({ baseUrl: base, headers: { authorization: `Bearer ${token}` } });
  const at = { environmentID };
  const username = "mira.k";

  const application = done(
    await api.POST("/v1/environments/{environmentID}/applications", {
      params: { path: at },
      body: {
        name: "relying-app",
        enabled: true,
        type: "WEB_APP",
        protocol: "OPENID_CONNECT",
        grantTypes: ["AUTHORIZATION_CODE"],
        responseTypes: ["CODE"],
        redirectUris: [REDIRECT_URI],
        tokenEndpointAuthMethod: "CLIENT_SECRET_BASIC",
      },
    }),
  );
  const ofApplication = { path: { ...at, applicationID: application.id } };
  const { secret } = done(
    await api.GET("/v1/environments/{environmentID}/applications/{applicationID}/secret", { params: ofApplication }),
  );

  const resources = done(await api.GET("/v1/environments/{environmentID}/resources", { params: { path: at } }));
  const resource = resources._embedded.resources.find(({ type }) => type === "OPENID_CONNECT");
  if (!resource) throw new Error("there is no resource of OpenID Connect");
  const scopes = done(
    await api.GET("/v1/environments/{environmentID}/resources/{resourceID}/scopes", {
      params: { path: { ...at, resourceID: resource.id } },
    }),
  );
  const wanted = scopes._embedded.scopes.filter(({ name }) => name === "profile" || name === "email");
  done(
    await api.POST("/v1/environments/{environmentID}/applications/{applicationID}/grants", {
      params: ofApplication,
      body: { resource: { id: resource.id }, scopes: wanted.map(({ id }) => ({ id })) },
    }),
  );

  const policy = done(
    await api.POST("/v1/environments/{environmentID}/signOnPolicies", {
      params: { path: at },
      body: { name: "MFA_Only", description: "Second factor only" },
    }),
  );
  done(
    await api.POST("/v1/environments/{environmentID}/signOnPolicies/{signOnPolicyID}/actions", {
      params: { path: { ...at, signOnPolicyID: policy.id } },
      body: { type: "MULTI_FACTOR_AUTHENTICATION", priority: 1, noDevicesMode: "BLOCK", sms: { enabled: true } },
    }),
  );
  done(
    await api.POST("/v1/environments/{environmentID}/applications/{applicationID}/signOnPolicyAssignments", {
      params: ofApplication,
      body: { priority: 1, signOnPolicy: { id: policy.id } },
    }),
  );

  const population = done(
    await api.POST("/v1/environments/{environmentID}/populations", { params: { path: at }, body: { name: "Customers" } }),
  );
  const user = done(
    await api.POST("/v1/environments/{environmentID}/users", {
      params: { path: at },
      body: {
        username,
        email: "mira@example.com",
        name: { given: "Mira", family: "Kos" },
        population: { id: population.id },
      },
    }),
  );
  const ofUser = { path: { ...at, userID: user.id } };
  done(
    await api.POST("/v1/environments/{environmentID}/users/{userID}/password", {
      params: ofUser,
      headers: { "content-type": "application/vnd.pingidentity.password.set+json" },
      body: { value: "Correct-horse-7-battery" },
    }),
  );
  done(
    await api.PUT("/v1/environments/{environmentID}/users/{userID}/mfaEnabled", {
      params: ofUser,
      body: { mfaEnabled: true },
    }),
  );
  const device = done(
    await api.POST("/v1/environments/{environmentID}/users/{userID}/devices", {
      params: ofUser,
      body: { type: "SMS", phone },
    }),
  );

  const begun = await api.POST("/{environmentID}/as/authorize", {
    params: { path: at },
    headers: FORM,
    body: {
      client_id: application.id,
      response_type: "code",
      response_mode: "pi.flow",
      redirect_uri: REDIRECT_URI,
      scope: "openid profile email",
      login_hint_token: hint({ appID: application.id, secret, issuer: `${base}/${environmentID}/as`, username }),
    },
  });
  const flow = done(begun);
  if (typeof flow === "string") throw new Error("a page in the place of a flow");
  const cookie = begun.response.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
  const checked = done(
    await api.POST("/{environmentID}/flows/{flowID}", {
      params: { path: { ...at, flowID: flow.id } },
      headers: { "content-type": "application/vnd.pingidentity.otp.check+json", cookie },
      body: { otp: await codeFor(phone) },
    }),
  );
  const answered = done(
    await api.GET("/{environmentID}/as/resume", {
      params: { path: at, query: { flowId: flow.id } },
      headers: { cookie },
    }),
  );
  if (typeof answered === "string") throw new Error("a page in the place of an answer");
  return { device, status: checked.status, authorizeResponse: answered.authorizeResponse };
}
