"""What cannot be done inside, tried from a cell, with no checker in front."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.fork()",
        "import subprocess; subprocess.run(['/bin/true'])",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); assert c.unshare(0x10000000) == 0, OSError()",
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); assert c.ptrace(16, 1, 0, 0) == 0",
        "import os; os.symlink('/etc/passwd', 'link')",
        "import os; open('a', 'w').close(); os.link('a', 'b')",
        "import os; os.mkfifo('pipe')",
        "import os; os.memfd_create('m')",
        "import os; os.setuid(1)",
        "import socket; socket.socket(socket.AF_INET)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (7000, 7200))",
        "open('/sandbox/inbox/x', 'w')",
        "open('/sandbox/sockets/x', 'w')",
        "open('/usr/x', 'w')",
        "open('/x', 'w')",
        "open('/dev/x', 'w')",
        "open('/etc/passwd', 'a')",
        "open('/proc/sys/kernel/core_pattern', 'w')",
        "open('/proc/sys/kernel/hostname', 'w')",
        "open('/proc/sysrq-trigger', 'w')",
        "open('/proc/1/mem', 'rb')",
        "open('/proc/1/environ', 'rb').read()",
        "import os; os.chmod('/dev/null', 0o666)",
        "import os; os.chmod('/dev/urandom', 0o666)",
        "import os; os.chmod('/usr/bin/env', 0o755)",
        "open('/etc/shadow')",
        "open('/etc/hostname')",
        "import os; os.listdir('/home')",
        "import os; os.listdir('/root/.ssh')",
        "import os; os.listdir('/var')",
        "import os; os.listdir('/run')",
        "import os; os.listdir('/sys')",
        "import os; os.chroot('/tmp')",
        "import os; os.sethostname('x') if hasattr(os, 'sethostname') else __import__('socket').sethostname('x')",
        "import time; time.clock_settime(time.CLOCK_REALTIME, 0)",
        "!true",
        "%pwd",
        "import os?",
        "?os",
    ],
)
def test_it_is_refused(kernel: Any, code: str) -> None:
    answer = kernel.run(code)

    assert answer.error in {
        "PermissionError",
        "OSError",
        "FileNotFoundError",
        "AssertionError",
        "SyntaxError",
        "ValueError",
    }, answer


def test_nothing_of_the_hosts_environment_is_told_anywhere(start: Callable[..., Any], monkeypatch: Any) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-secret")
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    kernel = start()

    answer = kernel.run(
        "import os, glob\n"
        "found = [os.environ]\n"
        "for path in glob.glob('/proc/[0-9]*/environ') + ['/proc/self/environ']:\n"
        "    try: found.append(open(path, 'rb').read())\n"
        "    except OSError: pass\n"
        "print(len(found), 'planted' in str(found), 'JPY_PARENT_PID' in os.environ)"
    )

    assert answer.text.split()[1:] == ["False", "False"]
    outer = Path(f"/proc/{kernel.manager.provisioner.process.pid}/environ").read_bytes()
    assert b"planted" not in outer


def test_the_world_inside_holds_nothing_but_what_is_needed(kernel: Any) -> None:
    top = set(eval(kernel.run("import os; os.listdir('/')").text))
    etc = set(eval(kernel.run("os.listdir('/etc')").text))

    first_parts = {Path(path).parts[1] for path in (os.__file__, pytest.__file__, __file__)}
    assert top <= {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "dev", "proc", "tmp", "sandbox"} | (
        first_parts
    )
    assert etc <= {
        "alternatives",
        "fonts",
        "ld.so.cache",
        "localtime",
        "mime.types",
        "timezone",
        "passwd",
        "group",
        "nsswitch.conf",
        "hosts",
    }


def test_devices_work_and_no_file_of_the_host_is_open(kernel: Any) -> None:
    code = (
        "import os\n"
        "open('/dev/null', 'w').write('x'); len(os.urandom(4)), open('/dev/zero', 'rb').read(2)\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try: link = os.readlink(f'/proc/self/fd/{fd}')\n"
        "    except OSError: continue\n"
        "    if not link.startswith(('/memfd:sandbox-output', 'pipe:', 'socket:', 'anon_inode:')): print(link)"
    )

    answer = kernel.run(code)

    assert (answer.text, answer.error) == ("", "")


def test_the_project_around_the_package_is_not_shown(kernel: Any) -> None:
    assert kernel.run(f"import os; os.path.exists({str(Path(__file__))!r})").text == "False"


def test_the_scratch_folder_is_not_on_the_import_path(kernel: Any) -> None:
    kernel.run("open('planted.py', 'w').write('x = 1')")

    assert kernel.run("import planted").error == "ModuleNotFoundError"
    assert kernel.run("import sys; '' in sys.path or '/sandbox/scratch' in sys.path").text == "False"


def test_writable_places_are_bounded(start: Callable[..., Any]) -> None:
    kernel = start(scratch=8)
    fill = "n = 0\ntry:\n    with open({!r}, 'wb') as f:\n        while n < 600: n += f.write(bytes(1 << 20)) >> 20\n"
    fill += "except OSError as e: print(e.errno, n)\n"

    for path, most in (("/sandbox/scratch/x", 8), ("/sandbox/home/x", 64), ("/tmp/x", 256), ("/dev/shm/x", 256)):
        number, written = kernel.run(fill.format(path)).text.split()

        assert number == "28", f"{path}: no 'disk full'"
        assert int(written) <= most


def test_one_file_is_bounded(start: Callable[..., Any]) -> None:
    kernel = start(scratch=64, file_size=2)

    answer = kernel.run("open('big', 'wb').write(bytes(3 << 20))")

    assert (answer.error, answer.message) == ("OSError", "[Errno 27] File too large")


def test_memory_is_bounded_and_the_kernel_survives(start: Callable[..., Any]) -> None:
    kernel = start(memory=1024)

    assert kernel.run("x = bytearray(2 << 30)").error == "MemoryError"
    assert kernel.run("1 + 1").text == "2"


def test_a_thread_bomb_ends_in_an_error(start: Callable[..., Any]) -> None:
    kernel = start(memory=1024)

    answer = kernel.run(
        "import threading, time\n"
        "stop = threading.Event()\n"
        "for n in range(5000): threading.Thread(target=stop.wait, daemon=True).start()\n"
    )

    assert answer.error in {"RuntimeError", "MemoryError"}
    assert kernel.run("stop.set(); 1 + 1").text == "2"


def test_correct_code_that_needs_the_system_a_little_still_works(kernel: Any) -> None:
    code = """
import asyncio, concurrent.futures, os, pathlib, shutil, sqlite3, ssl, tempfile, threading, zoneinfo, getpass, socket
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, "a.txt"); path.write_text("hello")
    shutil.move(path, "b.txt"); os.makedirs("c/d", exist_ok=True); os.rename("b.txt", "c/d/e.txt")
base = sqlite3.connect("x.db"); base.execute("create table t (a)"); base.commit(); base.close()
with concurrent.futures.ThreadPoolExecutor(4) as pool: total = sum(pool.map(int, "1234"))
a, b = socket.socketpair(); a.send(b"x"); b.recv(1)
zone = zoneinfo.ZoneInfo("Europe/Berlin")
print(await asyncio.sleep(0.01, total), open("c/d/e.txt").read(), getpass.getuser(), zone)
"""

    assert kernel.run(code).text == "10 hello user Europe/Berlin"
