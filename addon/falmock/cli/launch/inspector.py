"""Opens the inspector's page for a run."""

from __future__ import annotations

import threading
import webbrowser

from falmock.cli.launch.output import tell


def show(url: str, *, has_token: bool, is_kept: bool) -> None:
    """Tell where the page of the falmock at this URL is, and open it in the user's web browser.

    The token is not passed on: command lines and the histories of browsers are no place for it.
    """
    page = f"{url}/__falmock/"
    token = "; it needs the token: put #token=TOKEN behind this address" if has_token else ""
    tell(f"the inspector is at {page}{token}" + ("" if is_kept else "; it ends with this run (--keep: it stays)"))
    # Some browsers return only when they are closed.
    threading.Thread(target=_open, args=(page,), daemon=True).start()


def _open(page: str) -> None:
    try:
        is_opened = webbrowser.open(page)
    except (webbrowser.Error, OSError):
        is_opened = False
    if not is_opened:
        tell("no web browser could be opened: BROWSER=COMMAND in the environment names one")
