import csv
import glob
import io
import json
import os
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path("out")
ROOT.mkdir(parents=True, exist_ok=True)
(ROOT / "sub").mkdir(exist_ok=True)

data = {"name": "test", "values": [1, 2, 3], "nested": {"a": None, "b": True}}
with open(ROOT / "data.json", "w", encoding="utf-8") as f:
    json.dump(data, f, indent=2, sort_keys=True, default=str)
with (ROOT / "data.json").open() as f:
    loaded = json.load(f)
assert loaded == data

with open("out/table.csv", "w", newline="") as handle:
    writer = csv.DictWriter(handle, fieldnames=["sym", "px"])
    writer.writeheader()
    writer.writerows([{"sym": "A", "px": 1.5}, {"sym": "B", "px": 2.5}])
with open("out/table.csv") as handle:
    rows = list(csv.DictReader(handle))

Path("notes.txt").write_text("alpha\nbeta\n", encoding="utf-8")
words = Path("notes.txt").read_text().splitlines()
for path in sorted(ROOT.glob("**/*")):
    print(path.name, path.suffix, path.stat().st_size if path.is_file() else "dir")
for name in os.listdir("out"):
    full = os.path.join("out", name)
    if os.path.isfile(full) and os.path.getsize(full) > 0:
        print(os.path.basename(full), os.path.splitext(name)[1])
print(glob.glob("out/*.csv"), os.getcwd() != "", os.sep)

counts = defaultdict(int)
for m in re.finditer(r"(?P<word>\w+)\s*=\s*(?P<value>[-+]?\d+(?:\.\d+)?)", "a = 1 b=2.5 c = -3"):
    counts[m.group("word")] += float(m["value"])
print(dict(counts), re.sub(r"(\d{4})-(\d{2})", r"\2/\1", "2024-05"), file=sys.stderr)

buffer = io.StringIO()
print("hello", file=buffer)
sys.stdout.write(buffer.getvalue())
with tempfile.TemporaryDirectory() as tmp:
    shutil.copy("notes.txt", os.path.join(tmp, "copy.txt"))
if os.path.exists("notes.txt"):
    os.remove("notes.txt")
shutil.rmtree("out", ignore_errors=True)
