"""`falmock ca`: where falmock's own CA is."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from falmock.cli import settings
from falmock.serving.ca import CERTIFICATE
from falmock.serving.own_ca import folder as own_ca
from falmock.wire.hosts import BadHost
from falmock.wire.hosts import Hosts
from falmock.wire.hosts import parse_extra

BAD_USAGE = 2
FAILED = 1
_EXAMPLES = """\
examples:
  SSL_CERT_FILE=$(falmock ca path) python app.py
  docker run -v "$(falmock ca path):/falmock-ca.pem:ro" -e NODE_EXTRA_CA_CERTS=/falmock-ca.pem ... IMAGE
  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n falmock -i "$(falmock ca path)"      # Chromium on Linux

exit codes: 0 printed, 1 there is no CA and none can be made, 2 bad arguments
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the arguments of `falmock ca`."""
    made = argparse.ArgumentParser(
        "falmock ca",
        description=(
            "Prints the path of the certificate of falmock's own CA, which is made if it is missing. It can sign for fal's hosts and "
            "those of --hosts, and no others. It is kept below ~/.falmock ($FALMOCK_HOME), and used by falmock serve, unless that "
            "has a --confdir."
        ),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("action", choices=["path"], help="print the path")
    made.add_argument(
        "--hosts",
        "--fal-hosts",
        action="append",
        default=[],
        metavar="VALUE",
        help="a further host, as falmock serve --hosts has it; repeatable. Other hosts have another CA",
    )
    return made


def main(words: Sequence[str]) -> int:
    """Print what is asked for; returns the exit code."""
    arguments = settings.parse(parser(), words)
    try:
        folder = own_ca.ensure(Hosts(parse_extra(arguments.hosts)).names, time.time())
    except BadHost as error:
        print(f"falmock: --hosts: {error}", file=sys.stderr)  # noqa: T201
        return BAD_USAGE
    except own_ca.NoCa as error:
        print(f"falmock: {error}", file=sys.stderr)  # noqa: T201
        return FAILED
    print(folder / CERTIFICATE)  # noqa: T201
    return 0
