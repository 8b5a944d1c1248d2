"""Lines that are no records are kept as tokens, and point at where they stood."""

import pyarrow.parquet as pq
import pytest
from readers import READERS

GOOD = b'{"id":"a","email":"a@example.com","age_group":1,"user_score":0.5,"created_at":"2020-01-31T14:50:26Z"}'
BAD = [  # a line, its code, and the field that it is about
    (b"no JSON at all", "syntax", None),
    (b'["a"]', "not_an_object", None),
    (b'{"id":"b","email":"b@example.com"', "truncated", None),
    (b'{"id":1,"created_at":"2020-01-31T14:50:26Z"}', "wrong_type", "id"),
    (b'{"id":"c"}', "missing_field", "created_at"),
    (b'{"id":"d","created_at":"2020-02-30T00:00:00Z"}', "invalid_timestamp", "created_at"),
    (b'{"id":"e","id":"e","created_at":"2020-01-31T14:50:26Z"}', "duplicate_key", "id"),
    (b'{"id":"f\xff","created_at":"2020-01-31T14:50:26Z"}', "invalid_utf8", "id"),
    (b'{"id":"g","age_group":1.5,"created_at":"2020-01-31T14:50:26Z"}', "not_integer", "age_group"),
    (b'{"id":"h","widget_list":[{"amount":9223372036854775808}],"created_at":"2020-01-31T14:50:26Z"}', "out_of_range", "widget_list[0].amount"),
    (b'{"id":"i","colour":"red","created_at":"2020-01-31T14:50:26Z"}', "unknown_field", "colour"),
]


@pytest.fixture(scope="module")
def out(lab):
    lines = [GOOD, b""] + [line for line, _, _ in BAD]
    (lab.dir / "bad.ndjson").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))  # a byte-order mark, no last newline
    return lab.run("rejects", ["bad.ndjson"], "--max-rejects", len(BAD))


@pytest.mark.parametrize("reader", READERS)
def test_rejects(lab, out, reader):
    rows = READERS[reader](out / "rejects.parquet").to_pylist()
    offset = 3 + len(GOOD) + 4
    for number, (row, (line, code, field)) in enumerate(zip(rows, BAD, strict=True), 3):
        at = (row["source"], row["line"], row["offset"], row["length"])
        assert at == ("bad.ndjson", number, offset, len(line))
        assert (row["code"], row["field"]) == (code, field)
        assert row["reason"] and "example.com" not in row["reason"]
        assert lab.tokens.open("rejects.raw", row["raw_anon"]) == line
        offset += len(line) + 2


def test_the_good_line_is_kept(out):
    assert pq.read_table(out / "users.parquet").num_rows == 1
