"""python-socketio with its AsyncRedisManager: events that say when they left."""

import os
import time

import python_control
import socketio

sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins="*",
    transports=["websocket"],
    client_manager=socketio.AsyncRedisManager(
        os.environ["BENCH_REDIS_URL"], channel=os.environ["BENCH_KEY_PREFIX"]
    ),
)


def stamped(payload):
    return {**payload, "sentAtMs": time.time() * 1000}


python_control.run(sio, python_control.sign_in(sio), payload_of=stamped)
