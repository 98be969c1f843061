"""Imports point down only; importing the package is light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import cramprisk

PACKAGE = Path(cramprisk.__file__).parent

LAYERS = [
    {"_version", "model", "errors", "report_style", "guard", "json_objects"},
    {"context"},
    {"text", "sorted_names", "figure_plot"},
    {"vocabulary", "nearness"},
    {"tables"},
    {"qualifiers", "names"},
    {"lexicon", "rxnorm"},
    {"near_reader", "entries", "codes"},
    {"leftovers"},
    {"table_check", "table_info", "matcher", "report", "report_html", "overlay", "look_alikes", "page", "review"},
    {"checker", "shapes"},
    {"cells"},
    {"reading_processes"},
    {"columns"},
    {"integrations.fhir_read"},
    {"integrations.fhir_status", "integrations.fhir_codes"},
    {"integrations.fhir_entries"},
    {"integrations.fhir", "integrations.fhir_text"},
    {"integrations.fhir_write"},
    {"integrations.markdown", "integrations.cds_request"},
    {"integrations.cds_cards"},
    {"integrations.cds_reading"},
    {"integrations.cds_hooks"},
    {"integrations"},
    {"files", "files.batch", "files.behind", "files.problems", "files.sheet_size", "files.source"},
    {"files.records", "files.choice", "files.target"},
    {"files.dialect"},
    {"files.delimited", "files.parquet"},
    {"files.workbook", "files.ndjson", "files.answers", "files.review"},
    {"files.readers", "files.arrow_text"},
    {"files.decisions", "files.writers"},
    {"spark"},
    {"frames.answers", "frames.lookup"},
    {"frames.engines", "frames.arrow_frames"},
    {"frames.pandas_frames", "frames.polars_frames", "frames.duckdb_frames"},
    {"frames.statements"},
    {"frames.person_lists"},
    {"frames.person_given"},
    {"frames.person_flags"},
    {"frames.person_columns"},
    {"frames.spark_frames"},
    {"frames.annotation", "frames.person_frames"},
    {"frames"},
    {"files.persons"},
    {"files.scan"},
    {"files.command"},
    {"omop", "pandas", "polars"},
    {"__init__"},
    {"terminal", "evidence_pages", "report_csv"},
    {"cli_fhir"},
    {"service"},
    {"service.settings", "service.replay", "service.logs"},
    {"service.tokens", "service.guards", "service.protocol", "service.port"},
    {"service.settling", "service.uploads"},
    {"service.asked"},
    {"service.page_routes", "service.page_openapi"},
    {"service.openapi"},
    {"service.app"},
    {"service.worker"},
    {"service.command"},
    {"cli"},
    {"__main__"},
]
"""Modules from the lowest layer up; a sub-package is named with its module (``service.app``)."""


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "cramprisk":
            name = node.module.partition(".")[2]
            inner = [f"{name}.{alias.name}" if name else alias.name for alias in node.names]
            found = [module for module in inner if module in MODULES]
            yield from found or ([name] if name else [])


def test_every_module_has_a_layer():
    assert set(MODULES) == set().union(*LAYERS)


def test_imports_point_down():
    rank = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    upward = [
        (module, target)
        for module, path in MODULES.items()
        for target in imports(path)
        if rank[target] > rank[module] and module != "__init__"
    ]

    assert not upward


def test_no_module_is_longer_than_it_can_be_read():
    long = {module: len(path.read_text("utf-8").splitlines()) for module, path in MODULES.items()}

    assert {name for name, lines in long.items() if lines > 650} == set()


def loaded_after(statement):
    code = f"import sys; before = set(sys.modules); {statement}; print('\\n'.join(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_import_loads_nothing_heavy():
    assert not loaded_after("import cramprisk") & {"pandas", "numpy", "rapidfuzz", "rich", "narwhals", "csv", "json", "argparse"}


def test_checking_needs_no_frame_library():
    assert not loaded_after("import cramprisk; cramprisk.check(['Lasix', 'furosemdie'])") & {
        "pandas",
        "numpy",
        "narwhals",
        "rich",
    }


def test_an_exact_name_needs_no_rapidfuzz():
    assert "rapidfuzz" not in loaded_after("import cramprisk; cramprisk.check(['Lasix 40 mg'])")


def test_the_public_names_are_these():
    assert sorted(cramprisk.__all__) == [
        "Checker",
        "CrampRiskError",
        "Flag",
        "InputError",
        "Kind",
        "Match",
        "Medicine",
        "MissingExtraError",
        "Report",
        "Status",
        "TableError",
        "VocabularyError",
        "__version__",
        "annotate",
        "check",
        "check_fhir",
        "findings",
        "load_tables",
        "lookup_table",
        "normalize",
        "summarise",
    ]
    for name in cramprisk.__all__:
        assert getattr(cramprisk, name) is not None
    assert set(cramprisk.__all__) <= set(dir(cramprisk))


def test_an_unknown_public_name_is_an_attribute_error():
    assert not hasattr(cramprisk, "no_such_name")


def test_the_map_of_the_code_names_every_module():
    page = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    named = {name.replace("/", ".") for row in rows for name in re.findall(r"`([a-z_/0-9]+)`", row)}

    parts = {module for module, path in MODULES.items() if path.name != "__init__.py"}
    assert named == parts - {"_version"}
