"""Compressed WebSocket messages (RFC 7692), inflated only up to a limit: 64 KiB may be 64 MiB.

wsproto inflates whatever comes. mitmproxy uses wsproto too, for the sockets of all hosts.
"""

from __future__ import annotations

import zlib

from wsproto import extensions
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason
from wsproto.frame_protocol import FrameDecoder
from wsproto.frame_protocol import FrameProtocol

MAX_MESSAGE = 64 * 1024 * 1024
"""A message longer than this (bytes) closes the socket with the code TOO_BIG."""
TOO_BIG = 1009
"""A close code of RFC 6455, section 7.4.1."""


class BoundedDeflate(PerMessageDeflate):
    """The extension `permessage-deflate` with a limit for each message."""

    _size = 0
    """How many bytes of the current message are inflated."""

    def frame_inbound_payload_data(self, proto: FrameDecoder | FrameProtocol, data: bytes) -> bytes | CloseReason:
        """The content of bytes of a frame, or why the socket must be closed."""
        if not self._inbound_compressed or not self._inbound_is_compressible or self._decompressor is None:
            return super().frame_inbound_payload_data(proto, data)
        try:
            content: bytes = self._decompressor.decompress(bytes(data), MAX_MESSAGE - self._size + 1)
        except zlib.error:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._size += len(content)
        return CloseReason.MESSAGE_TOO_BIG if self._size > MAX_MESSAGE else content

    def frame_inbound_complete(self, proto: FrameDecoder | FrameProtocol, fin: bool) -> bytes | CloseReason | None:  # noqa: FBT001
        """The rest of the content of a frame; the last frame ends the message."""
        if fin and self._inbound_is_compressible:  # not a ping between two frames
            self._size = 0
        return super().frame_inbound_complete(proto, fin)


def install() -> None:
    """Have mitmproxy's WebSockets use the limit too."""
    extensions.PerMessageDeflate = BoundedDeflate  # type: ignore[misc]


def uninstall() -> None:
    """Undo `install`, for sockets that open from now on."""
    extensions.PerMessageDeflate = PerMessageDeflate  # type: ignore[misc]
