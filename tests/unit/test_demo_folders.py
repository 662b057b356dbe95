"""Where the demo puts what it needs for a while, on machines that keep /tmp from it."""

import tempfile
from pathlib import Path

import pytest

from wxapi.demo import postgres
from wxapi.demo.errors import DemoError
from wxapi.demo.postgres import Postgres
from wxapi.demo.settings import DemoSettings, product_environment


def long_path(folder: Path) -> Path:
    made = folder / ("x" * 120)
    made.mkdir()
    return made


def test_the_socket_of_a_long_path_lies_where_this_user_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, second = tmp_path / "file", tmp_path / "second"
    closed.touch()
    second.mkdir()
    monkeypatch.setattr(postgres, "_SHORT_PLACES", (str(closed), str(tmp_path / "absent"), str(second)))
    monkeypatch.setattr(postgres, "_FOR_ROOT", "root")  # whoever runs the tests owns the folders
    server = Postgres(long_path(tmp_path))
    place = server._socket_folder()
    assert (place.parent, place.stat().st_mode & 0o777) == (second, 0o700)
    assert server._socket_folder() == place, "the same at each start"
    place.chmod(0o755)
    with pytest.raises(DemoError, match="belongs to somebody else"):
        server._socket_folder()


def test_a_long_path_and_no_place_for_its_socket_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_SHORT_PLACES", (str(tmp_path / "absent"),))
    with pytest.raises(DemoError, match=r"too long for a socket, and none of .*absent can be written"):
        Postgres(long_path(tmp_path))._socket_folder()


def test_the_processes_of_the_demo_have_a_place_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = DemoSettings.from_env({"WXAPI_DATA_DIR": str(tmp_path)})

    def own() -> dict[str, str]:
        made = product_environment(settings, {}, database_url="postgresql://x@/y", redis_url="redis://h")
        return {name: made[name] for name in ("TMPDIR",) if name in made}

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("TMPDIR", raising=False)
    assert own() == {}
    monkeypatch.setattr(tempfile, "tempdir", str(Path.cwd()))  # what Python takes where there is no other
    assert own() == {"TMPDIR": str(tmp_path / "tmp")}
    assert (tmp_path / "tmp").is_dir()
