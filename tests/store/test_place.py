"""Where the file goes: local and private, and a network file system is told apart."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_autocoder import folders
from jupyter_autocoder.errors import StoreUnavailable
from jupyter_autocoder.store import Store, place

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime shared:5 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ada/fast rw,relatime - xfs /dev/sdb1 rw
32 27 0:42 / /mnt/my\\040share rw - cifs //server/share rw
33 27 0:43 / /mnt/far rw - fuse.sshfs ada@host: rw
34 27 0:44 / /mnt/unknown rw - fuse.newfs x rw
35 27 0:45 / /mnt/layer rw - fuse.fuse-overlayfs x rw
36 27 0:46 / /mnt/twice rw - nfs4 server:/x rw
37 27 0:47 / /mnt/twice rw - tmpfs tmpfs rw
38 27 0:48 / /work rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/x", ""),
        ("/home/ada/.local", "nfs4"),
        ("/homes/ada", ""),  # only begins like a mount point
        ("/home/ada/fast/store", ""),  # a local disk below a network one
        ("/mnt/my share/store", "cifs"),
        ("/mnt/far/store", "fuse.sshfs"),
        ("/mnt/unknown/store", "fuse.newfs"),  # nobody knows where its bytes are
        ("/mnt/layer/store", ""),
        ("/mnt/twice/store", ""),  # the later mount covers the earlier
        ("/work/store", "9p"),
    ],
)
def test_a_network_file_system_is_told_by_its_mount(path: str, kind: str) -> None:
    assert place.network_kind(Path(path), MOUNTS) == kind


def test_without_a_mount_table_every_path_counts_as_local() -> None:
    assert place.network_kind(Path("/home"), "") == ""


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    folders = {"data": tmp_path / "data", "state": tmp_path / "state"}
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(folders["data"]))
    monkeypatch.setenv("XDG_STATE_HOME", str(folders["state"]))
    return folders


def on_network(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    def kind(path: Path, mountinfo: str | None = None) -> str:
        return "nfs4" if any(path.is_relative_to(folder) for folder in folders) else ""

    monkeypatch.setattr(place, "network_kind", kind)


def test_the_default_is_a_private_folder_in_jupyters_data_folder(homes: dict[str, Path]) -> None:
    file = place.default_file()

    assert file == homes["data"] / "autocoder" / place.FILE_NAME
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_may_read_is_made_private(homes: dict[str, Path]) -> None:
    (homes["data"] / "autocoder").mkdir(parents=True, mode=0o755)

    assert stat.S_IMODE(place.default_file().parent.stat().st_mode) == 0o700


def test_a_home_on_a_network_gives_way_to_the_state_folder(
    homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_network(monkeypatch, homes["data"])

    assert place.default_file().parent == homes["state"] / "jupyter-autocoder"


def test_then_to_a_folder_of_this_machine(homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    on_network(monkeypatch, *homes.values())
    monkeypatch.setattr(folders, "make_private", lambda folder: folder)

    assert place.default_file().parent == Path(f"/var/tmp/jupyter-autocoder-{os.getuid()}")


def test_where_nothing_is_local_the_store_refuses_and_names_postgresql(
    homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    on_network(monkeypatch, Path("/"))
    store = Store("")

    with pytest.raises(StoreUnavailable, match="postgresql://") as refused, store.read():
        pass

    assert "nfs4" in refused.value.why
    assert not homes["data"].exists()


def test_a_path_that_was_asked_for_on_a_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_network(monkeypatch, tmp_path)
    store = Store(str(tmp_path / "store.sqlite"))

    with pytest.raises(StoreUnavailable, match="postgresql://"), store.read():
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_not_used(homes: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (homes["data"] / "autocoder").mkdir(parents=True)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    monkeypatch.setattr(place, "_candidates", lambda environ: [homes["data"] / "autocoder"])

    with pytest.raises(StoreUnavailable, match="somebody else"):
        place.default_file()
