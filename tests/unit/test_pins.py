"""What CI and the scripts install has one version, and a hash of its files: anything else is found in their text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "scripts" / "locks").iterdir())
FILES = sorted(
    path for path in (ROOT / ".ci" / "run", *(ROOT / "scripts").iterdir()) if path.is_file() and path.suffix != ".md"
)
RULES = (
    # What installs or runs something from elsewhere, and what makes it a pinned one.
    (r"\bpip3?\b\W+install\b", r"--require-hashes\b.* -r |--no-deps --no-build-isolation"),
    (r"\bpip compile\b", r"--generate-hashes"),
    (r"\bnpm (ci|clean-install)\b", r"--ignore-scripts\b"),
    (r"\b(uv|pip) sync\b|\buv (add|run|tool|venv|pip install)\b|\b(uvx|pipx|easy_install|conda|poetry)\b", None),
    (r"\bnpm (i|install|add|exec|x|update)\b|\b(npx|yarn|pnpm|bunx|corepack)\b", None),
    (r"\bplaywright(-core)?\W+install\b|\b(go|cargo|gem|brew|snap) install\b", None),
    (r"\b(curl|wget)\b.*(\||\bhttps?:)", None),
    (r"\bgit\W+(clone|pull|submodule)\b|\bdocker (pull|run|build)\b", None),
    # A distribution keeps only its newest versions: it is recorded which they were.
    (r"\bapt(-get)? .*\binstall\b", r"\bdpkg-query -W\b"),
)
EXCEPTIONS = {
    # What users get when they install a release is what it is tested with.
    ("release", '"$work/venv/bin/python" -m pip install -qq "$built" || die'),
}
_TEXT = re.compile(r"\b(die|say|echo|printf) (\"[^\"]*\"|'[^']*')")


def unpinned(text: str) -> list[str]:
    """The commands in a script that install what is not pinned."""
    lines = [_TEXT.sub(r"\1", line.strip()) for line in text.replace("\\\n", " ").splitlines()]
    commands = [line for line in lines if not line.startswith("#")]
    found = []
    for at, line in enumerate(commands):
        context = " ".join(commands[at : at + 2]) if "apt" in line else line
        if any(re.search(installs, line) and not (pins and re.search(pins, context)) for installs, pins in RULES):
            found.append(line)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_installed_is_pinned(file: Path) -> None:
    assert [line for line in unpinned(file.read_text("utf-8")) if (file.name, line) not in EXCEPTIONS] == []


def test_there_is_something_to_find_and_every_exception_is_needed() -> None:
    texts = {file.name: file.read_text("utf-8") for file in FILES}
    assert "--require-hashes" in texts["setup.sh"]
    assert "apt-get install" in texts["run"]
    assert {(name, line) for name, text in texts.items() for line in unpinned(text)} == EXCEPTIONS


@pytest.mark.parametrize(
    "command",
    [
        "pip install hatchling",
        "pip3 install --upgrade pip",
        "pip install -r requirements.txt",
        "pip install twine==7.0.0",
        '"$dir/bin/python" -m pip install -qq "$1==$2"',
        'subprocess.run([sys.executable, "-m", "pip", "install", "build"])',
        "pip install \\\n    uv",
        "uv pip install -r lock.txt",
        "uv pip compile -o lock.txt pyproject.toml",
        "uvx ruff",
        "npm install",
        "npm ci",
        "npx playwright install chromium",
        "curl -LsSf https://astral.sh/uv/install.sh | sh",
        "wget -qO- https://a.test/x | bash",
        "curl -o tool https://a.test/tool",
        "git clone https://a.test/x",
        "apt-get install -y chromium",
        "[ -e x ] || die 'none' && pip install x",
    ],
)
def test_what_is_not_is_found(command: str) -> None:
    assert unpinned(f"set -e\n{command}\ntrue\n") != []


@pytest.mark.parametrize(
    "command",
    [
        "pip install --require-hashes -r lock.txt",
        "npm ci --ignore-scripts",
        "# pip install x",
        'die "it needs x: pip install x"',
        "need curl curl",
        "apt-get install -y chromium\ndpkg-query -W chromium",
    ],
)
def test_what_is_pinned_passes(command: str) -> None:
    assert unpinned(command) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_each_package_of_a_lock_has_one_version_and_hashes(lock: Path) -> None:
    requirements = lock.read_text("utf-8").replace("\\\n", "").splitlines()
    assert requirements
    for line in requirements:
        assert re.match(r"[a-z0-9-]+==\S+ ", line), line
        assert " --hash=sha256:" in line, line


@pytest.mark.parametrize(
    "lock", [lock for lock in LOCKS if lock.name.startswith("3.")], ids=lambda lock: str(lock.name)
)
def test_what_builds_packages_from_source_is_locked(lock: Path) -> None:
    assert re.search(r"^setuptools==", lock.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("folder", "project"), [("", "falmock-client-tests"), ("npm", "falmock-npm-tests")])
def test_each_javascript_package_has_one_version_and_a_hash(folder: str, project: str) -> None:
    packages = json.loads((ROOT / "tests" / "clients" / folder / "package-lock.json").read_text("utf-8"))["packages"]
    assert packages.pop("")["name"] == project
    for name, package in packages.items():
        assert package["version"], name
        assert package["integrity"].startswith("sha512-"), name
