# Sourced by the other scripts: finds interpreters, makes virtual environments and installs what is missing.
# Everything lands in .venvs/ and tests/clients/node_modules/ of this checkout; a second call does nothing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '\033[1m%s\033[0m\n' "== $*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# The interpreter of a version such as 3.13, on PATH or where pyenv and uv keep theirs; fails when there is none.
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

# The version of the interpreter that a newcomer has: python3, else the newest of those falmock is tested with.
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

# venv VERSION: makes .venvs/VERSION with falmock, the tests' and the linters' packages, unless it is there already.
venv() {
    local dir="$root/.venvs/$1" stamp python
    stamp=$(sed '/^\[tool\./,$d' "$root/pyproject.toml" | cksum)  # how tools are set does not change what is installed
    [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return 0
    python=$(find_python "$1") || die "there is no Python $1"
    say "installing into .venvs/$1 (once)"
    "$python" -m venv --clear "$dir" || die "python$1 -m venv failed (on Debian: apt-get install python3-venv)"
    "$dir/bin/python" -m pip install -qq --upgrade 'pip>=25.1' || die "pip could not be upgraded"
    (cd "$root" && "$dir/bin/python" -m pip install -qq --editable . --group test --group lint) ||
        die "the packages could not be installed"
    printf '%s' "$stamp" >"$dir/stamp"
}

# node_packages: installs the JavaScript clients that the tests drive, unless they are there already.
node_packages() {
    local dir="$root/tests/clients" stamp
    stamp=$(cksum <"$dir/package-lock.json")
    [ "$(cat "$dir/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
    command -v npm >/dev/null || die "the client tests need Node.js 20 or newer with npm"
    say "installing the JavaScript clients (once)"
    (cd "$dir" && npm ci --no-audit --no-fund --loglevel=error) || die "npm ci failed"
    printf '%s' "$stamp" >"$dir/node_modules/.stamp"
}
