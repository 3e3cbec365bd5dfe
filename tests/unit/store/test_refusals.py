"""What servers say, and what people are told."""

from __future__ import annotations

import pytest
from redis.exceptions import BusyLoadingError
from redis.exceptions import ClusterDownError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import ReadOnlyError
from redis.exceptions import ResponseError

from falmock.store.refusals import refusal


@pytest.mark.parametrize(
    ("error", "told", "elsewhere"),
    [
        (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "is full", False),
        (
            ResponseError("Error running script (call to f_0): @user_script:9: -OOM command not allowed"),
            "is full",
            False,
        ),
        (ReadOnlyError("You can't write against a read only replica."), "read-only replica", True),
        (BusyLoadingError("Redis is loading the dataset in memory"), "still loads", True),
        (ClusterDownError("CLUSTERDOWN The cluster is down"), "cluster that is down", True),
        (ResponseError("NOAUTH Authentication required."), "FALMOCK_STORE_PASSWORD", True),
        (ResponseError("BUSY Redis is busy running a script."), "SCRIPT KILL", False),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), "its disk and its log", False),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "min-replicas-to-write", False),
        (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), "another ?prefix=", False),
        (ResponseError("DENIED Redis is running in protected mode"), "protected mode", False),
        (ResponseError("unknown command 'XADD', with args beginning with: 'x'"), "6.2", False),
        (ResponseError("max number of clients reached"), "maxclients", True),
        (ResponseError("ERR something new\nand more"), "refuses: ERR something new", False),
    ],
)
def test_refusals(error: Exception, told: str, elsewhere: bool) -> None:  # noqa: FBT001 - a column
    reason, new_connection = refusal(error)
    assert told in reason
    assert "\n" not in reason
    assert new_connection is elsewhere
