"""The documents agree with the code and with each other: settings, the index of decisions, links."""

import ast
import json
import re
from pathlib import Path

import pytest

from wxapi.app import MESSAGE_KINDS
from wxapi.demo.templates import templates
from wxapi.kernel.city_files import SHIPPED
from wxapi.platform import dictionary

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_table_of_settings_is_complete() -> None:
    assert documented() == read_by_config()


def test_every_decision_is_in_the_index_under_its_title() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\[(\d{4} .+)\]\((\d{4}-[\w-]+\.md)\)", index)
    pages = sorted(folder.glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for page in pages]
    assert listed == list(zip(titles, [page.name for page in pages], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name.endswith(".zh-CN.md")], ids=lambda page: page.name
)
def test_a_chinese_page_leads_to_chinese_ones(page: Path) -> None:
    """Where there is one; a link to the original says that it is in English."""
    for line in page.read_text(encoding="utf-8").splitlines():
        for link in re.findall(r"\]\(([^)#:\s]+)\.md", line):
            chinese = page.parent / f"{link}.zh-CN.md"
            assert not chinese.exists() or "英文" in line or "English" in line, line


def documented() -> dict[str, str | None]:
    """Setting → default as the table tells it; None: must be set."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE)
    words: dict[str, str | None] = {"–": None, "empty": ""}
    return {name: words.get(told, told.strip("`")) for name, told in rows}


def read_by_config() -> dict[str, str | None]:
    """Setting → default, from the calls of `read(...)` in the code."""
    tree = ast.parse((ROOT / "config.py").read_text(encoding="utf-8"))
    found: dict[str, str | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "read":
            defaults = [word.value for word in node.keywords if word.arg == "default"]
            found[ast.literal_eval(node.args[0])] = ast.literal_eval(defaults[0]) if defaults else None
    return found


def test_every_page_is_in_the_index() -> None:
    folder = Path(__file__).resolve().parents[2] / "docs"
    linked = set(re.findall(r"\]\(([\w.-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.name for page in folder.glob("*.md")} - {"README.md"}


def test_the_page_for_the_mini_program_names_what_it_meets() -> None:
    page = (ROOT / "docs" / "mini-program.zh-CN.md").read_text(encoding="utf-8")
    for kind in MESSAGE_KINDS:
        values = "、".join(f"`{name}`" for name in sorted(kind.values))
        assert f"| `{kind.code}` | {kind.zh} | {values} |" in page, kind.code
    with_pages = {template.page for template in templates() if template.page}
    assert {page_ for page_ in with_pages if f"| `{page_}` |" not in page} == set()


def test_every_column_has_words_and_the_pages_tell_them() -> None:
    """More of this in test_dictionary.py; here so that a new column cannot go without."""
    metadata = dictionary.load_models()
    silent = [
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if not dictionary.of_column(table.name, column.name)
    ]
    assert silent == [], "each wants a line in data/columns.toml of its feature"
    made = dictionary.dictionary_page(metadata), dictionary.personal_page(metadata)
    written = dictionary.DICTIONARY.read_text(encoding="utf-8"), dictionary.PERSONAL.read_text(encoding="utf-8")
    assert written == made, "python -m wxapi.platform.dictionary"


def test_the_chinese_manual_has_every_setting_too() -> None:
    manual = (ROOT / "docs" / "operations.zh-CN.md").read_text(encoding="utf-8")
    section = manual.partition("## 设置")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(read_by_config())
    english = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert manual.count("\n## ") == english.count("\n## "), "a section was added to one of the two manuals"


def test_the_chinese_page_of_a_citys_rules_has_every_key_and_column() -> None:
    page = (ROOT / "docs" / "city.zh-CN.md").read_text(encoding="utf-8")
    schema = json.loads((SHIPPED / "city.schema.json").read_text(encoding="utf-8"))["properties"]
    keys = {key for section in schema.values() for key in section.get("properties", {})}
    columns = (SHIPPED / "categories.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    names = {name for words in re.findall(r"`([^`\n]+)`", page) for name in re.findall(r"\w+", words)}
    assert {*schema, *keys, *columns} - names == set()
