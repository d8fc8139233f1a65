// The strictest third party: each refresh token works once, a second use ends the grant, and access tokens end whenever the test says so.
// It plays by RFC 6749 and nothing more; oidc-provider stands in for the real ones, this one for the moments in between.
import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import { freePort } from './hilum.js';

const opaque = () => randomBytes(24).toString('base64url');

export class OneTime {
  client = { id: 'hilum', secret: 'third-party-secret' };
  calls = { authorization_code: 0, refresh_token: 0 };
  codes = new Set();
  grants = new Map(); // grant -> { refresh, access, dead }
  reused = 0;

  static async open() {
    const party = new OneTime();
    party.port = await freePort();
    party.url = `http://127.0.0.1:${party.port}`;
    party.server = createServer((request, response) => party.answer(request, response));
    await new Promise((resolve) => party.server.listen(party.port, '127.0.0.1', resolve));
    return party;
  }

  settings() {
    return { authorize_url: `${this.url}/auth`, token_url: `${this.url}/token`, revocation_url: `${this.url}/revoke`, issuer: this.url, api_url: this.url };
  }

  async answer(request, response) {
    const url = new URL(request.url, this.url);
    if (url.pathname === '/auth') return this.authorize(url, response);
    if (url.pathname === '/token') return this.token(request, response);
    if (url.pathname === '/me') return this.me(request, response);
    return response.writeHead(url.pathname === '/revoke' ? 200 : 404).end();
  }

  authorize(url, response) {
    const code = opaque();
    this.codes.add(code);
    const back = new URL(url.searchParams.get('redirect_uri'));
    back.search = new URLSearchParams({ code, state: url.searchParams.get('state'), iss: this.url });
    response.writeHead(303, { location: back.toString() }).end();
  }

  async token(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const kind = form.get('grant_type');
    this.calls[kind] += 1;
    const grant = kind === 'refresh_token' ? this.rotate(form.get('refresh_token')) : this.codes.delete(form.get('code')) ? this.begin() : null;
    const body = grant
      ? { access_token: grant.access, refresh_token: grant.refresh, token_type: 'Bearer', expires_in: 3600, scope: 'profile offline_access' }
      : { error: 'invalid_grant' };
    response.writeHead(grant ? 200 : 400, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(body), () => this.onTokenAnswer?.(kind));
  }

  begin() {
    const grant = { refresh: opaque(), access: opaque(), used: new Set() };
    this.grants.set(opaque(), grant);
    return grant;
  }

  // From now on every access token that was given out is refused.
  endAccess() {
    for (const grant of this.grants.values()) grant.ended = true;
  }

  rotate(refresh) {
    for (const [id, grant] of this.grants) {
      if (grant.used.has(refresh)) {
        this.reused += 1;
        this.grants.delete(id);
        return null;
      }
      if (grant.refresh !== refresh) continue;
      grant.used.add(refresh);
      Object.assign(grant, { refresh: opaque(), access: opaque(), ended: false });
      return grant;
    }
    return null;
  }

  me(request, response) {
    const bearer = request.headers.authorization?.replace(/^Bearer /, '');
    const known = [...this.grants.values()].some((grant) => grant.access === bearer && !grant.ended);
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(known ? { sub: 'someone' } : {}));
  }

  async shut() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
