"""aiohttp: a server and its client on the loopback: JSON, streaming, upload, cookies, WebSocket, an error and a time limit."""

import asyncio
import hashlib

import aiohttp
from aiohttp import web


async def square(request):
    n = int(request.match_info["n"])
    return web.json_response({"n": n, "square": n * n})


async def stream(request):
    response = web.StreamResponse()
    await response.prepare(request)
    for i in range(50):
        await response.write(f"{i}\n".encode())
    await response.write_eof()
    return response


async def upload(request):
    data = await request.read()
    return web.Response(text=hashlib.sha256(data).hexdigest(), headers={"Set-Cookie": "seen=yes"})


async def cookie(request):
    return web.Response(text=request.cookies.get("seen", "no"))


async def chat(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data[::-1])
    return socket


async def slow(request):
    await asyncio.sleep(30)
    return web.Response()


async def calls(session, base):
    got = await asyncio.gather(*(fetch(session, f"{base}/square/{n}") for n in range(200)))
    assert [g["square"] for g in got] == [n * n for n in range(200)]
    print("json", sum(g["square"] for g in got))
    async with session.get(f"{base}/stream") as r:
        lines = [int(line) async for line in r.content]
    assert lines == list(range(50))
    blob = bytes(range(256)) * 4096
    async with session.post(f"{base}/upload", data=blob) as r:
        assert await r.text() == hashlib.sha256(blob).hexdigest()
    async with session.get(f"{base}/cookie") as r:
        assert await r.text() == "yes"
    print("stream, upload, cookie", len(lines))


async def fetch(session, url):
    async with session.get(url) as r:
        return await r.json()


async def talk(session, base):
    async with session.ws_connect(f"{base}/chat") as socket:
        for word in ("stressed", "drawer"):
            await socket.send_str(word)
            print("websocket", await socket.receive_str(timeout=30))


async def refused(session, base):
    async with session.get(f"{base}/nowhere") as r:
        assert r.status == 404
    async with session.get(f"{base}/square/x") as r:
        assert r.status == 500
    try:
        async with session.get(f"{base}/slow", timeout=aiohttp.ClientTimeout(total=0.3)):
            raise AssertionError("a slow answer came in time")
    except asyncio.TimeoutError:
        print("404, 500, time limit")


async def main():
    app = web.Application(client_max_size=4 << 20)
    app.add_routes([web.get("/square/{n}", square), web.get("/stream", stream), web.post("/upload", upload)])
    app.add_routes([web.get("/cookie", cookie), web.get("/chat", chat), web.get("/slow", slow)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await calls(session, base)
        await talk(session, base)
        await refused(session, base)
    await runner.cleanup()


if __name__ == "__main__":
    import logging

    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    asyncio.run(main())
