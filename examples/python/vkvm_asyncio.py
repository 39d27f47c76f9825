# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvkvm under asyncio: calls that the program does not wait for.

    async def main():
        calls = vkvm_asyncio.Calls()
        conn = await calls.make(vkvm.Conn.open, "qemu:///system", timeout_ms=5000)
        print(await calls.make(conn.get_hostname))

Any method of vkvm.py's classes that has a name for vkvm_invoke is made by a thread of the
library; asyncio's loop watches the descriptor of one event queue for all of them.
"""
import asyncio
import itertools

import vkvm


class Calls:
    """Makes calls, up to `room` at once, under the loop that runs."""

    def __init__(self, room=10_000):
        self._queue, self._futures, self._tags = vkvm.EventQueue.new(room), {}, itertools.count()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._queue.get_fd(), self._take)

    def close(self):
        """Ends it; calls that are not done go on, and nobody hears of them."""
        self._loop.remove_reader(self._queue.get_fd())
        self._queue.free()

    async def make(self, method, *args, timeout_ms=0, **kwargs):
        """What the method would return or raise, after at most that many milliseconds."""
        params = [p for p in method.api["params"] if p["direction"] in ("self", "in")]
        subject = [method.__self__] if hasattr(method, "__self__") else []
        given = dict(zip([p["name"] for p in params], subject + list(args)), **kwargs)
        tag = next(self._tags)
        call = vkvm.Call.start(method.api["name"], given, timeout_ms, self._queue, tag)
        self._futures[tag] = future = self._loop.create_future()
        try:
            result = await future
        finally:
            call.cancel()  # which changes nothing when it is done
        outputs = [p["name"] for p in method.api["params"] if p["direction"] == "out"]
        return tuple(result[name] for name in outputs) if len(outputs) > 1 else result

    def _take(self):
        for entry in self._queue.drain(100):
            future, call = self._futures.pop(entry["tag"]), entry["call"]
            if not future.done():  # it was not cancelled
                try:
                    future.set_result(call.get_result())
                except vkvm.VkvmError as error:
                    future.set_exception(error)
