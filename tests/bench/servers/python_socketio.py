"""python-socketio on uvicorn: the application of plain_app.mjs."""

import asyncio
import json
import os
import uuid

import aiohttp
import python_control
import socketio

PROVIDER_URL = os.environ.get("BENCH_PROVIDER_URL", "")

sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins="*",
    transports=["websocket"],
    max_http_buffer_size=10_000_000,
)
connected = python_control.sign_in(sio)
running = set()


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


async def answer(path, headers, body):
    if path == "/api/v1/chats/new":
        return {"id": str(uuid.uuid4())}
    if path == "/api/chat/completions":
        token = headers[b"authorization"].decode().removeprefix("Bearer ")
        task = asyncio.create_task(stream(python_control.verify(token)["id"], json.loads(body)))
        running.add(task)
        task.add_done_callback(running.discard)
        return {"status": True, "task_ids": [str(uuid.uuid4())]}
    return None


python_control.run(sio, connected, python_control.answering(answer))
