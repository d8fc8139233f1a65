// The peer of benches/authorization: npm oidc-provider with its memory adapter, set up to do the same work.
//   node oidc_provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI REFRESH_TOKENS [CERTIFICATE KEY]
// Prints one JSON object when it listens: opaque tokens to introspect and refresh tokens, made by its own models.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(process.env.E2E_MODULES);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);
const [port, clientId, clientSecret, redirectUri, count, certificate, key] = process.argv.slice(2);
const issuer = `http${certificate ? 's' : ''}://127.0.0.1:${port}`;
const resource = 'https://api.example';
const jwk = { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' };

// Its development adapter forgets the oldest of 1,000 entries; this one forgets nothing.
class Memory {
  static rows = new Map();
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { Memory.rows.set(this.key(id), payload); if (payload.uid) Memory.rows.set(`uid:${this.model}:${payload.uid}`, payload); }
  async find(id) { return Memory.rows.get(this.key(id)); }
  async findByUid(uid) { return Memory.rows.get(`uid:${this.model}:${uid}`); }
  async findByUserCode() { return undefined; }
  async destroy(id) { Memory.rows.delete(this.key(id)); }
  async consume(id) { const row = Memory.rows.get(this.key(id)); if (row) row.consumed = Math.floor(Date.now() / 1000); }
  async revokeByGrantId() {}
}

const provider = new Provider(issuer, {
  adapter: Memory,
  jwks: { keys: [jwk] },
  clients: [{
    client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri], scope: 'openid offline_access', response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256',
  }],
  scopes: ['openid', 'offline_access'],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  features: {
    clientCredentials: { enabled: true }, introspection: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Access tokens of the client's own are JWTs, as ours are; those that are introspected stay opaque, since it introspects no other.
      defaultResource: (ctx) => (ctx.oidc?.body?.grant_type === 'client_credentials' ? resource : undefined),
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({ scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 86_400, Grant: 86_400, Session: 86_400, Interaction: 3600, IdToken: 3600, AuthorizationCode: 60 },
  cookies: { keys: ['peer-of-the-benchmark'] },
});

const client = await provider.Client.find(clientId);
const grants = [];
for (let nth = 0; nth < Number(count); nth += 1) {
  const grant = new provider.Grant({ accountId: 'nadia', clientId });
  grant.addOIDCScope('openid offline_access');
  const grantId = await grant.save();
  const common = { accountId: 'nadia', client, grantId, gty: 'authorization_code', scope: 'openid offline_access', claims: {}, authTime: Math.floor(Date.now() / 1000), sessionUid: 'x', expiresWithSession: false };
  grants.push({ refresh: await new provider.RefreshToken(common).save(), access: await new provider.AccessToken(common).save() });
}
const options = certificate && { cert: readFileSync(certificate), key: readFileSync(key) };
const server = options ? createTlsServer(options, provider.callback()) : createServer(provider.callback());
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1', () => console.log(JSON.stringify({ grants })));
