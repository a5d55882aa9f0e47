"""python-socketio with its AsyncRedisManager: events that say when they left, steered as control.mjs."""

import asyncio
import json
import os
import socket as sockets
import sys
import time

import jwt
import socketio
import uvicorn

KEY = os.environ["BENCH_SECRET_KEY"]
BENCH_ROOM = "bench"

sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins="*",
    transports=["websocket"],
    client_manager=socketio.AsyncRedisManager(
        os.environ["BENCH_REDIS_URL"], channel=os.environ["BENCH_KEY_PREFIX"]
    ),
)
connected = set()


@sio.event
async def connect(sid, _environ, auth):
    user = jwt.decode(auth["token"], KEY, algorithms=["HS256"])
    await sio.save_session(sid, user)
    await sio.enter_room(sid, f"user:{user['id']}")
    connected.add(sid)


@sio.event
async def disconnect(sid, _reason):
    connected.discard(sid)


async def emit(command):
    for _ in range(command["count"]):
        payload = {**command["payload"], "sentAtMs": time.time() * 1000}
        await sio.emit(command["event"], payload, room=BENCH_ROOM)
        if command["pauseMs"] > 0:
            await asyncio.sleep(command["pauseMs"] / 1000)


async def obey(port):
    def say(line):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    lines = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    say({"ready": {"port": port}})
    while line := await lines.readline():
        command = json.loads(line)
        answer = {"id": command["id"]}
        match command["do"]:
            case "cpu":
                answer["us"] = round(time.process_time() * 1e6)
            case "sockets":
                answer["count"] = len(connected)
            case "gather":
                for sid in list(connected):
                    await sio.enter_room(sid, BENCH_ROOM)
            case "emit":
                await emit(command)
        say(answer)


async def main():
    listener = sockets.socket()
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    app = socketio.ASGIApp(sio, socketio_path="/ws/socket.io")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    await obey(listener.getsockname()[1])
    server.should_exit = True
    server.force_exit = True
    await serving


# uvicorn's own choice of event loop (uvloop where it is installed) needs its own runner.
with asyncio.Runner(loop_factory=uvicorn.Config(None).get_loop_factory()) as runner:
    runner.run(main())
