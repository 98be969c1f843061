import io
import json
import logging
import subprocess
import sys

import pytest

from cramprisk.cli import main
from cramprisk.errors import InputError
from cramprisk.service.command import settings_of
from cramprisk.service.logs import JsonFormatter
from cramprisk.service.settings import Issuer, Settings

TOKENS = ["--jwt-issuer", "https://ehr", "--jwks-url", "https://ehr/keys", "--audience", "https://cds.example.org"]


def test_without_options_it_is_for_this_machine_and_with_the_page():
    settings = settings_of([])

    assert (settings.host, settings.page, settings.issuers) == ("127.0.0.1", True, ())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "ehr.example.org", ""])
def test_beyond_this_machine_it_does_not_start_without_tokens(host):
    with pytest.raises(InputError, match="--jwt-issuer"):
        settings_of(["--host", host])


def test_beyond_this_machine_it_starts_with_tokens_or_when_told_so():
    assert settings_of(["--host", "0.0.0.0", *TOKENS]).audience == "https://cds.example.org"
    assert settings_of(["--host", "0.0.0.0", "--allow-unauthenticated"]).allow_unauthenticated


def test_beside_tokens_the_page_is_served_only_when_asked_for():
    assert not settings_of(TOKENS).page
    assert settings_of([*TOKENS, "--page"]).page
    assert not settings_of(["--no-page"]).page


def test_keys_belong_to_the_issuer_before_them():
    more = ["--jwks-file", "a.json", "--jwt-issuer", "https://other", "--jwks-file", "b.json"]

    assert settings_of([*TOKENS, *more]).issuers == (
        Issuer("https://ehr", ("https://ehr/keys",), ("a.json",)),
        Issuer("https://other", (), ("b.json",)),
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--jwks-url", "https://ehr/keys"],
        ["--jwt-issuer", "https://ehr", "--audience", "https://cds.example.org"],
        ["--jwt-issuer", "https://ehr", "--jwks-url", "https://ehr/keys"],
        ["--jwt-issuer", "https://ehr", "--jwks-url", "http://ehr/keys", "--audience", "https://cds.example.org"],
        ["--jwt-issuer", "https://ehr", "--jwks-url", "file:///etc/keys", "--audience", "https://cds.example.org"],
        ["--audience", "https://cds.example.org"],
        [*TOKENS[:-1], "cds.example.org"],
        ["--cors-origin", "*"],
        ["--cors-origin", "https://ehr.example.org/"],
        ["--cors-origin", "null"],
        ["--tls-cert", "cert.pem"],
        ["--source-url", "javascript:alert(1)"],
        ["--workers", "0"],
        ["--port", "70000"],
        ["--max-body-bytes", "0"],
        ["--time-limit", "0"],
    ],
)
def test_options_that_do_not_go_together_are_refused(options):
    with pytest.raises(InputError, match="--"):
        settings_of(options)


def test_settings_reach_a_worker_as_they_are():
    settings = settings_of([*TOKENS, "--cors-origin", "https://a.example", "--port", "9000", "--page"])

    assert Settings.from_json(settings.to_json()) == settings


@pytest.mark.parametrize(("arguments", "code"), [(["--host", "0.0.0.0"], 4), (["--no-such"], 2), (["--help"], 0)])
def test_the_command_line_says_what_is_wrong_without_a_traceback(arguments, code, capsys):
    assert main(["serve", *arguments]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_help_names_the_command(capsys):
    main(["--help"])

    assert "serve" in capsys.readouterr().out


def test_a_check_loads_nothing_of_the_service():
    code = "import sys; from cramprisk.cli import main; main(['check', 'Lasix']); print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {
        name for name in done.stdout.split() if name.startswith(("cramprisk.service", "starlette", "uvicorn", "jwt", "asyncio"))
    }


def test_a_log_line_is_json_without_messages_of_others():
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "Task failed\nfuture: KeyError('Mrs Secret')", (), None)
    try:
        {}["Mrs Secret"]
    except KeyError:
        record.exc_info = sys.exc_info()
    handler.emit(record)
    line = json.loads(out.getvalue())

    assert (line["event"], line["error"], line["level"]) == ("Task failed", "KeyError", "error")
    assert "Secret" not in out.getvalue()
