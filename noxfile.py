"""The tests over versions: of Python, and of the dependencies at their lowest and their newest.

``nox -s lowest`` and the others need nox and uv. An interpreter that is not there is an error with ``nox -s tests-3.14``,
and a note with plain ``nox``.
"""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
EXTRAS = "xlsx,parquet,zst,polars,duckdb,service"  # without spark: its Java and half a gigabyte have a session of their own
TEST_TOOLS = [
    "pytest>=8",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "jsonschema>=4.18",
    "httpx>=0.27",
    "build>=1.2",
    "hatchling>=1.26",
]
TESTS = ["tests/unit", "tests/property", "tests/tables", "cramprisk", "README.md", "docs"]

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["tests", "lowest", "newest", "docs"]
nox.options.error_on_missing_interpreters = False


def _run(session: nox.Session) -> None:
    session.run("uv", "pip", "list", external=True, silent=False)
    session.run("python", "-m", "pytest", "-n", "2", *(session.posargs or TESTS))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Unit tests, laws, tables and documented examples with each Python."""
    session.install("-e", f".[{EXTRAS}]", *TEST_TOOLS)
    _run(session)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Every direct dependency at the lowest version that pyproject.toml allows, on the lowest Python."""
    pins = f"{session.create_tmp()}/lowest.txt"
    extras = [part for extra in EXTRAS.split(",") for part in ("--extra", extra)]
    session.run(
        "uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--only-binary", ":all:", "--no-header",
        "--no-annotate", *extras, "pyproject.toml", "--output-file", pins,
        external=True,
    )  # fmt: skip
    session.install("-r", pins)
    session.install("-c", pins, *TEST_TOOLS)
    session.install("--no-deps", "-e", ".")
    _run(session)


@nox.session(python="3.13")
def newest(session: nox.Session) -> None:
    """Every dependency at its newest version, pre-releases left out."""
    session.install("--upgrade", "--resolution", "highest", "-e", f".[{EXTRAS}]", *TEST_TOOLS)
    _run(session)


@nox.session(python="3.11")
def spark(session: nox.Session) -> None:
    """The tests that need Spark, at its lowest version. Java 17 must be there."""
    session.install("-e", f".[{EXTRAS},spark]", "pyspark==4.0.*", *TEST_TOOLS)
    session.run("python", "-m", "pytest", "-k", "spark", *session.posargs)


@nox.session(python="3.12")
def docs(session: nox.Session) -> None:
    """The site, with warnings as errors."""
    session.install("-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
