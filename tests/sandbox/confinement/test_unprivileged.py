"""The same sandboxes for a user without any rights. Where the tests run as root, they become such a user first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_autocoder.sandbox.world import PACKAGE

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.geteuid() != 0, reason="all other tests here run without rights already"),
]
NOBODY = 23_456
# The interpreter may lie under root's closed home: in a mount namespace of its own, the way to it is opened.
OPEN_THE_WAY = """
set -e
mount --make-rprivate /
if [ ! "$(stat -c %a /root)" = 755 ] && [ -d "$BASE" ]; then case "$BASE" in /root/*)
  mount -t tmpfs stage /mnt && mkdir /mnt/base && mount --bind "$BASE" /mnt/base
  mount -t tmpfs -o mode=755 home /root
  mkdir -p "$BASE" && mount --bind /mnt/base "$BASE"
;; esac; fi
exec setpriv --reuid $0 --regid $0 --clear-groups --inh-caps=-all -- "$@"
"""
ASK = """
import asyncio, os, sys
from jupyter_autocoder.sandbox.manager import new_manager
from jupyter_autocoder.settings import SandboxSettings

async def main():
    km = new_manager(SandboxSettings(backend=sys.argv[1], processes=sys.argv[2] == "processes"))
    await km.start_kernel()
    client = km.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    def say(message):
        if message["msg_type"] == "stream": print(message["content"]["text"], end="")
    await client.execute_interactive(sys.argv[3], output_hook=say, timeout=60)
    print(os.geteuid(), (km.scratch_outside / "out").read_text(), km.peak_memory() > 1 << 20)
    km.renew_cpu_limit()
    client.stop_channels()
    folder = km.provisioner.folder.path
    await km.shutdown_kernel(now=True)
    print(folder.exists())
    km.context.destroy(linger=0)

asyncio.run(main())
"""
CODE = "open('out', 'w').write('made')\nprint(1 + 1)"
PROCESSES = "import subprocess\nopen('out', 'w').write('made')\nprint(subprocess.run(['/bin/true']).returncode + 2)"


@pytest.mark.parametrize(
    ("backend", "processes", "code"),
    [("bubblewrap", "", CODE), ("bubblewrap", "processes", PROCESSES), ("landlock", "", CODE)],
)
def test_a_user_without_rights_has_the_sandbox_too(backend: str, processes: str, code: str, tmp_path: Path) -> None:
    base = str(Path(sys.base_prefix))
    # HOME and the runtime folder are nobody's own: what is needed goes to /tmp.
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent", "BASE": base}
    environment["PYTHONPATH"] = str(PACKAGE.parent)
    command = ["unshare", "--mount", "/bin/sh", "-c", OPEN_THE_WAY, str(NOBODY)]

    done = subprocess.run(
        [*command, sys.executable, "-c", ASK, backend, processes, code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.stdout.split() == ["2", str(NOBODY), "made", "True", "False"], done.stderr
