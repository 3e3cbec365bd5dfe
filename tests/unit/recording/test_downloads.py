from __future__ import annotations

from pathlib import Path

import pytest

from falmock.fixtures.disk.loader import FixtureLoader
from falmock.recording.disk.writer import Writer
from falmock.recording.outcome import Link
from falmock.recording.outcome import Save
from unit.recording.exchanges import CAT
from unit.recording.exchanges import PNG
from unit.recording.exchanges import ObservedTraffic
from unit.recording.exchanges import sha256

FOREIGN = "https://storage.googleapis.com/me/out.png?X-Goog-Signature=0123456789abcdef0123456789abcdef"
IMAGE = {"content-type": "image/png"}


def named(observed: ObservedTraffic, *urls: str) -> None:
    observed.run("a/b", {"n": len(urls)}, {"images": [{"url": url} for url in urls]})


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (FOREIGN, FOREIGN),
        ("https://Out.Example.com/cat.png#top", "https://out.example.com/cat.png"),
        ("http://out.example.com/cat.png", "https://out.example.com/cat.png"),
        ("https://out.example.com/a cat.png".replace(" ", "%20"), "https://out.example.com/a%20cat.png"),
        ("https://out.example.com/猫.png", "https://out.example.com/%E7%8C%AB.png"),
        ("https://me.workers.dev/x?id=1", "https://me.workers.dev/x?id=1"),
    ],
)
def test_a_file_elsewhere_is_taken_if_an_answer_names_it(
    observed: ObservedTraffic, tmp_path: Path, url: str, asked: str
) -> None:
    assert not observed.recorder.expects("GET", asked)
    named(observed, url)
    assert observed.recorder.expects("GET", asked)
    assert not observed.recorder.expects("POST", asked)
    assert not observed.recorder.expects("GET", asked.replace(".com/", ".com/x").replace(".dev/", ".dev/x"))
    other = f"{asked}{'&' if '?' in asked else '?'}other=1"
    assert observed.recorder.expects("GET", other) is ("Signature" in asked)  # which does not say which file it is
    observed.download(asked, PNG)
    assert [link.content.sha256 for link in observed.links] == [sha256(PNG)]
    (image,) = written(observed, tmp_path)
    assert image["url"]["$file"] == f"sha256:{sha256(PNG)}"
    assert "Signature" not in (tmp_path / "a/b").glob("*.json").__next__().read_text()


def write_all(writer: Writer, outcomes: list[Save | Link]) -> None:
    """Write these outcomes together."""
    assert not [result for result in writer.write(outcomes) if isinstance(result, Exception)]


def written(observed: ObservedTraffic, folder: Path) -> list[dict[str, dict[str, str]]]:
    """The images of the only recorded run, after its outcomes were written; the files must load."""
    writer = Writer(str(folder))
    write_all(writer, [outcome for outcome in observed.observed if isinstance(outcome, Save | Link)])
    loaded = FixtureLoader([str(folder)]).load()
    (fixture,) = loaded.index.fixtures
    (path,) = folder.glob("a/b/*.json")
    now = writer.folder.read(path)
    assert now is not None
    assert fixture.label
    images: list[dict[str, dict[str, str]]] = now["fixtures"][0]["response"]["json"]["images"]
    return images


def test_elsewhere_another_query_is_another_file(observed: ObservedTraffic, tmp_path: Path) -> None:
    one, two, three = (f"https://out.example.com/file{query}" for query in ("", "?id=1", "?id=2"))
    named(observed, one, two, three)
    observed.download(two, PNG)
    observed.download(one, b"one")
    assert [image["url"] for image in written(observed, tmp_path)] == [
        {"$file": f"sha256:{sha256(b'one')}"},
        {"$file": f"sha256:{sha256(PNG)}"},
        three,
    ]


def test_a_chain_with_a_file_elsewhere_matches_by_its_content(observed: ObservedTraffic, tmp_path: Path) -> None:
    named(observed, "https://out.example.com/file?id=1")
    observed.run("a/c", {"image_url": "https://out.example.com/file?id=1"}, {"done": True})
    observed.download("https://out.example.com/file?id=1", PNG)
    writer = Writer(str(tmp_path))
    write_all(writer, [outcome for outcome in observed.observed if isinstance(outcome, Save | Link)])
    (path,) = tmp_path.glob("a/c/*.json")
    now = writer.folder.read(path)
    assert now is not None
    assert now["fixtures"][0]["match"]["input"]["image_url"]["$file"] == f"sha256:{sha256(PNG)}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_cdn_is_followed(observed: ObservedTraffic, status: int) -> None:
    named(observed, CAT)
    observed.observe(f"GET {CAT}", None, None, status, headers={"location": FOREIGN})
    observed.observe(f"GET {FOREIGN}", None, None, 302, headers={"location": "../next.png"})
    observed.download("https://storage.googleapis.com/next.png", PNG)
    (link,) = observed.links
    assert (link.url, link.content.sha256) == (CAT, sha256(PNG))
    assert observed.tally.self_answered == {"redirects of downloads": 2}


def test_a_redirect_of_a_file_that_no_answer_names_is_recorded_at_its_first_address(observed: ObservedTraffic) -> None:
    observed.observe(f"GET {CAT}", None, None, 302, headers={"location": FOREIGN})
    observed.download(FOREIGN, PNG)
    assert observed.entry["match"]["host"] == "v3b.fal.media"
    assert observed.entry["response"] == {"file": f"sha256:{sha256(PNG)}"}


def test_a_redirect_of_a_file_elsewhere_is_followed(observed: ObservedTraffic) -> None:
    named(observed, "https://me.workers.dev/cat")
    observed.observe("GET https://me.workers.dev/cat", None, None, 302, headers={"location": "https://x.example/y?z"})
    observed.download("https://x.example/y?z", PNG)
    (link,) = observed.links
    assert link.url == "https://me.workers.dev/cat"


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (404, {}, "it was answered 404"),
        (500, {}, "it was answered 500"),
        (302, {}, "it was answered 302"),
        (302, {"location": "ftp://x/y"}, "it was answered 302"),
    ],
)
def test_a_file_elsewhere_that_does_not_come_is_told(
    observed: ObservedTraffic, status: int, headers: dict[str, str], why: str
) -> None:
    named(observed, "https://me.workers.dev/cat")
    observed.observe("GET https://me.workers.dev/cat", None, None, status, headers=headers)
    name = "GET https://me.workers.dev/cat, a file,"
    if status < 400:
        what = "redirects of downloads" if headers else "downloads"
        assert observed.tally.self_answered == {what: 1}
    else:
        assert observed.warnings == [f"{name} is not recorded: {why}"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 206)])
def test_parts_of_a_file_are_answered_from_the_whole(observed: ObservedTraffic, method: str, status: int) -> None:
    observed.observe(f"{method} {CAT}", None, None, status)
    assert len(observed.warnings) == 1
    named(observed, CAT)
    observed.observe(f"{method} {CAT}", None, None, status)
    assert len(observed.warnings) == 1
    assert observed.tally.self_answered == {"downloads": 1}


def test_a_file_that_is_gone_is_recorded_as_gone(observed: ObservedTraffic) -> None:
    named(observed, CAT)
    observed.observe(f"GET {CAT}", None, {"detail": "Not Found"}, 404)
    assert observed.entries[-1]["response"] == {"status": 404, "json": {"detail": "Not Found"}}


def test_urls_of_fals_own_hosts_are_no_files_elsewhere(observed: ObservedTraffic) -> None:
    url = "https://queue.fal.run/a/b/requests/1/status"
    named(observed, url, "https://", "https://[", "ftp://x/y", "https://a b/c", "https://x/" + "y" * 5000)
    assert not observed.recorder.expects("GET", url)
    assert not observed.recorder.expects("GET", "https://x/" + "y" * 5000)
