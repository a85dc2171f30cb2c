"""Writes the golden documents of Python, and reads those of Go.

    python3 internal/codec/testdata/golden/python.py

needs nothing but Python 3.10 or later. It writes NAME.python.json for each of the cases below: the text of a document's
data field as aiohttp-session-firestore makes it, which is json.dumps with its default settings, and a hook that turns a
datetime into milliseconds.

Where there is a NAME.go.json, written by

    go test -run TestGolden -update ./internal/codec

it then checks that Python reads it as the very values of the case, and would write the same NAME.python.json after it.
Integers and floats are told apart.
"""

import datetime
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


# The values of sessions. golden_test.go has the same in Go, under the same names.
CASES = {
    "empty": {},
    "visits": {"visits": 1},
    "integers": {
        "big": 2**70,
        "list": [0, -1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1],
        "max": 2**63 - 1,
        "min": -(2**63),
        "over": 2**63,
        "uint": 2**64 - 1,
        "under": -(2**63) - 1,
    },
    "floats": {
        "exponents": [1e16, 1e-5, 1e300, -1e-300, 1.7976931348623157e308, 5e-324],
        "integral": [3.0, 0.0, -0.0, 100.0, 1234567890123456.0],
        "plain": [0.1, 0.5, -2.75, 3.141592653589793, 0.0001, 1 / 3],
    },
    "strings": {
        "": "the key is empty",
        "control": "".join(map(chr, range(32))) + "\x7f",
        "html": "<a href='x'>&amp;</a>",
        "quotes": 'say "hi" \\o/',
        "separators": "a\u2028b\u2029c",
        "日本語 🍪": "ключ \U0001f36a \U0010ffff \ufeff \ufffd é",
    },
    "constants": {"f": False, "n": None, "t": True},
    "containers": {
        "list": [1, "two", 3.0, None, True, [], {}, [[1, [2, [3]]]]],
        "map": {"a": {"b": {"c": [{"d": {}}]}}, "empty": {}, "none": []},
    },
    "deep": {"v": nested(500)},
    "times": {
        "at": datetime.datetime(2024, 5, 1, 12, 30, 45, 123456, tzinfo=datetime.timezone.utc),
        "list": [datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)],
    },
    "shop": {
        "_flash": [["You are signed in.", "success"]],
        "cart": [{"n": 2, "price": 12.5, "sku": "A-1001"}, {"n": 1, "price": 99.0, "sku": "B-2002"}],
        "user": {"email": "zoë@example.com", "id": 4711, "roles": ["editor", "admin"]},
    },
}

CREATED = {name: 1700000000 for name in CASES} | {"empty": 0}


def millis(value):
    if isinstance(value, datetime.datetime):
        return int(value.timestamp() * 1000)
    raise TypeError(f"cannot write a {type(value).__name__}")


def dump(payload):
    return json.dumps(payload, default=millis)


def main():
    failures = 0
    for name, session in CASES.items():
        text = dump({"created": CREATED[name], "session": session})
        (HERE / f"{name}.python.json").write_text(text)
        go = HERE / f"{name}.go.json"
        if not go.exists():
            continue
        read = json.loads(go.read_text(encoding="utf-8"))
        # Equality alone would take 3 for 3.0 and True for 1; the texts would not.
        if read != json.loads(text) or dump(read) != text:
            failures += 1
            print(f"{go.name} is read as {read!r}", file=sys.stderr)

    # What only Python writes.
    for name, session in {
        "unsorted": {"z": 1, "a": {"y": 2, "b": 3}},
        "surrogate": {"s": "\ud83c."},
        "nan": {"n": float("nan")},
        "infinity": {"n": float("-inf")},
    }.items():
        (HERE / f"{name}.python.json").write_text(dump({"session": session, "created": 1}))
    (HERE / "indented.python.json").write_text(
        json.dumps({"created": 1, "session": {"s": "é🍪", "l": [1, 2.0]}}, indent=2, ensure_ascii=False), encoding="utf-8"
    )
    sys.exit(failures)


if __name__ == "__main__":
    main()
