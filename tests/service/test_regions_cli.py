"""The operator's import command."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests import places
from wxapi.regions.services.lookup import locate, tree

A, B = "421002001001", "421002001002"


@pytest.fixture
def run(app: Flask) -> Any:
    runner = app.test_cli_runner()

    def command(*arguments: object) -> Result:
        return runner.invoke(args=["regions", "import", *map(str, arguments)])

    return command


def tree_file(folder: Path) -> Path:
    path = folder / "tree.csv"
    levels = {4: "city", 6: "county", 9: "township"}
    rows = [f"{code},{name},{levels[len(code)]},{code[:-3]}" for code, name in places.GROUPS.items() if len(code) > 6]
    rows += [f"{code},{name},," for code, name in places.GROUPS.items() if len(code) <= 6]
    path.write_text("\n".join(["code,name,level,parent", *rows, ""]), encoding="utf-8")
    return path


def boundary_file(folder: Path, **geometries: dict[str, Any]) -> Path:
    features = [
        {"type": "Feature", "properties": {"code": code[1:], "name": f"{code[-3:]}村"}, "geometry": geometry}
        for code, geometry in geometries.items()
    ]
    path = folder / "villages.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_several_files_in_one_import(run: Any, tmp_path: Path) -> None:
    villages = boundary_file(tmp_path, **{f"c{code}": places.village_square(code) for code in places.VILLAGES})
    result = run(villages, tree_file(tmp_path), "--datum", "gcj02")
    assert result.exit_code == 0, result.output
    assert "12 个区域" in result.output
    assert "6 条边界" in result.output
    assert locate(places.centre(A)).village.code == A


def test_faults_name_the_feature_and_nothing_is_imported(run: Any, tmp_path: Path) -> None:
    villages = boundary_file(
        tmp_path, **{f"c{A}": places.village_square(A), f"c{B}": places.square(30.3, 112.2, 30.31, 112.21)}
    )
    result = run(tree_file(tmp_path), villages, "--datum", "gcj02")
    assert result.exit_code == 1
    assert "[swapped_coordinates]" in result.output
    assert f"villages.geojson features[1]（{B} 002村）" in result.output
    assert len(tree()) == 0


def test_the_datum_has_no_default(run: Any, tmp_path: Path) -> None:
    path = tree_file(tmp_path)
    assert "--datum" in run(path).output
    assert run(path).exit_code == 2
    assert run(path, "--datum", "xian80").exit_code == 2


def test_a_missing_file_is_named(run: Any, tmp_path: Path) -> None:
    result = run(tmp_path / "none.geojson", "--datum", "wgs84")
    assert result.exit_code == 2
    assert "none.geojson" in result.output


def test_help_shows_forms_and_an_example(run: Any) -> None:
    output = run("--help").output
    for word in ("gcj02", "cgcs2000", ".geojson", "code,name,level,parent", "flask --app wsgi regions import"):
        assert word in output
