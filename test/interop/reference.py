"""quern's job once more, slowly and plainly, from docs/recipe.md.

It shares nothing with quern but the recipe, and takes its input to be valid: rejects have a test of their own. Values
keep the text that they were read from until their type is known, so nothing is rounded on the way.
"""

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import yaml

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
LAYOUTS = {"Mon Jan 02 15:04:05 -0700 2006": "%a %b %d %H:%M:%S %z %Y"}
EPOCHS = {"epoch_seconds": 10**6, "epoch_milliseconds": 10**3, "epoch_microseconds": 1}


def note(f: pa.Field, context: str | None) -> pa.Field:
    """Notes on a column that it holds tokens of a context; contexts finds it."""
    return f if context is None else f.with_metadata({"context": context})


def contexts(schema) -> dict[str, str]:
    """The contexts of a table's token columns; a member of a list of objects is list.member."""
    out = {}
    for f in schema:
        if f.metadata:
            out[f.name] = f.metadata[b"context"].decode()
        if pa.types.is_list(f.type) and pa.types.is_struct(f.type.value_type):
            out |= {f"{f.name}.{k}": v for k, v in contexts(f.type.value_type).items()}
    return out


REJECTS = [
    pa.field("source", pa.string(), nullable=False),
    pa.field("line", pa.int64(), nullable=False),
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("length", pa.int64(), nullable=False),
    pa.field("field", pa.string()),
    pa.field("code", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    note(pa.field("raw_anon", pa.string()), "rejects.raw"),
]


@dataclass
class Field:
    """A field of the record, or of the items of a list; kind is the type's name without its numbers."""

    path: str
    name: str
    kind: str
    numbers: tuple[int, ...] = ()  # of a decimal
    format: str = "rfc3339"
    required: bool = False
    context: str | None = None  # not None: pseudonymised
    column: str = ""
    items: list["Field"] = field(default_factory=list)
    element: "Field | None" = None

    def arrow(self) -> pa.DataType:
        if self.kind == "list":
            if self.element:
                inner = pa.field("element", self.element.arrow())
            else:
                inner = pa.field("element", pa.struct([i.arrow_field() for i in self.items]), nullable=False)
            return pa.list_(inner)
        if self.context is not None:
            return pa.string()
        return {
            "string": pa.string(),
            "json": pa.string(),
            "boolean": pa.bool_(),
            "int32": pa.int32(),
            "int64": pa.int64(),
            "double": pa.float64(),
            "date": pa.date32(),
            "timestamp": pa.timestamp("us", "UTC"),
            "decimal": pa.decimal128(*self.numbers) if self.numbers else None,
        }[self.kind]

    def arrow_field(self, name: str = "", nullable: bool = False) -> pa.Field:
        return note(pa.field(name or self.column, self.arrow(), nullable=nullable or not self.required), self.context)

    def parse(self, text: str):
        """The value of a JSON text."""
        if text == "null":
            return None
        match self.kind:
            case "json":
                return text
            case "string" | "boolean":
                return json.loads(text)
            case "int32" | "int64":
                return int(Decimal(text))
            case "double":
                return float(text)
            case "decimal":
                return Decimal(json.loads(text) if text.startswith('"') else text)
            case "date":
                return date.fromisoformat(json.loads(text))
            case "timestamp" if self.format in EPOCHS:
                return EPOCH + timedelta(microseconds=int(Decimal(text) * EPOCHS[self.format]))
            case "timestamp" if self.format == "rfc3339":
                return datetime.fromisoformat(json.loads(text)).astimezone(timezone.utc)
            case "timestamp":
                return datetime.strptime(json.loads(text), LAYOUTS[self.format]).astimezone(timezone.utc)
        raise ValueError(self.kind)


def read_field(path: str, spec) -> Field:
    spec = spec if isinstance(spec, dict) else {"type": spec}
    kind, _, numbers = spec["type"].partition("(")
    f = Field(path, spec.get("name", path.replace(".", "_")), kind, required=spec.get("required", False))
    f.numbers = tuple(int(n) for n in numbers.rstrip(")").split(",") if n)
    f.format = spec.get("format", f.format)
    f.column = f.name
    if seal := spec.get("pseudonymise"):
        seal = seal if isinstance(seal, dict) else {} if seal is True else {"name": seal}
        f.column = seal.get("name", f.name + "_anon")
        f.context = seal.get("context", path)
    if items := spec.get("items"):
        if isinstance(items, dict):
            f.items = [read_field(p, s) for p, s in items.items()]
            for i in f.items:
                if i.context == i.path:  # by default the whole path, from the record on
                    i.context = f"{path}.{i.path}"
        else:
            f.element = read_field(path, items)
            f.element.context = f.context
    return f


@dataclass
class Record:
    values: dict[str, object]  # by field name; lists are of values or of dicts
    rescued: str | None
    source: str
    line: int
    ranks: dict[str, int | None] = field(default_factory=dict)


def members(text: str):
    """The names of a JSON object's members with the text of their values."""
    decoder = json.JSONDecoder()
    space = json.decoder.WHITESPACE.match
    i = space(text, space(text, 0).end() + 1).end()
    while text[i] != "}":
        name, i = json.decoder.scanstring(text, i + 1)
        i = space(text, space(text, i).end() + 1).end()
        _, end = decoder.raw_decode(text, i)
        yield name, text[i:end]
        i = space(text, end).end()
        if text[i] == ",":
            i = space(text, i + 1).end()


class Recipe:
    def __init__(self, path: Path):
        spec = yaml.safe_load(path.read_text("utf-8"))
        self.spec = spec
        self.fields = [read_field(p, s) for p, s in spec["fields"].items()]
        self.keeps_unknown = spec.get("unknown") == "keep"
        self.key = [self.field(k) for k in spec.get("dedupe", {}).get("key", [])]
        for f in self.key:
            f.required = True
        self.seals = any(x.context for f in self.fields for x in [f, *f.items])

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if name in (f.name, f.path))

    # Reading records.

    def read(self, inputs: list[Path], names: list[str]) -> list[Record]:
        records = []
        for path, name in zip(inputs, names):
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        records.append(self.record(line, name, number))
        return records

    def record(self, line: str, source: str, number: int) -> Record:
        rescued: list[str] = []
        values = self.object(line, self.fields, "", "", rescued)
        return Record(values, "{" + ",".join(rescued) + "}" if rescued else None, source, number)

    def object(self, text: str, fields: list[Field], inside: str, shown: str, rescued: list[str]) -> dict:
        """The values of fields; inside is the path from where these begin, shown the one that rescued fields get."""
        values = {f.name: None for f in fields if not inside}
        by_path = {f.path: f for f in fields}
        for name, value in members(text):
            path = inside + name
            f = by_path.get(path)
            if f is None and any(p.startswith(path + ".") for p in by_path):
                if value != "null":
                    values |= self.object(value, fields, path + ".", f"{shown}{name}.", rescued)
            elif f is None:
                if self.keeps_unknown:
                    escaped = name.replace("\\", "\\\\").replace(".", "\\.")
                    rescued.append(json.dumps(shown + escaped, ensure_ascii=False) + ":" + value)
            elif f.kind != "list":
                values[f.name] = f.parse(value)
            elif value == "null":
                values[f.name] = None
            else:
                texts = [t for _, t in members(as_object(value))]
                values[f.name] = [
                    f.element.parse(t) if f.element else self.object(t, f.items, "", f"{shown}{name}[{i}].", rescued)
                    for i, t in enumerate(texts)
                ]
        return values

    # Decisions.

    def decide(self, records: list[Record]) -> tuple[list[Record], list[tuple[Record, Record]]]:
        """The kept records, ranked, and the dropped ones with what was kept in their place; in input order."""
        if not self.key:
            kept, dropped = records, []
        else:
            groups = defaultdict(list)
            for r in records:
                groups[tuple(r.values[f.name] for f in self.key)].append(r)
            which = {"first": 0, "last": -1}[self.spec["dedupe"].get("keep", "first")]
            stays = {id(r): group[which] for group in groups.values() for r in group}
            kept = [r for r in records if stays[id(r)] is r]
            dropped = [(r, stays[id(r)]) for r in records if stays[id(r)] is not r]
        for rank in self.spec.get("ranks", []):
            self.rank(rank, kept)
        return kept, dropped

    def rank(self, rank: dict, kept: list[Record]) -> None:
        of, within = self.field(rank["of"]).name, [self.field(w).name for w in rank.get("within", [])]
        groups = defaultdict(list)
        for r in kept:
            r.ranks[rank["name"]] = None
            if r.values[of] is not None:
                groups[tuple(r.values[w] for w in within)].append(r)
        for group in groups.values():
            # Python's sort is stable, also when reversed: equal values stay in input order.
            group.sort(key=lambda r: r.values[of], reverse=rank.get("order", "descending") == "descending")
            number, last = 0, None
            for place, r in enumerate(group, 1):
                new = place == 1 or r.values[of] != last
                last = r.values[of]
                match rank.get("ties", "min"):
                    case "min":
                        number = place if new else number
                    case "dense":
                        number += new
                    case "ordinal":
                        number = place
                r.ranks[rank["name"]] = number

    # Tables.

    def tables(self, records: list[Record], layout: str, seal) -> dict[str, pa.Table]:
        """The tables of a run without rejects, by name. seal(context, text) makes a token."""
        kept, dropped = self.decide(records)
        rows = [self.row(r, seal) for r in kept]
        tables = {}
        wide = self.spec["wide"] if layout == "wide" else None
        if not wide:
            t = self.spec["table"]
            columns = t.get("columns") or self.record_columns()
            tables[t["name"]] = build([self.column(c) for c in columns], rows)
        for flat in self.spec.get("flatten", []):
            is_wide = wide is not None and wide["list"] == flat["list"]
            columns = wide.get("columns") if is_wide else flat.get("columns")
            if not columns:
                first = self.record_columns() if is_wide else [f.column for f in self.key or self.fields if f.required]
                columns = first + [position(flat)] + list(self.item_columns(flat))
            schema = [self.column(c, flat, is_wide) for c in columns]
            tables[wide["table"] if is_wide else flat["table"]] = build(schema, self.flat_rows(flat, kept, rows, is_wide, seal))
        for index in self.spec.get("indexes", []):
            tables[index["table"]] = self.index(index, rows)
        tables["duplicates"] = self.duplicates(dropped, seal)
        tables["rejects"] = build(REJECTS, [])
        return tables

    def record_columns(self) -> list[str]:
        flattened = [self.field(f["list"]) for f in self.spec.get("flatten", [])]
        columns = []
        for f in self.fields:
            if f not in flattened:
                columns.append(f.column)
                columns += [r["name"] for r in self.spec.get("ranks", []) if self.field(r["of"]) is f]
        return columns + ["_rescued"] * self.keeps_unknown

    def item_columns(self, flat: dict) -> dict[str, Field]:
        f = self.field(flat["list"])
        prefix = flat.get("prefix", f.name + "_")
        if f.element:
            return {prefix + ("value_anon" if f.context else "value"): f.element}
        return {prefix + i.column: i for i in f.items}

    def column(self, name: str, flat: dict | None = None, nullable: bool = False) -> pa.Field:
        if name in [r["name"] for r in self.spec.get("ranks", [])]:
            return pa.field(name, pa.int64())
        if name == "_rescued":
            return self.rescued()
        if flat and name == position(flat):
            return pa.field(name, pa.int32(), nullable=nullable)
        if flat and (item := self.item_columns(flat).get(name)):
            return item.arrow_field(name, nullable)
        return next(f for f in self.fields if f.column == name).arrow_field()

    def rescued(self) -> pa.Field:
        return note(pa.field("_rescued", pa.string()), "_rescued" if self.seals else None)

    def row(self, r: Record, seal) -> dict:
        """All that a record gives to a row of its own: by column."""
        row = {f.column: sealed(f, r.values[f.name], seal) for f in self.fields} | r.ranks
        row["_rescued"] = r.rescued if r.rescued is None or not self.seals else seal("_rescued", r.rescued)
        return row

    def flat_rows(self, flat: dict, kept: list[Record], rows: list[dict], is_wide: bool, seal) -> list[dict]:
        f, columns, out = self.field(flat["list"]), self.item_columns(flat), []
        for r, row in zip(kept, rows):
            items = r.values[f.name] or []
            for i, item in enumerate(items):
                values = {c: sealed(x, item if f.element else item[x.name], seal) for c, x in columns.items()}
                out.append(row | {position(flat): i} | values)
            if is_wide and not items:
                out.append(row | {position(flat): None} | dict.fromkeys(columns))
        return out

    def index(self, index: dict, rows: list[dict]) -> pa.Table:
        key, values = self.field(index["key"]), self.field(index["values"])
        found = defaultdict(set)
        for row in rows:
            if row[key.column] is not None and row[values.column] is not None:
                found[row[key.column]].add(row[values.column])
        order = lambda v: v.encode() if isinstance(v, str) else v
        name = index.get("as", values.column + "s")
        ids = pa.list_(pa.field("element", values.arrow(), nullable=False))
        schema = [
            note(pa.field(key.column, key.arrow(), nullable=False), key.context),
            note(pa.field(name, ids, nullable=False), values.context),
        ]
        return build(schema, [{key.column: k, name: sorted(found[k], key=order)} for k in sorted(found, key=order)])

    def duplicates(self, dropped: list[tuple[Record, Record]], seal) -> pa.Table:
        schema = [f.arrow_field() for f in self.fields] + [self.rescued()] * self.keeps_unknown
        schema += [
            pa.field("source", pa.string(), nullable=False),
            pa.field("line", pa.int64(), nullable=False),
            pa.field("kept_source", pa.string(), nullable=False),
            pa.field("kept_line", pa.int64(), nullable=False),
            pa.field("conflict", pa.bool_(), nullable=False),
        ]
        rows = []
        for r, kept in dropped:
            conflict = (r.values, r.rescued) != (kept.values, kept.rescued)
            at = dict(source=r.source, line=r.line, kept_source=kept.source, kept_line=kept.line, conflict=conflict)
            rows.append(self.row(r, seal) | at)
        return build(schema, rows)


def as_object(array: str) -> str:
    """A JSON array as an object, for members to take apart."""
    decoder, space = json.JSONDecoder(), json.decoder.WHITESPACE.match
    parts, i = [], space(array, 1).end()
    while array[i] != "]":
        _, end = decoder.raw_decode(array, i)
        parts.append('"":' + array[i:end])
        i = space(array, end).end()
        if array[i] == ",":
            i = space(array, i + 1).end()
    return "{" + ",".join(parts) + "}"


def position(flat: dict) -> str:
    return flat.get("position", flat["list"] + "_index")


def sealed(f: Field, value, seal):
    """The value as it leaves: a token, if it is pseudonymised; so, too, inside lists."""
    if value is None:
        return None
    if f.element:
        return [sealed(f.element, v, seal) for v in value]
    if f.items:
        return [{i.column: sealed(i, item[i.name], seal) for i in f.items} for item in value]
    return value if f.context is None else seal(f.context, str(value))


def build(schema: list[pa.Field], rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, pa.schema(schema))
