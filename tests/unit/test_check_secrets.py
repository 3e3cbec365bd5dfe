"""scripts/check_secrets.py finds planted secrets, and none in the shipped fixtures."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
KEY = "01234567-89ab-cdef-0123-456789abcdef:0123456789abcdef0123456789abcdef"


def check(*paths: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_secrets.py"), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_what_is_shipped_is_clean() -> None:
    result = check()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("no secrets in ")
    assert check(*sorted(ROOT.glob("*.md")), *sorted((ROOT / "addon").rglob("*.md"))).returncode == 0


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (KEY, "fal key"),
        (JWT, "JSON Web Token"),
        (f"Authorization: Key {KEY}", "fal key"),
        ("https://a.test/x.png?X-Amz-Signature=0123456789abcdef", "X-Amz-Signature in a URL"),
        ("https://me:hunter22@a.test/", "user in a URL"),
        ("AKIA" + "IOSFODNN7EXAMPLE", "AWS access key"),
        ("-----BEGIN PRIVATE KEY-----", "private key"),
        ("sk_live_" + "aB3dE5gH7jK9mN1pQ2rS", "Stripe key"),
        ("glpat-" + "aB3dE5gH7jK9mN1pQ2rS", "GitLab token"),
        ("my-photo-AKIA" + "IOSFODNN7EXAMPLE.png", "AWS access key"),
        (f"https://a.test/?u=https%3A%2F%2Fb.test%2F%3Ftoken%3D{JWT}", "u in a URL"),
        (json.dumps({"a": json.dumps({"b": json.dumps({"c": KEY})})}), "fal key"),
        (base64.b64encode(f"the key is {KEY}".encode()).decode(), "encoded secret"),
    ],
)
def test_what_is_planted_is_found(tmp_path: Path, secret: str, kind: str) -> None:
    folder = tmp_path / "fal-ai" / "flux"
    folder.mkdir(parents=True)
    (folder / "cat.json").write_text(json.dumps({"fixtures": [{"n": 1}, {"prompt": f"see {secret}"}]}, indent=1))
    (folder / "clean.json").write_text('{"a": "Key lighting from the left"}')
    (folder / "cat.png").write_bytes(b"\x89PNG\0" + secret.encode())
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(secret)
    result = check(tmp_path)
    assert result.returncode == 1
    assert result.stdout == f"{folder / 'cat.json'}:7: {kind}\n"
    assert "1 found" in result.stderr
    assert secret not in result.stdout + result.stderr


def test_a_secret_name_in_json_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text('\n{"api_key": "planted"}\n{"api_key": "[hidden]"}\n')
    assert check(file).stdout == f"{file}:2: api_key\n"


def test_hidden_secrets_are_none(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({"password": "[hidden]", "u": "https://hidden@a.test/?sig=hidden", "k": "Key ***"}))
    assert check(file).returncode == 0


def test_bad_paths_are_told(tmp_path: Path) -> None:
    result = check(tmp_path / "none", tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"{tmp_path / 'none'}: cannot be read: No such file or directory\n"
