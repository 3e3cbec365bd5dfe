# Sourced by the other scripts: finds interpreters, makes virtual environments and installs missing packages.
# All is installed in .venvs/ and tests/clients/node_modules/ of this checkout; a second call does nothing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
OLDEST_NODE=20.18.1  # the oldest that the JavaScript clients run on: that of undici 7
PROCESSES=2  # processes for each run of tests; the same number on every machine, so that runs are comparable
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
unset PYTHONDONTWRITEBYTECODE  # images set it, and the tests start falmock hundreds of times

say() { printf '\033[1m%s\033[0m\n' "== $*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints the interpreter of a version such as 3.13, from PATH, pyenv or uv; fails if there is none.
find_python() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python \
        "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}/cpython-$1"*/bin/python; do
        if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$1" ]; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the version of python3, or else of the newest supported interpreter.
default_version() {
    local version
    version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
    case $version in
        3.1[1-9]) echo "$version"; return 0 ;;
    esac
    for version in 3.13 3.12 3.11; do
        find_python "$version" >/dev/null && { echo "$version"; return 0; }
    done
    die "falmock needs Python 3.11 or newer, found ${version:-none}"
}

# venv NAME: makes .venvs/NAME with falmock and the packages of tests and linters, unless it is up to date. A NAME such as
# 3.13 gets the locked versions; 3.13-newest, and a Python without a lock, get the newest that resolve.
venv() {
    local dir="$root/.venvs/$1" version=${1%-newest} lock="$root/scripts/locks/$1.txt" stamp
    if [ ! -e "$lock" ]; then
        lock="$root/.venvs/resolved/$1.txt"
        if [ "$version" != "$1" ] || [ ! -e "$lock" ]; then
            resolve "$version" "$lock" --upgrade || return
        fi
    fi
    stamp=$(declared | cat - "$lock" | cksum)
    [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return 0
    say "installing into .venvs/$1 (once)"
    environment "$version" "$dir" "$lock"
    # The build requirements are in the lock too.
    (cd "$root" && "$dir/bin/python" -m pip install -qq --no-deps --no-build-isolation --editable .) ||
        die "falmock could not be installed"
    printf '%s' "$stamp" >"$dir/stamp"
}

# environment VERSION DIR LOCK: makes a virtual environment with the locked packages only.
environment() {
    local python
    python=$(find_python "$1") || die "there is no Python $1"
    "$python" -m venv --clear "$2" || die "python$1 -m venv failed (on Debian: apt-get install python3-venv)"
    # To build a package that comes as source, pip would download the newest setuptools, without a hash.
    sed -n '/^setuptools==/,/[^\\]$/p' "$3" >"$2/setuptools.txt"
    { [ ! -s "$2/setuptools.txt" ] || "$2/bin/python" -m pip install -qq --require-hashes -r "$2/setuptools.txt"; } &&
        "$2/bin/python" -m pip install -qq --require-hashes --no-build-isolation -r "$3" ||
        die "the packages of $3 could not be installed"
}

# program NAME: installs a Python program and its locked packages into .venvs/NAME, separate from the tested packages.
program() {
    local dir="$root/.venvs/$1" lock="$root/scripts/locks/$1.txt" stamp
    stamp=$(cksum <"$lock")
    [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return 0
    environment "$(default_version)" "$dir" "$lock"
    printf '%s' "$stamp" >"$dir/stamp"
}

# Prints the part of pyproject.toml that declares packages, without the settings of tools.
declared() { sed '/^\[tool\./,$d' "$root/pyproject.toml"; }

# resolve VERSION FILE [--upgrade]: writes the packages for this Python to a lock, with the hashes for all platforms. Keeps the
# versions in an existing FILE where possible, unless --upgrade is given.
resolve() {
    local version=$1 file=$2 python work
    shift 2
    python=$(find_python "$(default_version)") || die "there is no Python"
    program uv
    mkdir -p "$(dirname "$file")"
    work=$(mktemp -d)
    { declared; printf '[tool.uv]\nenvironments = ["python_version == '"'%s'"'"]\n' "$version"; } >"$work/pyproject.toml"
    declared | "$python" -c 'import sys, tomllib
print(*tomllib.loads(sys.stdin.read())["build-system"]["requires"], "setuptools", sep="\n")' >"$work/build.in"
    [ ! -e "$file" ] || cp "$file" "$work/lock.txt"
    (cd "$work" && "$root/.venvs/uv/bin/uv" pip compile -q --universal --python "$python" --python-version "$version" --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --group test --group lint "$@" -o lock.txt pyproject.toml build.in \
        >/dev/null) || { rm -r "$work"; die "the packages for Python $version could not be resolved"; }
    # Remove the Python version from the markers: with another Python, pip would silently skip all packages.
    sed -e "s/ ; python_full_version [<=]* '[0-9.*]*' \\\\\$/ \\\\/" -e "s/ ; python_full_version [<=]* '[0-9.*]*' and / ; /" \
        "$work/lock.txt" >"$file"
    rm -r "$work"
}

# resolve_program NAME FILE [--upgrade]: the same for a program of its own and every supported Python.
resolve_program() {
    local name=$1 file=$2 work
    shift 2
    program uv
    work=$(mktemp -d)
    echo "$name" >"$work/program.in"
    : >"$work/uv.toml" # so that none of a parent folder counts
    [ ! -e "$file" ] || cp "$file" "$work/lock.txt"
    (cd "$work" && "$root/.venvs/uv/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url "$@" -o lock.txt program.in >/dev/null) || { rm -r "$work"; die "$name could not be resolved"; }
    cp "$work/lock.txt" "$file"
    rm -r "$work"
}

# changed OLD NEW: prints which versions differ between two locks; OLD may be missing.
changed() {
    local versions='s/^\([^ ]*==[^ ]*\).*/\1/p' lines
    lines=$(diff <(sed -n "$versions" "$1" 2>/dev/null) <(sed -n "$versions" "$2") | sed -n 's/^[<>]/ &/p') || true
    echo "${lines:-  nothing has changed}"
}

# node_packages: installs the JavaScript clients, test runners and runtimes for the tests, unless they are up to date.
node_packages() {
    node_project "$root/tests/clients" --omit=optional
    node_project "$root/tests/clients/npm" # what is compiled in the runners is optional: there is one package for each platform
    node_project "$root/tests/clients/runtimes" # the runtimes are optional: they are for Linux on x64 alone
}

# node_project DIR [ARGS]: installs the packages of a package-lock.json, unless they are up to date.
node_project() {
    local dir=$1 stamp found
    shift
    stamp=$(cksum <"$dir/package-lock.json")
    [ "$(cat "$dir/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
    command -v npm >/dev/null || die "the client tests need Node.js $OLDEST_NODE or newer with npm"
    found=$(node -p process.versions.node) || die "node does not start"
    printf '%s\n' "$OLDEST_NODE" "$found" | sort -CV || die "the client tests need Node.js $OLDEST_NODE or newer, found $found"
    say "installing into ${dir#"$root/"}/node_modules (once)"
    (cd "$dir" && npm ci --ignore-scripts "$@" --no-audit --no-fund --loglevel=error) || die "npm ci failed"
    printf '%s' "$stamp" >"$dir/node_modules/.stamp"
}

# The lines that each test runs go to $COVERAGE_FILE. COVERAGE_CORE must be ctrace: sysmon, the default of Python 3.14, has no contexts.
coverage=(--cov=falmock --cov-context=test --cov-report=)
timed=(tests/unit/test_growth.py tests/unit/test_growth_of_functions.py)
# unit_tests PYTHON [ARGS]: runs the unit tests, except for those that measure time.
unit_tests() {
    local python=$1
    shift
    "$python" -m pytest -q -p no:cacheprovider -n "$PROCESSES" "${timed[@]/#/--ignore=}" "$@" tests/unit
}
# timed_tests PYTHON: runs the unit tests that measure CPU time. Not with coverage, which slows them down.
timed_tests() {
    "$1" -m pytest -q -p no:cacheprovider -n "$PROCESSES" "${timed[@]}"
}
