"""Secrets are taken out, and nothing else is."""

from __future__ import annotations

import base64
import json
import time

import pytest

from jupyter_autocoder.llm.redaction import redact, redact_error, redact_value

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nqzv3\n-----END RSA PRIVATE KEY-----"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("key = sk-proj-abcDEF0123456789abcDEF0123456789", "abcDEF0123"),
        ("sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAA"),
        ("sk_live_abcdefghijklmnopqrst", "abcdefghij"),
        ("aws AKIAIOSFODNN7EXAMPLE here", "IOSFODNN7"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefgh"),
        ("github_pat_11ABCDEFG0abcdefghijkl_mnop", "11ABCDEFG"),
        ("glpat-abcdefghij0123456789", "abcdefghij"),
        ("xoxb-1234567890-abcdefghij", "abcdefghij"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "1234567890"),
        ("hf_abcdefghijklmnopqrstuvwxyzABCDEFGH", "abcdefghij"),
        (f"token: {JWT}", "dozjgNryP4J3"),
        (PEM, "MIIEpAIB"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEpAIB cut off", "MIIEpAIB"),
        ("postgresql://me:hunter2secret@db.example.org/x", "hunter2secret"),
        ("mongodb+srv://me:p%40ss@cluster0.example.org", "p%40ss"),
        ("redis://:s3cretpass@localhost:6379", "s3cretpass"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("curl -H 'api-key: 0123456789abcdef'", "0123456789abcdef"),
        ('password = "correct horse battery"', "correct horse"),
        ("DB_PASSWORD=hunter2hunter2", "hunter2"),
        ('"secret_key": "abcd1234"', "abcd1234"),
        ("AccountKey=abcdefgh12345678==;", "abcdefgh"),
        (f"data:image/png;base64,{PNG}", PNG[20:60]),
        (json.dumps({"image/png": PNG}), PNG[20:60]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_secret_is_taken_out(text: str, secret: str) -> None:
    clean = redact(f"before {text} after")

    assert secret in text
    assert secret not in clean
    assert "removed]" in clean
    assert clean.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plot the closing price of ABC by month, please.",
        "df.groupby('symbol')['close'].mean()",
        "sk-learn and scikit-learn are names; ask-me-anything-about-it too",
        "the password is checked by the server",
        "password = getpass.getpass()",
        "api_key = os.environ['OPENAI_API_KEY']",
        "tokens: 1200, secrets: none",
        "https://example.org/a:b/c@d",
        "see http://localhost:8888/lab?x=1 or mail me@example.org",
        "git commit 9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "key: value",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "Bearer in mind",
    ],
    ids=lambda value: value[:30],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["my own odd secret!", "päss/wörd+1", "short7"])
def test_known_secret_is_found_in_every_form(secret: str) -> None:
    from urllib.parse import quote

    forms = [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()]

    clean = redact(" | ".join(forms), [secret])

    assert not [form for form in forms if form in clean]


def test_known_secret_of_a_few_letters_is_not_searched_for() -> None:
    assert redact("abc of abacus", ["abc", ""]) == "abc of abacus"


def test_secrets_inside_plain_data_are_found_and_the_rest_keeps_its_type() -> None:
    data = {"a": ["ghp_abcdefghijklmnopqrstuvwxyz", 7, None, ("x", True)], "b": 1.5}

    assert redact_value(data) == {"a": ["[GitHub token removed]", 7, None, ("x", True)], "b": 1.5}


def test_error_is_one_short_line_without_secrets() -> None:
    line = redact_error(ValueError("first\nsecond sk-proj-abcDEF0123456789abcDEF " + "x" * 1000))

    assert "\n" not in line
    assert "abcDEF" not in line
    assert len(line) <= 500


@pytest.mark.parametrize(
    "text",
    ["sk-" + "a-" * 50_000, "a://" * 30_000, "password" * 20_000, "eyJ" + "a." * 50_000, "-----BEGIN " * 10_000,
     "x" * 300_000, "data:image/png;base64," + "A" * 300_000, "/9j/4" * 50_000, "Bearer " * 30_000, "secret=" * 30_000,
     "api-key:" * 30_000, "_" * 200_000, "a-" * 100_000],
    ids=lambda value: value[:12],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    began = time.process_time()

    redact(text)

    assert time.process_time() - began < 1.5
