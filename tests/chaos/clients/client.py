"""The official client of Python: says when it is connected and when it is not."""

import asyncio
import sys

import socketio


async def main(url, token):
    client = socketio.AsyncClient()
    client.on("connect", lambda: print("connect", flush=True))
    client.on("disconnect", lambda *why: print("disconnect", flush=True))
    await client.connect(
        url, socketio_path="/ws/socket.io", transports=["websocket"], auth={"token": token}
    )
    await client.wait()


asyncio.run(main(sys.argv[1], sys.argv[2]))
