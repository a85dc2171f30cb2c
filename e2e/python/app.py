"""An aiohttp application that keeps its sessions in Firestore, by aiohttp-session-firestore.

    FIRESTORE_EMULATOR_HOST=127.0.0.1:8200 GOOGLE_CLOUD_PROJECT=demo python app.py --max-age 3600

It prints its address when it can be reached, and ends when its standard input does. app_test.go has the same routes
in Go. Each answers with the session's values as JSON.
"""

import argparse
import asyncio
import json
import sys
from datetime import date, datetime, timezone
from decimal import Decimal

from aiohttp import web
from aiohttp_session import get_session, new_session, setup
from aiohttp_session_firestore import FirestoreStorage
from google.cloud.firestore_v1 import AsyncClient

routes = web.RouteTableDef()


def nested(levels):
    """Returns lists within lists."""
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


# What an expression at /put may name.
NAMES = {
    "date": date,
    "datetime": datetime,
    "timezone": timezone,
    "Decimal": Decimal,
    "inf": float("inf"),
    "nan": float("nan"),
    "nested": nested,
}


def show(session):
    # In ASCII, so that half a surrogate pair can be shown as well.
    text = json.dumps(dict(sorted(session.items())), separators=(",", ":"), default=repr)
    return web.Response(text=text, content_type="application/json")


@routes.get("/")
async def index(request):
    return show(await get_session(request))


@routes.get("/set")
async def set_values(request):
    session = await get_session(request)
    session.update(request.query)
    return show(session)


@routes.get("/delete")
async def delete_value(request):
    session = await get_session(request)
    session.pop(request.query["key"], None)
    return show(session)


@routes.get("/count")
async def count(request):
    session = await get_session(request)
    session["n"] = session.get("n", 0) + 1
    return show(session)


@routes.get("/sign-in")
async def sign_in(request):
    session = await new_session(request)
    session["user"] = request.query["user"]
    return show(session)


@routes.get("/sign-out")
async def sign_out(request):
    session = await get_session(request)
    session.invalidate()
    return show(session)


@routes.get("/max-age")
async def max_age(request):
    """Gives the session a lifetime of its own: a number of seconds, or None until the browser closes."""
    session = await get_session(request)
    session.max_age = evaluate(request.query["seconds"])
    session.changed()
    return show(session)


@routes.post("/put")
async def put(request):
    """Stores the value of an expression, which is Python's way to write down what JSON has no words for."""
    session = await get_session(request)
    session["value"] = evaluate(await request.text())
    return show(session)


@routes.get("/repr")
async def represent(request):
    session = await get_session(request)
    return web.Response(text=repr(session.get("value")))


def evaluate(expression):
    return eval(expression, NAMES.copy())  # of the tests, on the loopback interface


async def serve(args):
    client = AsyncClient()
    app = web.Application(client_max_size=2**24)
    setup(app, FirestoreStorage(client, collection_name=args.collection, max_age=args.max_age))
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--collection", default="sessions")
    parser.add_argument("--max-age", type=int)
    asyncio.run(serve(parser.parse_args()))
