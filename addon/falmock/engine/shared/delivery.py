"""One delivery of a webhook as it is kept in a store, and its name there."""

from __future__ import annotations

from typing import NamedTuple

from falmock.engine.shared.forms import Form
from falmock.engine.shared.setup import of_tag
from falmock.engine.shared.setup import tag
from falmock.engine.webhooks.delivery import DeliveryPlan
from falmock.engine.webhooks.delivery import WebhookDelivery
from falmock.wire.webhook import Policy
from falmock.wire.webhook import WebhookTarget

_MARGIN = 5.0
"""How many seconds after the longest time that an attempt may take another falmock may post."""


class DeliveryForm(NamedTuple):
    """A delivery as it is kept: see WebhookDelivery. `job` is its job as it was when this was written."""

    request_id: str
    fixture: str
    submitted: float
    over: float | None
    target: WebhookTarget
    policy: Policy
    plan: DeliveryPlan
    delay: float
    attempt: int
    due: float
    job: bytes


DELIVERY = Form("webhook", 1, DeliveryForm)


class Name(NamedTuple):
    """The name of a delivery. `number` tells the deliveries of one job apart."""

    generation: str
    request_id: str
    number: int
    scope: str

    @classmethod
    def of(cls, item: bytes) -> Name:
        """The name in an item of the sorted sets."""
        return cls.read(item.decode())

    @classmethod
    def read(cls, text: str) -> Name:
        """The name in its text."""
        generation, request_id, number, scope = text.split(":", 3)
        return cls(generation, request_id, int(number), of_tag(scope))

    @property
    def text(self) -> str:
        """What tells it from all others."""
        return f"{self.generation}:{self.request_id}:{self.number}:{tag(self.scope)}"

    @property
    def item(self) -> bytes:
        """The item of the sorted sets."""
        return self.text.encode()

    @property
    def key(self) -> str:
        """The key of the record."""
        return f"{{}}:hook:{self.text}"


def live(form: DeliveryForm, name: Name) -> WebhookDelivery:
    """The delivery that a record has."""
    return WebhookDelivery(
        form.request_id,
        name.scope,
        form.fixture,
        form.submitted,
        form.over,
        None,
        form.target,
        form.policy,
        form.plan,
        form.delay,
        form.attempt,
        form.due,
    )


def attempted(key: str) -> tuple[int, Name]:
    """The number of an attempt and the name of its delivery, by the key of the attempt."""
    number, _, text = key.partition(":")
    return int(number), Name.read(text)


def lease(timeout: float) -> float:
    """How long (seconds) nobody else posts during an attempt: its name is looked up, and its answer awaited, for `timeout` each."""
    return 2 * timeout + _MARGIN
