"""Has connections wait for a second only where they wait for a minute or more.

It is a script of mitmproxy, and a program in place of `falmock`.
"""

from __future__ import annotations

import sys

from falmock.cli.main import main
from falmock.serving import http_session
from falmock.serving import tls_session
from falmock.serving.outgoing import first_request

http_session.HEAD_TIME = first_request.HEAD_TIME = http_session.BODY_PAUSE = tls_session.HANDSHAKE_TIME = 1.0

if __name__ == "__main__":
    sys.exit(main())
