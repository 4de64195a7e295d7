"""asyncio: a task per turn on Python's event loop, which one thread runs.

The idea      A turn reads like plain blocking code; `await` lets the other turns run meanwhile.
A wait        is asyncio.sleep: a task and a timer, no thread. The loop wakes up to 1 ms late.
Computing     goes to the `workers` threads of the loop's executor, and back: the price of not
              holding up the loop. The kernels are C++ and run without Python's lock.
Next turn     is a task from the start, which awaits the tasks of the turns before it.
Rung          reference: the same program as its users write it, standard library only.
"""

import asyncio
import platform
from concurrent.futures import ThreadPoolExecutor

from bench.model import Model, StepKind

MODEL = Model(family="asyncio", rung="reference", structure="workers",
              version=f"CPython {platform.python_version()}")


async def compute(ledger, step, value):
    return await asyncio.to_thread(ledger.compute, step.id, value)


async def wait(ledger, step, value):
    ledger.begin_wait(step.id)
    while (seconds := ledger.time_left(step.id)) > 0:  # the loop may be a clock tick early
        await asyncio.sleep(seconds)
    return ledger.end_wait(step.id, value)


async def block(ledger, step, value):
    return await asyncio.to_thread(ledger.block, step.id, value)


async def run_turn(ledger, turn, tasks):
    for before in turn.before:
        await tasks[before]
    value = ledger.start(turn.id)
    for step in turn.steps:
        match step.kind:
            case StepKind.COMPUTE:
                value = await compute(ledger, step, value)
            case StepKind.WAIT:
                value = await wait(ledger, step, value)
            case StepKind.BLOCK:
                value = await block(ledger, step, value)
    ledger.finish(turn.id, value)


async def run_all(workload, workers, ledger):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(workers))
    tasks = []  # in the order of the turns: those before a turn are there when it is made
    for turn in workload:
        tasks.append(asyncio.create_task(run_turn(ledger, turn, tasks)))
    try:
        await asyncio.gather(*tasks)
    except Exception:
        # A task that is cancelled cancels the one it awaits: along a chain of turns, a recursion.
        # So only the turns under way are, and those that await them end with them, one by one.
        for turn, task in zip(workload, tasks):
            if all(tasks[before].done() for before in turn.before):
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def run(workload, workers, ledger):
    asyncio.run(run_all(workload, workers, ledger))
