"""Locks of Python for the tests: `locks.py redis-py|redlock URL`, then lines `acquire KEY` and `release`."""

import random
import sys
import time
import uuid

import redis

TTL_S = 20
RETRY_S = 0.075


class Redlock:
    """What the package `redlock` does for one server, after https://redis.io/docs/latest/develop/clients/patterns/distributed-locks/."""

    def __init__(self, client, key):
        self.client = client
        self.key = key
        self.value = uuid.uuid4().hex
        self.compare_and_delete = client.register_script(
            "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
        )

    def acquire(self):
        ttl_ms = TTL_S * 1000
        while True:
            started = time.monotonic()
            is_set = self.client.set(self.key, self.value, nx=True, px=ttl_ms)
            drift_ms = ttl_ms * 0.01 + 2
            validity_ms = ttl_ms - (time.monotonic() - started) * 1000 - drift_ms
            if is_set and validity_ms > 0:
                return
            if is_set:
                self.release()
            time.sleep(RETRY_S + random.uniform(0, 0.02))

    def release(self):
        self.compare_and_delete(keys=[self.key], args=[self.value])


def main(kind, url):
    client = redis.Redis.from_url(url)
    lock = None
    print("ready", flush=True)
    for line in sys.stdin:
        verb, *key = line.split()
        if verb == "acquire":
            lock = (
                client.lock(key[0], timeout=TTL_S, sleep=RETRY_S)
                if kind == "redis-py"
                else Redlock(client, key[0])
            )
            lock.acquire()
        else:
            lock.release()
        print("done", flush=True)


main(*sys.argv[1:])
