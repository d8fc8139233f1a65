// A FHIR server on this machine with any number of records, whose answers meet what networks and servers do. Chance repeats.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

export const TOKEN = 'token-of-the-source-0123456789';
export const TYPES = ['Patient', 'Observation'];
const TROUBLES = ['delay', 'reset', 'truncate', 'drip', 'corrupt', 'broken', 'unavailable', 'throttled'];
const DRIPS = 64; // bytes that come one by one
const PATIENT_OF_TEN = 2;
const EVERY_BAD = 499; // each such record has an id that FHIR does not allow

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Numbers from 0 to 1 that are the same for the same seed (mulberry32).
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// What a record says beside `meta`, in few bytes: members in the order of their names, since a store may have another order.
export function sum(resource) {
  const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  };
  const { meta, ...said } = resource;
  return createHash('sha256').update(JSON.stringify(sorted(said))).digest('base64');
}

export class TroubledSource {
  // With so many records, and with what becomes of an outage: `lies` makes it an answer that says that there is no more.
  static async open({ records, seed, lies = false }) {
    const source = new TroubledSource(records, chance(seed), lies);
    source.server.listen(0, '127.0.0.1');
    await once(source.server, 'listening');
    source.host = `127.0.0.1:${source.server.address().port}`;
    source.base = `http://${source.host}/fhir`;
    return source;
  }

  constructor(records, draw, lies) {
    Object.assign(this, { draw, lies, percent: 0, pages: 0, met: [], isCalm: true, gaps: [], waiting: [], calls: 0, changes: new Map() });
    this.all = Array.from({ length: records }, (_, n) => n);
    this.clock = Date.UTC(2026, 0, 1);
    // Of each type: who changed when, in the order of the times. Who changes again stands there twice, the first time as null.
    this.order = { Patient: { times: [], who: [] }, Observation: { times: [], who: [] } };
    this.at = new Map();
    for (const n of this.all) this.touch(n);
    this.server = createServer((request, response) => this.serve(request, response).catch(() => response.destroy()));
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  typeOf(n) {
    return n % 10 < PATIENT_OF_TEN ? 'Patient' : 'Observation';
  }

  isBad(n) {
    return n % EVERY_BAD === EVERY_BAD - 1;
  }

  idOf(n) {
    return this.isBad(n) ? `bad_${n}` : `r${n}`;
  }

  touch(n) {
    const order = this.order[this.typeOf(n)];
    const before = this.at.get(n);
    if (before !== undefined) order.who[before] = null;
    this.clock += 100;
    order.times.push(this.clock);
    this.at.set(n, order.who.push(n) - 1);
  }

  // A record that is well changes.
  change() {
    let n;
    do n = Math.floor(this.draw() * this.all.length);
    while (this.isBad(n));
    this.changes.set(n, (this.changes.get(n) ?? 0) + 1);
    this.touch(n);
  }

  resource(n) {
    const [type, changed] = [this.typeOf(n), this.changes.get(n) ?? 0];
    const lastUpdated = new Date(this.order[type].times[this.at.get(n)]).toISOString();
    const head = { resourceType: type, id: this.idOf(n), meta: { versionId: String(changed + 1), lastUpdated } };
    const patient = `Patient/r${Math.floor(n / 10) * 10}`;
    if (type === 'Patient') {
      return { ...head, active: changed % 2 === 0, name: [{ family: `Fjärd ${n}`, given: ['Ana', `No. ${changed}`] }], birthDate: `19${10 + (n % 90)}-0${1 + (n % 9)}-11` };
    }
    return {
      ...head, status: changed ? 'amended' : 'final', code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'heart rate' }, subject: { reference: patient },
      effectiveDateTime: '2026-01-02T03:04:05Z', valueQuantity: { value: 40 + (n % 100) + changed, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
    };
  }

  // What a site has to have in the end: name → what it says.
  good() {
    const named = this.all.filter((n) => !this.isBad(n)).map((n) => [`${this.typeOf(n)}/${this.idOf(n)}`, sum(this.resource(n))]);
    return new Map(named);
  }

  bad() {
    return this.all.filter((n) => this.isBad(n)).map((n) => `${this.typeOf(n)}/${this.idOf(n)}`);
  }

  // Resolves when the next page is asked for.
  asked() {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  // How long it takes from one page to the next, in ms.
  pace() {
    const sorted = [...this.gaps].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 100;
  }

  search(type, url) {
    const { times, who } = this.order[type];
    const since = Date.parse(url.searchParams.get('_lastUpdated')?.replace(/^g[et]/, '') ?? '1970-01-01T00:00:00Z');
    const count = Number(url.searchParams.get('_count') ?? 10);
    let [low, high] = [0, times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < since) low = middle + 1;
      else high = middle;
    }
    const found = [];
    let next = low;
    for (; next < who.length && found.length < count; next += 1) if (who[next] !== null) found.push(who[next]);
    const more = who.slice(next).some((n) => n !== null);
    const link = more ? [{ relation: 'next', url: `${this.base}/${type}?_lastUpdated=ge${new Date(times[next]).toISOString()}&_sort=_lastUpdated&_count=${count}` }] : [];
    return { resourceType: 'Bundle', type: 'searchset', link, entry: found.map((n) => ({ resource: this.resource(n), search: { mode: 'match' } })) };
  }

  told(url) {
    const [, base, type, id] = url.pathname.split('/');
    if (base !== 'fhir') return [404, { resourceType: 'OperationOutcome' }];
    if (type === 'metadata') {
      const resource = TYPES.map((name) => ({ type: name, interaction: [{ code: 'search-type' }, { code: 'read' }] }));
      return [200, { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1', rest: [{ mode: 'server', resource }] }];
    }
    if (!TYPES.includes(type)) return [404, { resourceType: 'OperationOutcome' }];
    if (id === undefined) return [200, this.search(type, url)];
    const n = Number(id.replace(/^(r|bad_)/, ''));
    const isThere = this.at.has(n) && this.idOf(n) === id && this.typeOf(n) === type;
    return isThere ? [200, this.resource(n)] : [404, { resourceType: 'OperationOutcome' }];
  }

  async serve(request, response) {
    const url = new URL(request.url, 'http://source');
    this.calls += 1;
    if (url.searchParams.has('_sort')) {
      const now = performance.now();
      if (this.last !== undefined) this.gaps.push(now - this.last);
      this.last = now;
      this.pages += 1;
      this.port = request.socket.remotePort;
      for (const resolve of this.waiting.splice(0)) resolve(now);
    }
    const known = url.pathname === '/fhir/metadata' || request.headers.authorization === `Bearer ${TOKEN}`;
    const [status, said] = known ? this.told(url) : [401, { resourceType: 'OperationOutcome' }];
    const isMet = this.draw() * 100 < this.percent;
    this.isCalm = !isMet;
    // Each sort of trouble in its turn, so that even few answers meet all.
    const trouble = isMet ? TROUBLES[this.met.length % TROUBLES.length] : null;
    if (trouble) this.met.push(trouble);
    await this.answer(response, trouble, status, Buffer.from(JSON.stringify(said)));
  }

  async answer(response, trouble, status, body) {
    const head = { 'content-type': 'application/fhir+json', 'content-length': body.length };
    const isOutage = ['reset', 'truncate', 'corrupt', 'broken', 'unavailable', 'throttled'].includes(trouble);
    if (isOutage && this.lies) {
      const nothing = JSON.stringify({ resourceType: 'Bundle', type: 'searchset', entry: [] });
      return response.writeHead(200, { 'content-type': 'application/fhir+json' }).end(nothing);
    }
    switch (trouble) {
      case 'reset': return response.socket.resetAndDestroy();
      case 'broken': return response.writeHead(500).end();
      case 'unavailable': return response.writeHead(503).end();
      case 'throttled': return response.writeHead(429, { 'retry-after': '1' }).end();
      case 'truncate':
        response.writeHead(status, head).write(body.subarray(0, body.length / 2));
        await wait(20);
        return response.destroy();
      case 'corrupt':
        body[Math.floor(this.draw() * body.length)] = 0; // which no JSON has
        return response.writeHead(status, head).end(body);
      case 'drip':
        response.writeHead(status, head);
        for (const byte of body.subarray(0, DRIPS)) {
          response.write(Buffer.from([byte]));
          await wait(2);
        }
        return response.end(body.subarray(DRIPS));
      case 'delay': await wait(200 + this.draw() * 1_000);
    }
    return response.writeHead(status, head).end(body);
  }
}
