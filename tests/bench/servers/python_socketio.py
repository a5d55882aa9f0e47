"""python-socketio on uvicorn: the application of plain_app.mjs, steered as control.mjs."""

import asyncio
import gc
import json
import os
import socket as sockets
import sys
import time
import uuid

import aiohttp
import jwt
import socketio
import uvicorn

KEY = os.environ["BENCH_SECRET_KEY"]
PROVIDER_URL = os.environ.get("BENCH_PROVIDER_URL", "")
BENCH_ROOM = "bench"

sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins="*",
    transports=["websocket"],
    max_http_buffer_size=10_000_000,
)
connected = set()
running = set()


def verify(token):
    return jwt.decode(token, KEY, algorithms=["HS256"])


@sio.event
async def connect(sid, _environ, auth):
    user = verify(auth["token"])
    await sio.save_session(sid, user)
    await sio.enter_room(sid, f"user:{user['id']}")
    connected.add(sid)


@sio.event
async def disconnect(sid, _reason):
    connected.discard(sid)


@sio.event
async def heartbeat(_sid, _data):
    return {"status": True}


async def stream(user_id, body):
    request = {"model": body["model"], "messages": body["messages"], "stream": True}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{PROVIDER_URL}/chat/completions", json=request) as answer:
            async for line in answer.content:
                if not line.startswith(b"data: "):
                    continue
                text = line[6:].strip()
                done = text == b"[DONE]"
                data = {"done": True} if done else {"choices": json.loads(text)["choices"]}
                event = {
                    "chat_id": body["chat_id"],
                    "message_id": body["id"],
                    "data": {"type": "chat:completion", "data": data},
                }
                await sio.emit("events", event, room=f"user:{user_id}")


async def read_body(receive):
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            return body


async def answer_request(scope, receive, send):
    if scope["type"] != "http":
        return
    body = await read_body(receive)
    answer = None
    if scope["path"] == "/api/v1/chats/new":
        answer = {"id": str(uuid.uuid4())}
    elif scope["path"] == "/api/chat/completions":
        authorization = dict(scope["headers"])[b"authorization"].decode()
        user = verify(authorization.removeprefix("Bearer "))
        task = asyncio.create_task(stream(user["id"], json.loads(body)))
        running.add(task)
        task.add_done_callback(running.discard)
        answer = {"status": True, "task_ids": [str(uuid.uuid4())]}
    status = 404 if answer is None else 200
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def emit(command):
    for _ in range(command["count"]):
        await sio.emit(command["event"], command["payload"], room=BENCH_ROOM)
        if command["pauseMs"] > 0:
            await asyncio.sleep(command["pauseMs"] / 1000)


def resident_kib():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


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
                await emit(command)
        say(answer)


async def main():
    listener = sockets.socket()
    listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    app = socketio.ASGIApp(sio, answer_request, socketio_path="/ws/socket.io")
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
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
