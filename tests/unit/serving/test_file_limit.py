"""The limit of open files."""

from __future__ import annotations

import resource

import pytest

from falmock.serving import file_limit


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        file_limit.raise_file_limit()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft > 256
        assert hard == before[1]
        file_limit.raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_system_that_refuses_so_many_files_is_asked_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def as_macos_does(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits[0])
        if limits[0] > 10240:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", as_macos_does)
    file_limit.raise_file_limit()
    assert asked == [65536, 10240]
