// The mock LLM as a child of a test: on a port that it picks, and gone when the test is.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');

const PROGRAM = path.resolve(__dirname, '../../build/release/mock_llm');

/** Starts it; `stop()` of what this resolves to waits for its end. */
async function start(...flags) {
  const child = spawn(PROGRAM, ['--until-stdin-closes', ...flags],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const failed = once(child, 'exit').then(() => { throw new Error(`${PROGRAM} did not start`); });
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), failed]);
  failed.catch(() => {});  // it will end one day
  const { port, refusing_port: refusingPort } = JSON.parse(line);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    refusingUrl: `http://127.0.0.1:${refusingPort}`,
    stats: async () => (await fetch(`${url}/stats`)).json(),
    stop: async () => {
      const ended = child.exitCode === null ? once(child, 'exit') : [child.exitCode];
      child.stdin.end();
      return (await ended)[0];
    },
  };
}

module.exports = { start };
