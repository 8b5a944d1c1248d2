"""Random records for any recipe, in as many spellings as JSON allows: duplicates, ties, nulls, missing fields, empty
and nested lists, unknown fields. The same seed gives the same records."""

import json
import random
from datetime import datetime, timedelta, timezone

from reference import EPOCHS, Field, Recipe

WORDS = ["", "a", "ab", "Red fox", "Côte d'Ivoire", "雪☃", "\U0001f426", 'a "quote"\\', "tab\tand\nline", "\u0000", "x" * 300]
NAMES = ["colour", "a.b", "back\\slash", "größe"]
SPACES = ["", "", "", " ", "\t", "  "]


def records(recipe: Recipe, n: int, seed: int) -> str:
    r = random.Random(seed)
    trees: list[dict] = []
    for _ in range(n):
        record = tree(recipe.fields, recipe.keeps_unknown, r)
        if trees and r.random() < 0.1:  # an earlier one again, or another with its key
            again = r.choice(trees)
            record = again if r.random() < 0.5 else record | {k.path: again[k.path] for k in recipe.key}
        trees.append(record)
    return "".join(write(t, r) + "\n" for t in trees)


class Raw(str):
    """A JSON text, to be written as it is."""


def tree(fields: list[Field], unknown: bool, r: random.Random) -> dict:
    root: dict = {}
    for f in fields:
        if not f.required and r.random() < 0.1:
            continue
        *parents, last = f.path.split(".")
        at = root
        for p in parents:
            at = at.setdefault(p, {})
        at[last] = None if not f.required and r.random() < 0.15 else value(f, unknown, r)
    if unknown and r.random() < 0.3:
        root[r.choice(NAMES)] = r.choice([None, Raw("1.50"), [Raw("1E+2"), {"k": "v"}], "text"])
    return dict(r.sample(list(root.items()), len(root)))


def value(f: Field, unknown: bool, r: random.Random):
    match f.kind:
        case "list" if f.element:
            return [None if r.random() < 0.2 else value(f.element, False, r) for _ in range(r.choice([0, 0, 1, 2, 5]))]
        case "list":
            return [tree(f.items, unknown, r) for _ in range(r.choice([0, 0, 1, 2, 5]))]
        case "string":
            return r.choice([r.choice(WORDS), f"{r.getrandbits(64):016x}", f"name{r.randrange(50)}"])
        case "json":
            return r.choice([Raw("0.10"), {"deep": [[], Raw("1e5")]}, ["x", None], "text", True])
        case "boolean":
            return r.random() < 0.5
        case "int32" | "int64":
            top = 2 ** (int(f.kind[3:]) - 1)
            i = r.choice([r.randrange(5), r.randrange(1000), r.randrange(-top, top), top - 1, -top])
            return Raw(r.choice([f"{i}", f"{i}", f"{i}.0", f"{i}e0", f"{10 * i}E-1"]))
        case "double":
            return Raw(r.choice(["0", "-0", "-0.0", "1e-320", "1.7976931348623157e308", f"{r.randrange(9)}.5", repr(r.uniform(-1e3, 1e3))]))
        case "decimal":
            precision, scale = f.numbers
            whole, part = r.randrange(10 ** r.randint(0, precision - scale)), r.randrange(10**scale)
            text = f"{r.choice(['', '-'])}{whole}.{part:0{scale}d}{r.choice(['', '00'])}"
            return text if r.random() < 0.3 else Raw(text)
        case "date":
            return (datetime(1890, 1, 1) + timedelta(days=r.choice([r.randrange(10), r.randrange(100_000)]))).strftime("%Y-%m-%d")
        case "timestamp":
            return timestamp(f, r)
    raise ValueError(f.kind)


def timestamp(f: Field, r: random.Random):
    micros = r.choice([r.randrange(3), r.randrange(-(10**15), 4 * 10**15)])
    if f.format in EPOCHS:
        return Raw(f"{micros // 10**6 * EPOCHS[f.format]}" if EPOCHS[f.format] > 1 else f"{micros}")
    zone = timezone(timedelta(minutes=r.choice([0, 0, 60, -150, 845])))
    t = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=micros)
    if f.format != "rfc3339":
        return t.astimezone(zone).strftime("%a %b %d %H:%M:%S %z %Y")
    return t.astimezone(zone).isoformat().replace("+00:00", r.choice(["Z", "+00:00"]))


def write(v, r: random.Random) -> str:
    space = r.choice(SPACES)
    match v:
        case Raw():
            return v
        case dict():
            return "{" + space + ("," + space).join(f"{write(k, r)}{space}:{write(x, r)}" for k, x in v.items()) + "}"
        case list():
            return "[" + space + ("," + space).join(write(x, r) for x in v) + space + "]"
        case str():
            return json.dumps(v, ensure_ascii=r.random() < 0.3)
    return json.dumps(v)
