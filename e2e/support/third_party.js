// A real third party: npm oidc-provider with PKCE, one-time refresh tokens (a second use ends the grant), revocation and introspection.
// It can be shut and opened again without forgetting anything, stalled, and asked how often its token endpoint was called.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { freePort } from './hilum.js';

class Memory {
  static rows = new Map();
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { Memory.rows.set(this.key(id), { ...payload }); }
  async find(id) { return Memory.rows.get(this.key(id)); }
  async findByUid(uid) { return [...Memory.rows.entries()].find(([k, v]) => k.startsWith(`${this.model}:`) && v.uid === uid)?.[1]; }
  async findByUserCode() { return undefined; }
  async destroy(id) { Memory.rows.delete(this.key(id)); }
  async consume(id) { const row = Memory.rows.get(this.key(id)); if (row) row.consumed = Math.floor(Date.now() / 1000); }
  async revokeByGrantId(grantId) { for (const [k, v] of Memory.rows) if (v.grantId === grantId) Memory.rows.delete(k); }
}

export class ThirdParty {
  calls = { authorization_code: 0, refresh_token: 0, revocation: 0, api: 0 };
  outcomes = [];
  stallMs = 0;
  accessTokenS = 3600;
  refreshedTokenS = 3600;
  // What its API says to whom: `(url, token) => ({ status, body })`, where `token` is what introspection tells.
  api = () => ({ status: 404, body: {} });

  static async open({ redirectUri, client = { id: 'hilum', secret: 'third-party-secret' }, clients = [] }) {
    const party = new ThirdParty();
    party.port = await freePort();
    party.url = `http://127.0.0.1:${party.port}`;
    party.client = client;
    party.provider = new Provider(party.url, {
      adapter: Memory,
      clients: [{
        client_id: client.id, client_secret: client.secret, redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: 'openid offline_access profile', token_endpoint_auth_method: 'client_secret_basic',
      }, ...clients],
      scopes: ['openid', 'offline_access', 'profile', 'people.read'],
      pkce: { required: () => true },
      rotateRefreshToken: true,
      issueRefreshToken: async () => true,
      features: { clientCredentials: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true }, devInteractions: { enabled: true }, userinfo: { enabled: true } },
      ttl: {
        AccessToken: (ctx) => (ctx.oidc?.body?.grant_type === 'refresh_token' ? party.refreshedTokenS : party.accessTokenS),
        ClientCredentials: 600, RefreshToken: 86_400, Grant: 86_400, Session: 86_400, Interaction: 3_600, IdToken: 3_600,
      },
      findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, name: `Person ${id}` }) }),
      cookies: { keys: ['third-party-test'] },
    });
    party.provider.on('grant.revoked', () => { party.grantsRevoked = (party.grantsRevoked ?? 0) + 1; });
    const answer = party.provider.callback();
    party.handle = async (request, response) => {
      const path = request.url.split('?')[0];
      if (path === '/token') {
        const kind = await peek(request);
        party.calls[kind] = (party.calls[kind] ?? 0) + 1;
        if (party.stallMs) await new Promise((resolve) => setTimeout(resolve, party.stallMs));
        response.once('finish', () => { party.outcomes.push({ kind, status: response.statusCode }); party.onTokenAnswer?.(kind); });
      } else if (path === '/token/revocation') party.calls.revocation += 1;
      else if (path === '/me') party.calls.api += 1;
      if (path.startsWith('/v1/')) await party.serve(request, response);
      else answer(request, response);
    };
    await party.listen();
    return party;
  }

  async listen() {
    this.server = createServer(this.handle);
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
  }

  async shut() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async introspect(token) {
    const { id, secret } = this.client;
    const answer = await fetch(`${this.url}/token/introspection`, {
      method: 'POST', body: new URLSearchParams({ token }), headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    });
    return answer.json();
  }

  // Its API asks about each token that it is shown, by introspection.
  async serve(request, response) {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const told = token ? await this.introspect(token) : { active: false };
    const { status, body } = told.active ? this.api(new URL(request.url, this.url), told) : { status: 401, body: { error: 'invalid_token' } };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  // Tokens of this kind are good no more, before their time.
  forget(model) { for (const key of [...Memory.rows.keys()]) if (key.startsWith(`${model}:`)) Memory.rows.delete(key); }

  // What this third party knows to be issued and alive.
  live(model) { return [...Memory.rows].filter(([key, row]) => key.startsWith(`${model}:`) && !row.consumed).map(([key]) => key.slice(model.length + 1)); }

  // For a catalogue file of the operator's: how Hilum reaches this service.
  settings() {
    return { authorize_url: `${this.url}/auth`, token_url: `${this.url}/token`, revocation_url: `${this.url}/token/revocation`, issuer: this.url, api_url: this.url };
  }
}

// Read the form without taking it from oidc-provider, which accepts a body that is read already.
async function peek(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  request.body = Buffer.concat(chunks).toString();
  return new URLSearchParams(request.body).get('grant_type') ?? 'none';
}
