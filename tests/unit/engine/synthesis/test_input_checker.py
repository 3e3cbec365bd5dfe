from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from falmock.engine.config import Validate
from falmock.engine.synthesis.input_checker import InputChecker
from falmock.engine.synthesis.input_checker import failing
from falmock.synthesis.media.files import content_of
from falmock.synthesis.media.recipe import Recipe
from falmock.wire.message import Content
from falmock.wire.storage import content_url
from falmock.wire.storage import digest
from unit.engine.calls import Client
from unit.engine.calls import header
from unit.engine.calls import index_of
from unit.engine.calls import read
from unit.engine.synthesis.modelled import BAD
from unit.engine.synthesis.modelled import BOTH
from unit.engine.synthesis.modelled import DOCUMENT
from unit.engine.synthesis.modelled import MODEL
from unit.engine.synthesis.modelled import RECORDED
from unit.engine.synthesis.modelled import WRITTEN
from unit.engine.synthesis.modelled import Modelled
from unit.engine.synthesis.modelled import refusals
from unit.engine.synthesis.modelled import synthesizing
from unit.engine.synthesis.modelled import warning


def test_an_input_that_fal_would_refuse_is_warned_of() -> None:
    client = Modelled(WRITTEN)
    reply = client.run(MODEL, BAD)
    assert read(reply) == {"written": True}
    expected = f"fal would refuse this input of {MODEL}: prompt"
    assert warning(reply).startswith(expected)
    assert "num_images is 6" in warning(reply)
    assert "promt" in warning(reply)
    assert header(reply, "x-falmock-warning").startswith(quote(expected, safe=" :/"))
    assert client.engine.scope.journal.entries[-1].warning == warning(reply)
    assert warning(client.submit(MODEL, BAD)) == warning(reply)
    assert warning(client.run(MODEL, {"prompt": "a cat"})) == ""


def test_unknown_keys_pass_with_a_hint() -> None:
    reply = Modelled(WRITTEN, validate=Validate.ON).run(
        MODEL, {"prompt": "a", "sed": 1, **{f"x{n}": n for n in range(9)}}
    )
    assert read(reply) == {"written": True}
    assert warning(reply).startswith(f"{MODEL} ignores sed")
    assert "seed" in warning(reply)
    assert warning(reply).endswith("and 5 more")


def test_it_is_refused_if_asked_for() -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    reply = client.run(MODEL, BAD)
    assert refusals(reply) == BOTH
    assert reply.fixture == "test.json#0"
    assert header(reply, "x-fal-billable-units") == "0"
    job = client.job(MODEL, BAD)
    assert client.status(job)["status"] == "COMPLETED"
    assert refusals(client.send("GET", job)) == BOTH
    streamed = client.send("POST", f"https://fal.run/{MODEL}/stream", BAD)
    assert refusals(streamed) == BOTH
    assert read(client.run(MODEL, {"prompt": "a"})) == {"written": True}


def test_a_body_is_missing_where_fal_reads_one() -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    assert refusals(client.send("POST", f"https://fal.run/{MODEL}")) == [("missing", ["body"])]
    assert refusals(client.run(MODEL, {})) == [("missing", ["body", "prompt"])]


def test_what_was_recorded_is_never_refused() -> None:
    client = Modelled(RECORDED, validate=Validate.ON)
    reply = client.run(MODEL, {"prompt": 5})
    assert (read(reply), warning(reply)) == ({"recorded": True}, "")


def test_nothing_is_checked_if_so_asked() -> None:
    reply = Modelled(WRITTEN, validate=Validate.OFF).run(MODEL, BAD)
    assert (read(reply), warning(reply)) == ({"written": True}, "")


def test_a_document_without_an_input_is_told_once() -> None:
    dangling = json.loads(json.dumps(DOCUMENT))
    dangling["paths"][f"/{MODEL}"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {"$ref": "#/no"}
    client = Modelled(WRITTEN, document=dangling, validate=Validate.ON)
    first = client.run(MODEL, BAD)
    assert warning(first).startswith(f"the schema of {MODEL} checks nothing: ")
    assert warning(client.run(MODEL, BAD)) == ""


def test_an_input_that_was_fine_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Modelled(WRITTEN, validate=Validate.ON)
    assert client.run(MODEL, {"prompt": "a"}).status == 200
    name, check = InputChecker(client.engine._context, client.engine.digest_of).check_of(query_of(client), ())
    assert name == MODEL
    assert check is not None
    monkeypatch.setattr(type(check), "check", lambda *_: pytest.fail("it was checked again"))
    assert client.run(MODEL, {"prompt": "a"}).status == 200


def query_of(client: Client) -> Any:
    from falmock.engine import inputs
    from falmock.wire.message import Request

    request = Request("POST", "fal.run", f"/{MODEL}", "", {}, b"{}")
    return inputs.read(request, MODEL, client.engine.digest_of)


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(("side", "kinds"), [(64, ["image_too_small"]), (512, [])])
def test_files_have_limits(side: int, kinds: list[str], *, inline: bool) -> None:
    limited = json.loads(json.dumps(DOCUMENT))
    fields = limited["components"]["schemas"]["PainterInput"]["properties"]
    fields["image_url"] = {"type": "string", "x-fal": {"min_width": 300, "min_height": 300}}
    content = content_of(Recipe("image/png", side, side))
    warning_one = Modelled(WRITTEN, document=limited)
    for client in (
        Modelled(WRITTEN, document=limited, validate=Validate.ON),
        synthesizing(document=limited),
        warning_one,
    ):
        url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
        if not inline:
            asset = client.engine.scope.assets.put(
                Content(digest(content), len(content), content), "a.png", "image/png"
            )
            url = content_url(asset.sha256, "a.png")
        reply = client.run(MODEL, {"prompt": "a", "image_url": url})
        if client is warning_one:
            assert ("too small" in warning(reply)) is bool(kinds)
            continue
        assert (reply.status, [kind for kind, _ in refusals(reply)] if kinds else []) == (422 if kinds else 200, kinds)
    unknown = "https://example.com/a.png"
    assert synthesizing(document=limited).run(MODEL, {"prompt": "a", "image_url": unknown}).status == 200


def test_an_error_of_falmocks_own_has_its_reason_in_a_header_and_no_units() -> None:
    (fixture,) = index_of(WRITTEN).fixtures
    own = failing(fixture, 501, {"detail": "no"}, "nothing is known")
    assert (own.answer.status, own.answer.body, own.answer.units) == (501, b'{"detail":"no"}', None)
    assert own.answer.headers == (("x-falmock-error", "nothing is known"),)
    fals = failing(fixture, 422, {"detail": "no"}, "refused")
    assert (fals.answer.headers, fals.answer.units, fals.made_for) == ((), "0", "refused")
