"""asyncio: a task per turn on Python's event loop, which one thread runs.

The idea      A turn reads like plain blocking code; `await` lets the other turns run meanwhile.
A wait        is asyncio.sleep: a task and a timer, no thread. The loop wakes up to 1 ms late.
A call        over TCP is a pair of asyncio's streams, kept for the next one, under a time-out.
Computing     goes to the `workers` threads of the loop's executor, and back: the price of not
              holding up the loop. The kernels are C++ and run without Python's lock.
Next turn     is a task from the start, which awaits the tasks of the turns before it.
Rung          reference: the same program as its users write it, standard library only.
"""

import asyncio
import contextlib
import platform
from concurrent.futures import ThreadPoolExecutor

from bench.model import Model, StepKind, TurnFailed

MODEL = Model(family="asyncio", rung="reference", structure="workers",
              version=f"CPython {platform.python_version()}")


async def compute(ledger, step, value):
    return await asyncio.to_thread(ledger.compute, step.id, value)


async def until_due(ledger, step):
    while (seconds := ledger.time_left(step.id)) > 0:  # the loop may be a clock tick early
        await asyncio.sleep(seconds)


async def wait(ledger, step, value):
    ledger.begin_wait(step.id)
    await until_due(ledger, step)
    return ledger.end_wait(step.id, value)


async def block(ledger, step, value):
    return await asyncio.to_thread(ledger.block, step.id, value)


class Connection:
    """Streams, once they are connected, and what is said over them. asyncio sets TCP_NODELAY."""

    def __init__(self, new_exchange):
        self.exchange = new_exchange()
        self.reader = self.writer = self.port = None

    def suits(self):
        """What is open can serve the exchange that has begun."""
        return self.port == self.exchange.port and self.exchange.keep_alive

    async def talk(self):
        """Until the exchange is over."""
        exchange = self.exchange
        try:
            if not self.writer:
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", exchange.port)
                self.port = exchange.port
            self.writer.write(exchange.request)
            await self.writer.drain()
            while not exchange.over:
                if data := await self.reader.read(4096):
                    exchange.receive(data)
                else:
                    exchange.on_closed()
        except ConnectionRefusedError:
            exchange.on_refused()
        except ConnectionError:
            exchange.on_closed()

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = self.port = None


class Client:
    """Calls, by timer or over TCP."""

    def __init__(self, workload, resources, ledger):
        self.ledger, self.resources, self.has_bucket = ledger, resources, workload.has_bucket
        self.place = (asyncio.Semaphore(workload.most_in_flight) if workload.most_in_flight
                      else contextlib.nullcontext())
        self.idle, self.closed = [], []  # connections: the one that became so last is taken first

    async def call(self, step, value):
        attempt = self.attempt_over_tcp if self.resources.over_tcp else self.attempt_by_timer
        async with self.place:
            if self.has_bucket:
                self.ledger.reserve(step.id)
                await until_due(self.ledger, step)
            while True:
                again, value = await attempt(step, value)
                if not again:
                    return value
                await until_due(self.ledger, step)

    async def attempt_by_timer(self, step, value):
        self.ledger.begin_attempt(step.id, None)
        await until_due(self.ledger, step)
        return self.ledger.end_attempt(step.id, value, None)

    def take_closed(self):
        return self.closed.pop() if self.closed else Connection(self.resources.new_exchange)

    async def attempt_over_tcp(self, step, value):
        connection = self.idle.pop() if self.idle else self.take_closed()
        exchange = connection.exchange
        self.ledger.begin_attempt(step.id, exchange)
        if connection.writer and not connection.suits():  # it needs another one
            other = self.take_closed()
            connection.exchange, other.exchange = other.exchange, exchange
            self.idle.append(connection)
            connection = other
        try:
            async with asyncio.timeout(self.ledger.time_left(step.id)):
                await connection.talk()
        except TimeoutError:
            exchange.on_timed_out()
        finally:
            if exchange.connection_reusable:
                self.idle.append(connection)
            else:
                connection.close()
                self.closed.append(connection)
        return self.ledger.end_attempt(step.id, value, exchange)

    def close(self):
        for connection in self.idle:
            connection.close()


async def run_turn(ledger, client, turn, tasks):
    for before in turn.before:
        await tasks[before]
    try:
        value = ledger.start(turn.id)
        for step in turn.steps:
            match step.kind:
                case StepKind.COMPUTE:
                    value = await compute(ledger, step, value)
                case StepKind.WAIT:
                    value = await wait(ledger, step, value)
                case StepKind.BLOCK:
                    value = await block(ledger, step, value)
                case StepKind.CALL:
                    value = await client.call(step, value)
        ledger.finish(turn.id, value)
    except TurnFailed as failure:
        ledger.fail(turn.id, failure)


async def run_all(workload, resources, ledger):
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(resources.workers))
    client = Client(workload, resources, ledger)
    tasks = []  # in the order of the turns: those before a turn are there when it is made
    for turn in workload.turns:
        tasks.append(asyncio.create_task(run_turn(ledger, client, turn, tasks)))

    def abandon():
        # A task that is cancelled cancels the one it awaits: along a chain of turns, a recursion.
        # So only the turns under way are, and those that await them end with them, one by one.
        for turn, task in zip(workload.turns, tasks):
            if all(tasks[before].done() for before in turn.before):
                task.cancel()

    resources.on_stop(lambda: loop.call_soon_threadsafe(abandon))
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        await asyncio.gather(*tasks, return_exceptions=True)  # it was asked to stop
    except Exception:
        abandon()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    finally:
        client.close()


def run(workload, resources, ledger):
    asyncio.run(run_all(workload, resources, ledger))
