import hashlib
import sqlite3
import uuid
import zlib
from base64 import b64decode, b64encode
from contextlib import closing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

with closing(sqlite3.connect(":memory:")) as con:
    con.row_factory = sqlite3.Row
    con.execute("CREATE TABLE trades (id TEXT PRIMARY KEY, sym TEXT, qty INTEGER)")
    con.executemany("INSERT INTO trades VALUES (?, ?, ?)", [(uuid.uuid4().hex, "A", 1), (uuid.uuid4().hex, "B", 2)])
    con.commit()
    for row in con.execute("SELECT sym, SUM(qty) AS n FROM trades GROUP BY sym"):
        print(row["sym"], row["n"], row.keys())
print(hashlib.sha256(b"data").hexdigest(), zlib.crc32(b"x"), b64decode(b64encode(b"hello")).decode("utf-8"))
now = datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin"))
print(now.isoformat(), now.strftime("%A %d %B %Y"), datetime.strptime("2024-01-31", "%Y-%m-%d").weekday())
