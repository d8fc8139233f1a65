// The parts of the main job that several tests need.
import { declarations, internal, people, application } from './declarations.js';
import { Deployment, freePort } from './hilum.js';
import { Browser, authorize } from './person.js';
import { ThirdParty } from './third_party.js';

// A third party, which has `clients` beside Hilum as people link at it, and a Hilum that knows it. What else is said is declared.
export async function arrange({ storeUrl, settings = {}, clients, ...declared } = {}) {
  const port = await freePort();
  const party = await ThirdParty.open({ redirectUri: `http://127.0.0.1:${port}/integrations/oauth2/integration-1/callback`, clients });
  const deployment = await Deployment.make({ port, storeUrl, declarations: declarations({ party, ...declared }), settings: { ...internal(party), ...settings } });
  return { party, deployment };
}

// A person who has signed in through an application, which now holds a token.
export async function signedIn(deployment, { person = people.nadia, client = application, scope = 'openid integrations:revoke' } = {}) {
  const browser = new Browser();
  const tokens = await authorize(deployment, browser, person, client, scope);
  return { browser, token: tokens.access_token, api: api(deployment.url, tokens.access_token) };
}

// Call the API as the application, for the person.
export function api(base, token) {
  return async (method, path, body, headers = {}) => {
    const answer = await fetch(`${base}${path}`, {
      method, redirect: 'manual',
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
  };
}

// Link without a screen: sign in at oidc-provider's own development pages and consent.
export async function link(deployment, browser, { client = application, account = 'third-party-person', returnPath = '/done' } = {}) {
  const uri = new URL(`${deployment.url}/integrations/oauth2/integration-1/connect`);
  uri.search = new URLSearchParams({ client_id: client.id, returnPath });
  const home = client.uri.replace(/\/$/, '');
  const back = (at) => at.startsWith(`${home}${returnPath}`) || at.startsWith(`${client.uri}${returnPath.slice(1)}`);
  let at = await browser.visit(uri.toString(), {}, back);
  for (let step = 0; step < 4 && !back(at.url); step += 1) {
    const signIn = at.page.includes('name="password"');
    at = await browser.submit(at, signIn ? { login: account, password: 'x' } : {}, { stop: back });
  }
  if (!back(at.url)) throw new Error(`linking ended at ${at.url}:\n${at.page}`);
  return at.url;
}

export const tidyUp = async (...things) => {
  for (const thing of things) await (thing?.remove?.() ?? thing?.shut?.());
};
