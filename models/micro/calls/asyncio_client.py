"""How fast are calls over asyncio's streams? A bare client, as the others in this folder.

    python3 asyncio_client.py MOCK_LLM CONNECTIONS CALLS_EACH

Prints {"calls": n, "seconds": s}.
"""

import asyncio
import json
import os
import subprocess
import sys
import time

BODY = b'{"model":"mock","seed":1,"messages":[{"role":"user","content":"1"}]}'
REQUEST = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
           % (len(BODY), BODY))


async def length_of_a_reply(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    [body] = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
              if line.lower().startswith(b"content-length:")]
    await reader.readexactly(body)
    writer.close()
    return len(head) + body


async def call_over_and_over(port, calls, reply_bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(calls):
        writer.write(REQUEST)
        await reader.readexactly(reply_bytes)
    writer.close()


async def run(port, connections, calls_each):
    reply_bytes = await length_of_a_reply(port)
    begin = time.monotonic()
    await asyncio.gather(*(call_over_and_over(port, calls_each, reply_bytes)
                           for _ in range(connections)))
    print(json.dumps({"calls": connections * calls_each, "seconds": time.monotonic() - begin}))


def main(mock_llm, connections, calls_each):
    cpus = sorted(os.sched_getaffinity(0))
    with subprocess.Popen([mock_llm, "--until-stdin-closes"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as server:
        # The client has one CPU, and the mock LLM another, where there is one.
        os.sched_setaffinity(server.pid, cpus[1:] or cpus)
        os.sched_setaffinity(0, cpus[:1])
        port = json.loads(server.stdout.readline())["port"]
        asyncio.run(run(port, int(connections), int(calls_each)))
        server.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
