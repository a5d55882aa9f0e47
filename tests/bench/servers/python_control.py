"""The steering of the Python servers, as control.mjs; and what each of them does alike."""

import asyncio
import gc
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


def verify(token):
    return jwt.decode(token, KEY, algorithms=["HS256"])


def sign_in(sio):
    """Sockets with a token, in the room of their user. Returns those that are connected."""
    connected = set()

    @sio.event
    async def connect(sid, _environ, auth):
        user = verify(auth["token"])
        await sio.save_session(sid, user)
        await sio.enter_room(sid, f"user:{user['id']}")
        connected.add(sid)

    @sio.event
    async def disconnect(sid, _reason):
        connected.discard(sid)

    return connected


def answering(answer):
    """An application of HTTP: `answer(path, headers, body)` gives JSON, or None for not found."""

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        value = await answer(scope["path"], dict(scope["headers"]), body)
        headers = [(b"content-type", b"application/json")]
        status = 404 if value is None else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(value).encode()})

    return app


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


async def emit(sio, command, payload_of):
    for _ in range(command["count"]):
        await sio.emit(command["event"], payload_of(command["payload"]), room=BENCH_ROOM)
        if command["pauseMs"] > 0:
            await asyncio.sleep(command["pauseMs"] / 1000)


async def obey(port, sio, connected, payload_of):
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
            case "memory":
                answer["kib"] = resident_kib()
            case "gc":
                gc.collect()
            case "sockets":
                answer["count"] = len(connected)
            case "gather":
                for sid in list(connected):
                    await sio.enter_room(sid, BENCH_ROOM)
            case "emit":
                await emit(sio, command, payload_of)
        say(answer)


async def serve(sio, connected, other_app, payload_of):
    listener = sockets.socket()
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    app = socketio.ASGIApp(sio, other_app, socketio_path="/ws/socket.io")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    await obey(listener.getsockname()[1], sio, connected, payload_of)
    server.should_exit = True
    server.force_exit = True
    await serving


def run(sio, connected, other_app=None, payload_of=lambda payload: payload):
    """Serves until stdin ends."""
    # uvicorn's own choice of event loop (uvloop where it is installed) needs its own runner.
    with asyncio.Runner(loop_factory=uvicorn.Config(None).get_loop_factory()) as runner:
        runner.run(serve(sio, connected, other_app, payload_of))
