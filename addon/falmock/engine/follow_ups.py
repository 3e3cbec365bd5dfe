"""Whether fal serves the URL of a call about a job (PROTOCOL.md section 3.0).

fal takes owner and app alone, and answers 405 if the endpoint's path stands behind them. A fixture may hold forms of
URLs that fal did serve: these are as good as the usual ones.
"""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.jobs.job import Job
from falmock.wire import endpoint as endpoint_ids
from falmock.wire.calls import REQUEST_ID
from falmock.wire.calls import FollowUp
from falmock.wire.routes import follow_up_form

_BEFORE_ID = f"/requests/{REQUEST_ID}"
_BY_RESPONSE = "/response"


class UnusualUrl(NamedTuple):
    """What is unusual about a URL; `refused`: fal answers 405 to it, else its answer is not known."""

    text: str
    refused: bool = False


def unusual(call: FollowUp, job: Job) -> UnusualUrl | None:
    """What is unusual about the URL of a call about `job`; None if fal serves it."""
    if not call.form:
        return None
    app, _, action = call.form.rpartition(_BEFORE_ID)
    by_response = action == _BY_RESPONSE
    if app == job.app and not by_response:
        return None
    if call.form in job.urls.forms or (app in job.urls.apps and not by_response):
        return None
    usual = follow_up_form(job.app, "" if by_response else action.strip("/"))
    use = f"Use /{usual}, as in the answer to the submit"
    path = _path_below(app, job)
    if path:
        text = (
            f"fal answers 405 to /{call.form}: the URLs of a request name owner and app alone, without the path of the "
            f"endpoint ({path}). {use}"
        )
        return UnusualUrl(text, refused=True)
    found = []
    if path is None:
        found.append(f"names another app than the request's ({job.app})")
    if by_response:
        found.append("ends in /response, to which fal was seen to answer 405")
    if not found:
        return None
    return UnusualUrl(f"the URL /{call.form} {' and '.join(found)}: fal may not serve it. {use}")


def usual_app(call: FollowUp) -> str | None:
    """The app of the jobs for which the URL of a call is a usual one: "" for none, None for all."""
    if not call.form:
        return None
    app, _, action = call.form.rpartition(_BEFORE_ID)
    return "" if action == _BY_RESPONSE else app


def _path_below(app: str, job: Job) -> str | None:
    """The path that a URL names below the job's app, "" if it names the app alone; None if it names another app."""
    try:
        named = endpoint_ids.parse(app)
    except endpoint_ids.BadEndpointId:
        return None
    return named.path if named.app == job.app else None
