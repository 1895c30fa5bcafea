"""A delaying proxy: `python -m bench.proxy SERVER MILLISECONDS` prints its own port, and serves until it is ended.

`SERVER` is `host:port`, or the path of a Unix socket.

What a client sends arrives so much later, each connection by itself, and answers come back at once: a request takes
the delay longer, as on a network.
"""

import asyncio
import sys


async def main(server: str, delay_seconds: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await _connect(server)
        async with asyncio.TaskGroup() as both:
            both.create_task(_forward(reader, server_writer, delay_seconds))
            both.create_task(_forward(server_reader, writer, 0))

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(proxy.sockets[0].getsockname()[1], flush=True)
    await proxy.serve_forever()


async def _connect(server: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if server.startswith("/"):
        return await asyncio.open_unix_connection(server)
    host, _, port = server.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    while data := await reader.read(1 << 20):
        if delay_seconds:
            # All chunks of a large request are on their way at once, so each is as late as the first.
            loop.call_later(delay_seconds, writer.write, data)
        else:
            writer.write(data)
    loop.call_later(delay_seconds, writer.close)


if __name__ == "__main__":
    address, milliseconds = sys.argv[1:]
    asyncio.run(main(address, float(milliseconds) / 1000))
