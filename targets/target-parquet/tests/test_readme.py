import re
import subprocess
import sys
from pathlib import Path

from dativo_protocol.about import settings_markdown
from target_parquet.settings import CONNECTOR

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_table_of_settings_is_the_generated_one():
    assert settings_markdown(CONNECTOR).strip() in README


def test_relative_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link


def test_the_pipe_and_the_reading_examples_work(tmp_path, schema_line, record, load):
    """The Python of the README, on files of two runs whose schemas differ."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)
    query = re.search(r"```sql\n(.*?)\n```", README, re.DOTALL).group(1)
    integer = {"type": "integer"}
    (tmp_path / "output").mkdir()
    for fields in ({"id": 1}, {"id": 2, "new": 3}):
        schema = schema_line(**dict.fromkeys(fields, integer))
        assert load(schema, record(**fields), destination_path=str(tmp_path / "output")).code == 0
    check = (
        f"{code}\n"
        "rows = sorted(table.to_pylist(), key=lambda row: row['id'])\n"
        "assert rows == [{'id': 1, 'new': None}, {'id': 2, 'new': 3}], rows\n"
        "import duckdb\n"
        f"found = duckdb.sql({query!r}).fetchall()\n"
        "assert sorted(found) == [(1, None), (2, 3)], found\n"
    )
    subprocess.run([sys.executable, "-c", check], cwd=tmp_path, check=True)
