// A person at a browser without a screen: cookies, forms and redirects, nothing else.
import * as oauth from 'openid-client';

const REDIRECTS_MAX = 20;

export class Browser {
  #cookies = new Map();

  async request(url, { method = 'GET', form, headers = {} } = {}) {
    const { host } = new URL(url);
    const jar = this.#cookies.get(host) ?? new Map();
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...(cookie && { cookie }), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
      body: form && new URLSearchParams(form).toString(),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const [name, ...value] = pair.split('=');
      const gone = attributes.some((a) => /^max-age=0$/i.test(a));
      if (gone) jar.delete(name);
      else jar.set(name, value.join('='));
    }
    this.#cookies.set(host, jar);
    return answer;
  }

  // Follow redirects until a page, or until `stop` says that this address is where the test takes over.
  async visit(url, options = {}, stop = () => false) {
    for (let hop = 0; hop < REDIRECTS_MAX; hop += 1) {
      if (stop(url)) return { url, answer: null, page: '' };
      const answer = await this.request(url, options);
      const next = answer.headers.get('location');
      if (answer.status < 300 || answer.status >= 400 || !next) return { url, answer, page: await answer.text() };
      url = new URL(next, url).toString();
      options = {};
    }
    throw new Error('too many redirects');
  }

  // Fill in the only (or the named) form of a page and send it.
  async submit({ url, page }, fields, { action: wanted, stop } = {}) {
    const forms = [...page.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, attributes, inside]) => ({
      action: attribute(attributes, 'action') ?? url,
      inputs: [...inside.matchAll(/<(?:input|button)\b([^>]*)>/g)]
        .map(([, a]) => ({ name: attribute(a, 'name'), value: attribute(a, 'value') ?? '', type: attribute(a, 'type') ?? 'text', checked: /\schecked\b/.test(a) }))
        .filter((i) => i.name && (i.type === 'hidden' || (i.type === 'checkbox' && i.checked))),
    }));
    const form = forms.find((f) => !wanted || f.action.includes(wanted));
    if (!form) throw new Error(`no form for ${wanted} on ${url}:\n${page}`);
    const body = [...form.inputs.filter((i) => !(i.name in fields)).map((i) => [i.name, i.value]), ...Object.entries(fields)];
    return this.visit(new URL(form.action, url).toString(), { method: 'POST', form: body }, stop);
  }
}

function attribute(text, name) {
  const value = text.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
  return value?.replaceAll('&amp;', '&').replaceAll('&#38;', '&').replaceAll('&#x2F;', '/').replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&#39;', "'");
}

// Sign in at Hilum and let `client` act: the authorization code flow with PKCE, done by openid-client.
export async function authorize(deployment, browser, person, client, scope = 'openid') {
  const options = { execute: [oauth.allowInsecureRequests] };
  const authentication = client.secret ? oauth.ClientSecretBasic(client.secret) : oauth.None();
  const server = await oauth.discovery(new URL(`${deployment.url}/oauth2`), client.id, undefined, authentication, options);
  const verifier = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const url = oauth.buildAuthorizationUrl(server, {
    redirect_uri: client.redirectUri, scope, state, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const back = (at) => at.startsWith(client.redirectUri);
  let at = await browser.visit(url.toString(), {}, back);
  if (at.url.includes('/sign-in')) at = await browser.submit(at, { email: person.email, password: person.password }, { action: '/sign-in', stop: back });
  if (at.url.includes('/consent')) at = await browser.submit(at, { decision: 'allow' }, { action: '/consent', stop: back });
  if (!back(at.url)) throw new Error(`did not come back to the application but stands at ${at.url}:\n${at.page}`);
  return oauth.authorizationCodeGrant(server, new URL(at.url), { pkceCodeVerifier: verifier, expectedState: state });
}
