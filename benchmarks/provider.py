"""`python -m benchmarks.provider PORT SECONDS`: stands in for Twilio where only its time to answer matters; says `ready`, and counts what it took."""

from __future__ import annotations

import asyncio
import json
import re
import sys

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


async def serve(port: int, seconds: float) -> None:
    """Answer every request `seconds` after it came, on as many connections as there are."""
    taken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                if found:
                    await reader.readexactly(int(found.group(1)))
                if head.startswith(b"POST"):
                    taken += 1
                    await asyncio.sleep(seconds)
                body = json.dumps({"sid": f"SM{taken:032x}", "status": "queued", "taken": taken}).encode()
                status = b"201 Created" if head.startswith(b"POST") else b"200 OK"
                writer.write(
                    b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
