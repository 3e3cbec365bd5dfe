"""Prints which of the hosts a Python program connects to that trusts a CA: trusts.py CA PORT HOST..., all at loopback."""

from __future__ import annotations

import socket
import ssl
import sys


def main(ca: str, port: str, *hosts: str) -> None:
    """Connect to each. As later Pythons do, the certificates must be strictly what RFC 5280 asks for."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for host in hosts:
        try:
            with socket.create_connection(("127.0.0.1", int(port))) as line:
                context.wrap_socket(line, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            print(f"{host}: {error}", file=sys.stderr)
        else:
            print(host)


main(*sys.argv[1:])
