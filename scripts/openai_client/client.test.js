// Does OpenAI's own client, version 4, get from the mock LLM what it gets from OpenAI?
'use strict';

const assert = require('node:assert/strict');
const { after, before, test: tested } = require('node:test');
const OpenAI = require('openai');
const { start } = require('./endpoint.js');

let endpoint;
before(async () => { endpoint = await start(); });
after(async () => { assert.equal(await endpoint.stop(), 0); });

/** A call that hangs is a failure of its test, not of all that follow. */
const test = (name, work) => tested(name, { timeout: 30_000 }, work);

/** No retries and a long time-out, unless a test is about them. */
function client(options = {}) {
  return new OpenAI({
    apiKey: 'any', baseURL: `${endpoint.url}/v1`, maxRetries: 0, timeout: 20_000, ...options,
  });
}

function question(fields = {}) {
  return { model: 'mock', messages: [{ role: 'user', content: '7' }], ...fields };
}

const create = (fields, options) => client(options).chat.completions.create(question(fields));

// stream_key(0, Stream::response) ^ 7, mixed: as bench/random.hpp does it.
function mix64(x) {
  const low = (v) => BigInt.asUintN(64, v);
  x = low(x + 0x9e3779b97f4a7c15n);
  x = low((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n);
  x = low((x ^ (x >> 27n)) * 0x94d049bb133111ebn);
  return x ^ (x >> 31n);
}

function answerTo(n, seed = 0n) {
  return mix64(mix64(mix64(seed) ^ 1n) ^ n).toString(16).padStart(16, '0');
}

/** How many completions were asked for meanwhile. */
async function callsDuring(work) {
  const { requests } = await endpoint.stats();
  await work();
  return (await endpoint.stats()).requests - requests;
}

async function timed(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Asks for the figures until they are as they should be. */
async function eventually(holds) {
  const end = performance.now() + 10_000;
  for (;;) {
    const stats = await endpoint.stats();
    if (holds(stats)) return;
    assert.ok(performance.now() < end, JSON.stringify(stats));
  }
}

async function collected(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const text = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? '').join('');

test('a plain answer has the content, the finish and the usage', async () => {
  const said = await create({ max_tokens: 3, seed: 5 });
  const [choice] = said.choices;
  assert.equal(choice.message.role, 'assistant');
  assert.equal(choice.message.content.split(' ').at(-1), answerTo(7n, 5n));
  assert.equal(choice.finish_reason, 'stop');
  assert.equal(said.usage.completion_tokens, 3);
});

test('a stream gives every token, one after the other', async () => {
  const chunks = await collected(await create({ stream: true, max_tokens: 5 }));
  assert.equal(chunks[0].choices[0].delta.role, 'assistant');
  assert.equal(chunks.filter((c) => c.choices[0].delta.content).length, 5);
  assert.equal(text(chunks).split(' ').at(-1), answerTo(7n));
  assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
  assert.ok(chunks.every((c) => !c.usage));
});

test('usage comes last in a stream that asks for it', async () => {
  const chunks = await collected(await create(
    { stream: true, max_tokens: 5, stream_options: { include_usage: true } }));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 5);
});

test("the client's own collector of streams comes to the same answer", async () => {
  const stream = client().beta.chat.completions.stream(question({ max_tokens: 4 }));
  const plain = await create({ max_tokens: 4 });
  assert.equal(await stream.finalContent(), plain.choices[0].message.content);
});

test('models are listed', async () => {
  const models = await collected(client().models.list());
  assert.ok(models.length > 0 && models[0].id);
});

test('calls one after another share a connection', async () => {
  const one = client();
  await one.chat.completions.create(question());
  const { connections } = await endpoint.stats();
  for (let i = 0; i < 20; ++i) await one.chat.completions.create(question());
  for (let i = 0; i < 5; ++i) {
    await collected(await one.chat.completions.create(question({ stream: true })));
  }
  // fetch() of the figures may have opened one of its own
  assert.ok((await endpoint.stats()).connections - connections <= 1);
});

for (const [status, name] of [[429, 'RateLimitError'], [500, 'InternalServerError'],
  [503, 'InternalServerError']]) {
  test(`${status} is a ${name} with the endpoint's own words`, async () => {
    await assert.rejects(create({ mock: { status } }), (error) => {
      assert.ok(error instanceof OpenAI[name], error.constructor.name);
      assert.equal(error.status, status);
      assert.ok(error.error.message && error.type);
      return true;
    });
  });

  test(`${status} is tried again as often as allowed, and as late as it asks for`, async () => {
    let ms;
    const calls = await callsDuring(async () => {
      ms = await timed(() => assert.rejects(
        create({ mock: { status, retry_after_ms: 30 } }, { maxRetries: 2 }), OpenAI[name]));
    });
    assert.equal(calls, 3);
    assert.ok(ms >= 2 * 29, `${ms}`);  // timers of Node may be a millisecond early
    assert.ok(ms < 900, `${ms}: its own back-off instead`);  // that is 0.375 s to 1 s, twice
  });
}

test('bad requests are not tried again', async () => {
  let calls = 0;
  const options = { maxRetries: 2, fetch: (...args) => { ++calls; return fetch(...args); } };
  await assert.rejects(create({ messages: [] }, options), OpenAI.BadRequestError);
  await assert.rejects(client(options).models.retrieve('nonesuch'), OpenAI.NotFoundError);
  assert.equal(calls, 2);
});

test('a call that fails at first is answered when the client tries again', async () => {
  const faulty = await start('--faults', '500=0.5');
  try {
    const baseURL = `${faulty.url}/v1`;
    const outcome = async (n, options) => client({ baseURL, ...options }).chat.completions
      .create(question({ messages: [{ role: 'user', content: `${n}` }] }), options)
      .then((said) => said.choices[0].message.content, (error) => error.status);
    let n = 0;
    while (await outcome(n) !== 500) ++n;
    assert.equal(await outcome(n), 500, 'the same attempt ends in the same way');
    assert.equal(await outcome(n, { maxRetries: 8 }), answerTo(BigInt(n)));
  } finally {
    await faulty.stop();
  }
});

test('a silent call times out, and so does each further attempt', async () => {
  let ms;
  const calls = await callsDuring(async () => {
    ms = await timed(() => assert.rejects(
      create({ mock: { fault: 'silent' } }, { timeout: 100, maxRetries: 1 }),
      OpenAI.APIConnectionTimeoutError));
  });
  assert.equal(calls, 2);
  assert.ok(ms >= 198, `${ms}`);
  await eventually((stats) => stats.in_flight === 0);
});

test('a slow first token is waited for', async () => {
  const ms = await timed(() => create({ mock: { first_ns: 100e6 } }));
  assert.ok(ms >= 99, `${ms}`);
});

test('a refusal is a connection error', async () => {
  await assert.rejects(create({}, { baseURL: `${endpoint.refusingUrl}/v1` }),
    OpenAI.APIConnectionError);
});

test('a garbled answer is an error, and so is a stream that is cut', async () => {
  await assert.rejects(create({ max_tokens: 9, mock: { fault: 'garbage' } }));
  for (const fault of ['cut', 'garbage']) {
    const stream = await create({ stream: true, max_tokens: 9, mock: { fault } });
    await assert.rejects(collected(stream));
  }
});

test("an answer that breaks off is an error with the fetch of Node's own", async () => {
  // node-fetch 2, which version 4 brings along, waits for ever for what is left of a body of known
  // length, or of one that was reset.
  const options = { fetch: (...args) => fetch(...args) };
  for (const fault of ['cut', 'reset']) {
    await assert.rejects(create({ max_tokens: 9, mock: { fault } }, options));
    await assert.rejects(async () => collected(
      await create({ stream: true, max_tokens: 9, mock: { fault } }, options)));
  }
});

test('a stalled stream can be given up, and the endpoint lets go of it', async () => {
  const stream = await create({ stream: true, max_tokens: 8, mock: { fault: 'stall' } });
  let came = 0;
  for await (const chunk of stream) {
    came += chunk.choices[0].delta.content ? 1 : 0;
    if (came === 2) break;  // leaving the loop aborts the request
  }
  await eventually((stats) => stats.in_flight === 0);
});

test('a call can be aborted by its caller', async () => {
  const controller = new AbortController();
  const call = client().chat.completions.create(question({ mock: { fault: 'silent' } }),
    { signal: controller.signal });
  await eventually((stats) => stats.in_flight === 1);
  controller.abort();
  await assert.rejects(call, OpenAI.APIUserAbortError);
  await eventually((stats) => stats.in_flight === 0);
});

test('an answer in small pieces or in one is the same answer', async () => {
  const expected = text(await collected(await create({ stream: true, max_tokens: 6 })));
  for (const fault of ['split', 'merge']) {
    const stream = await create({ stream: true, max_tokens: 6, mock: { fault } });
    assert.equal(text(await collected(stream)), expected);
  }
});
