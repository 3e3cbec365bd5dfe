"""Lists the packages that falmock runs with, in this interpreter's environment, as a table in Markdown with their licences.

licences.py [PACKAGE]    another package than falmock, such as pytest-falmock

Exit status: 1 if a licence is unknown or not permissive, and nobody has looked at it (`REVIEWED`).
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution
from importlib.metadata import PackageNotFoundError
from importlib.metadata import distribution
from pathlib import Path

MIT = Path(__file__).resolve().parents[1] / "LICENSE"
"""falmock's own licence."""
TITLE = """\
# Third-party notices

The wheel and the sdist of falmock contain its own code and fixtures (MIT), and one file of others: the inspector's page has preact
(MIT) and htm (Apache-2.0) in `falmock/gateway/inspector/static/vendor`, with their licences.
The packages that are installed with falmock come from their authors, under their licences:

| package | version | licence |
|---|---|---|"""
PERMISSIVE = frozenset(
    {
        "0BSD",
        "Apache License, Version 2.0",
        "Apache Software License",
        "Apache-2.0",
        "BSD",
        "BSD License",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT License",
        "MIT-0",
        "PSF-2.0",
        "Python Software Foundation License",
    }
)
"""The names of permissive licences: those of SPDX, and what packages without an SPDX expression say."""
_LGPL = "GNU Library or Lesser General Public License (LGPL)"
_MPL = "Mozilla Public License 2.0 (MPL 2.0)"
REVIEWED = {
    "certifi": {_MPL, "MPL-2.0"},
    "ldap3": {"GNU Lesser General Public License v3 (LGPLv3)"},
    "publicsuffix2": {f"MIT License, {_MPL}"},
    "regex": {"Apache-2.0 AND CNRI-Python"},
    "urwid": {_LGPL, "LGPL-2.1-only", "LGPL-2.1-or-later"},
}
"""Packages with licences that ask nothing of whoever only uses the package. falmock ships none of them."""
_REQUIREMENT = re.compile(r"\s*(?P<name>[A-Za-z0-9._-]+)\s*(?:\[(?P<extras>[^\]]*)\])?[^;]*(?:;(?P<marker>.*))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)")


def main(runs: str = "falmock") -> int:
    packages = run_dependencies(runs, ["zstd"])
    print(TITLE)
    problems = []
    for name, package in sorted(packages.items()):
        found = licence(package)
        print(f"| {package.metadata['Name']} | {package.version} | {found} |")
        if not is_permissive(found) and found not in REVIEWED.get(name, ()):
            problems.append(f"{name} {package.version}: expected a permissive licence, found {found or 'none'}")
    for problem in problems:
        print(f"{problem}. Look at it, then add it to REVIEWED in scripts/licences.py, or do without", file=sys.stderr)
    return 1 if problems else 0


def run_dependencies(name: str, extras: list[str]) -> dict[str, Distribution]:
    """All packages that the package `name` with these extras needs, by normalized name; not itself.

    A requirement for another platform or Python is not installed, and does not count. Raises PackageNotFoundError for any other.
    """
    found: dict[str, Distribution] = {}
    open_ = [(name, frozenset(extras))]
    seen = set(open_)
    while open_:
        package, wanted = open_.pop()
        for line in distribution(package).requires or []:
            requirement = _REQUIREMENT.fullmatch(line)
            if requirement is None:
                raise ValueError(f"{package}: expected a requirement, found {line!r}")
            marker = requirement["marker"] or ""
            if (extra := _EXTRA.search(marker)) and normalized(extra[1]) not in wanted:
                continue
            needed = normalized(requirement["name"])
            try:
                found[needed] = distribution(needed)
            except PackageNotFoundError:
                if not marker:
                    raise
                continue
            step = (
                needed,
                frozenset(normalized(each) for each in (requirement["extras"] or "").split(",") if each.strip()),
            )
            if step not in seen:
                seen.add(step)
                open_.append(step)
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def licence(package: Distribution) -> str:
    """The licence of a package, "" if it is not known.

    It is the expression in the metadata, else the classifiers, else the first line of the text there, else what its files are.
    """
    metadata = package.metadata
    classified = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or [] if "License ::" in line]
    text = str(metadata.get("License") or "").strip().partition("\n")[0]
    names = metadata.get_all("License-File") or []
    files = [title(package.read_text(f"licenses/{name}") or package.read_text(name) or "") for name in names]
    return str(metadata.get("License-Expression") or "") or ", ".join(classified) or text or ", ".join(files)


def title(text: str) -> str:
    """The name of the licence with this text, if it is MIT; else its first line, in quotes: more may follow than that says."""
    return "MIT" if terms(text) == terms(MIT.read_text("utf-8")) else repr(text.strip().partition("\n")[0])


def terms(text: str) -> list[str]:
    """The words of a licence, without its title and copyright."""
    lines = [line.strip() for line in text.splitlines()]
    return " ".join(line for line in lines if not re.match(r"(The )?MIT License|Copyright \(c\)", line)).split()


def is_permissive(licence: str) -> bool:
    """Whether all licences in an expression or list are permissive, or all of one alternative."""
    # In an expression with parentheses every name counts, whatever it is combined with.
    alternatives = [licence] if "(" in licence else licence.split(" OR ")
    return any(
        all(name in PERMISSIVE for name in re.split(r" AND | OR |, |[()]", each) if name)
        for each in alternatives
        if each
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
