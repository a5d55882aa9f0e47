"""python-socketio with pycrdt, the way Open WebUI keeps its documents where it has no Redis: the
updates of each in a list in memory, merged for who joins; nothing is saved."""

import uuid

import python_control
import socketio
from pycrdt import Doc

COMPACTION_THRESHOLD = 500

sio = socketio.AsyncServer(
    async_mode="asgi",
    cors_allowed_origins="*",
    transports=["websocket"],
    max_http_buffer_size=10_000_000,
)
connected = python_control.sign_in(sio)
updates = {}
editors = {}


def merged(some):
    doc = Doc()
    for update in some:
        doc.apply_update(bytes(update))
    return doc.get_update()


async def user_of(sid):
    return (await sio.get_session(sid))["id"]


@sio.on("ydoc:document:join")
async def join(sid, data):
    document_id = data["document_id"]
    editors.setdefault(document_id, set()).add(sid)
    room = f"doc_{document_id}"
    await sio.enter_room(sid, room)
    state = {
        "document_id": document_id,
        "state": list(merged(updates.get(document_id, []))),
        "sessions": list(editors[document_id]),
    }
    await sio.emit("ydoc:document:state", state, room=sid)
    joined = {
        "document_id": document_id,
        "user_id": await user_of(sid),
        "user_name": data.get("user_name", "Anonymous"),
        "user_color": data.get("user_color", "#000000"),
    }
    await sio.emit("ydoc:user:joined", joined, room=room, skip_sid=sid)


@sio.on("ydoc:document:update")
async def update(sid, data):
    document_id = data["document_id"]
    if sid not in editors.get(document_id, ()):
        return
    log = updates.setdefault(document_id, [])
    log.append(data["update"])
    if len(log) >= COMPACTION_THRESHOLD:
        half = len(log) // 2
        log[:half] = [list(merged(log[:half]))]
    event = {
        "document_id": document_id,
        "user_id": await user_of(sid),
        "update": data["update"],
        "socket_id": sid,
    }
    await sio.emit("ydoc:document:update", event, room=f"doc_{document_id}", skip_sid=sid)


async def answer(path, _headers, _body):
    return {"id": str(uuid.uuid4())} if path == "/api/v1/notes/create" else None


python_control.run(sio, connected, python_control.answering(answer))
