"""Records that are hard on whoever cuts, decides and counts: what stands in two files is the same for the same seed."""

import json
import random

WORDS = ["", " ", "Ada", "Ünïcödé", "e\u0301", "日本語", "שלום", "👩‍👩‍👧", "\U0010ffff", "\ufeff", "tab\there", "\"quoted\"", "back\\slash", "line\nbreak", "\x7f"]
BAD = [
    b"", b"\r", b"   ", b"{}", b"[]", b"null", b"no record", b'{"id":"cut', b'{"id":1,"created_at":"2020-01-01T00:00:00Z"}', b"\xff\xfe\x00",
    b'{"id":"bad-utf8-\xc3\x28","created_at":"2020-01-01T00:00:00Z"}', b'{"id":"lone-\\ud800","created_at":"2020-01-01T00:00:00Z"}',
    b'{"id":"twice","id":"twice","created_at":"2020-01-01T00:00:00Z"}', b'{"id":"late","created_at":"2020-02-30T00:00:00Z"}',
    b'{"id":"big","age_group":2147483648,"created_at":"2020-01-01T00:00:00Z"}', b'{"id":"huge","revenue":1e999,"created_at":"2020-01-01T00:00:00Z"}',
    b'{"id":"more","created_at":"2020-01-01T00:00:00Z"} {}', b'{"id":"unknown","what":1,"created_at":"2020-01-01T00:00:00Z"}',
]  # fmt: skip


def record(rng, i):
    r = {"id": f"{i:06d}-{rng.choice(WORDS)}", "created_at": f"2020-01-{1 + i % 28:02d}T00:00:00Z"}
    for name, value in {
        "email": rng.choice(WORDS) + "@example.com",
        "age_group": rng.choice([-2147483648, 0, 1, 1, 1, 2147483647]),
        "user_score": rng.choice([0.5, 0.5, 0.25, -0.0, 0, 1e-320, -1.7976931348623157e308, rng.random()]),  # ties, and what is next to nothing
        "revenue": rng.choice([0, -0.0, 1e22, 0.1]),
        "widget_list": [{"name": rng.choice(WORDS), "amount": rng.choice([0, -(2**63), 2**63 - 1])} for _ in range(rng.choice([0, 0, 1, 3]))],
        "location": rng.choice(WORDS),
    }.items():
        if rng.random() < 0.9:
            r[name] = value if rng.random() < 0.9 else None
    return r


def line(rng, r):
    """One of the many ways to write a record."""
    names = list(r)
    rng.shuffle(names)
    gap = rng.choice(["", "", " ", "\t"])
    return json.dumps({n: r[n] for n in names}, ensure_ascii=rng.random() < 0.5, separators=("," + gap, gap + ":")).encode()


def write(folder, count=3000, seed=6):
    rng = random.Random(seed)
    records = [record(rng, i) for i in range(count)]
    # An item list that is longer than a split, and a key whose other writing of the same instant is a duplicate.
    records[count // 2]["widget_list"] = [{"name": rng.choice(WORDS), "amount": k} for k in range(20_000)]
    lines = [line(rng, r) for r in records]
    for r in rng.sample(records, count // 5):
        again = dict(r)
        if rng.random() < 0.5:
            again["location"] = "elsewhere"  # a conflict
        if rng.random() < 0.3:
            again["created_at"] = r["created_at"].replace("T00:00:00Z", "T02:00:00.000+02:00")
        lines.insert(rng.randrange(len(lines)), line(rng, again))
    for bad in BAD * 3:
        lines.insert(rng.randrange(len(lines)), bad)
    half = len(lines) // 2
    (folder / "a.ndjson").write_bytes(b"\r\n".join(lines[:half]) + b"\r\n\r\n")
    (folder / "b.ndjson").write_bytes(b"\n".join(lines[half:]))  # the last line has no end
