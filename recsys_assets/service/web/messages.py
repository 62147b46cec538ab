"""Messages: requests and responses of the service, as its OpenAPI description documents them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
    model_validator,
)

LARGEST_K = 1000
LONGEST_QUERY = 500
MOST_ITEMS = 500
MOST_EVENTS = 500
_EXAMPLE_EVENT = {
    "event_id": "5f0c9d1e",
    "action_name": "purchase",
    "object_id": "1029743",
    "user": "1823",
    "query_id": "b0d7c1f2e2c34d6f8d5c7b1a9e3f4a60",
    "position": 3,
    "propensity": 0.95,
    "model_version": 12,
    "timestamp": "2026-11-26T18:30:00Z",
}

Id = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Id of an item, a customer or a client: text without control characters."""
SearchText = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_QUERY, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""Query that somebody types: a line of text."""
K = Annotated[int, Field(ge=1, le=LARGEST_K, description="How many items.")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SessionItem(_Message):
    """A recent action of the customer on an item."""

    item: Id
    behaviour: Literal["view", "cart", "purchase"] = "view"
    time: AwareDatetime | None = Field(None, description="Time of the event; by default now.")


def _kind_of(item: Any) -> str:
    """Type of a session item, so that an error is about that type only."""
    return "id" if isinstance(item, str) or not isinstance(item, dict | SessionItem) else "item"


SessionEntry = Annotated[
    Annotated[Id, Tag("id")] | Annotated[SessionItem, Tag("item")], Discriminator(_kind_of)
]
"""An item of a session: its id, or an action on it."""


class RecommendationRequest(_Message):
    """The customer to recommend for, and the session so far."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"user": "1823", "k": 10},
                {"items": ["1029743", {"item": "995242", "behaviour": "cart"}], "k": 5, "explain": True},
            ]
        },
    )

    user: Id | None = Field(None, description="The customer; none for an anonymous visitor.")
    client_id: Id | None = Field(None, description="The browser or device of an anonymous visitor.")
    items: list[SessionEntry] = Field(
        default_factory=list, max_length=MOST_ITEMS, description="The session so far, oldest first."
    )
    k: Annotated[K, Strict()] = 20
    exclude: list[Id] = Field(default_factory=list, max_length=MOST_ITEMS, description="Items to leave out.")
    category: list[Id] = Field(
        default_factory=list, max_length=50, description="Only items of these categories."
    )
    explain: bool = Field(False, strict=True, description="Whether to give the reasons for each item.")


class Event(_Message):
    """An action or exposure of a customer, with the field names of User Behavior Insights 1.3 where it has them."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [_EXAMPLE_EVENT]})

    event_id: Annotated[Id, StringConstraints(max_length=200)] = Field(
        description="Unique; an event that is sent again with its id counts once."
    )
    action_name: Literal["exposure", "view", "cart", "purchase", "rating"]
    object_id: Id = Field(description="The item.")
    user: Id | None = Field(None, description="The customer.")
    client_id: Id | None = Field(None, description="The browser or device.")
    query_id: Annotated[Id, StringConstraints(max_length=200)] | None = Field(
        None, description="Id of the answer in which the item was shown."
    )
    position: int | None = Field(
        None, strict=True, ge=1, le=100_000, description="Place in that answer, from 1."
    )
    propensity: float | None = Field(
        None, strict=True, gt=0, le=1, description="Propensity of that place, as in the answer."
    )
    model_version: int | None = Field(None, strict=True, ge=0, le=2**31, description="Of that answer.")
    arm: Id | None = Field(None, description="Arm of that answer: an arm of an experiment, or control.")
    value: float | None = Field(None, strict=True, ge=-1e6, le=1e6, description="Value of a rating.")
    timestamp: AwareDatetime | None = Field(None, description="Time of the event; by default now.")
    simulated: bool = Field(
        False, strict=True, description="Whether it is simulated: no model learns from simulated events."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Event:
        if self.user is None and self.client_id is None and self.query_id is None:
            raise ValueError("it needs a user, a client_id or a query_id, or it belongs to nobody")
        if (self.action_name == "rating") != (self.value is not None):
            raise ValueError("a rating, and nothing else, has a value")
        return self


class Events(_Message):
    """Events, which are accepted all or none."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"events": [_EXAMPLE_EVENT]}]}
    )

    events: list[Event] = Field(min_length=1, max_length=MOST_EVENTS)


class _Answer(BaseModel):
    query_id: str = Field(description="Id of this answer; events that follow from it name it.")
    model_version: int = Field(description="Version of the model's table.")
    record: str = Field(description="Id of the record of that version, for `recsys lineage`.")
    arm: str = Field(description="Arm of the running experiment; control where there is none.")


class RecommendedItem(BaseModel):
    """An item at its place."""

    item: str
    title: str | None
    position: int
    score: float | None = Field(description="Comparable within one answer only.")
    propensity: float = Field(description="Probability of showing it here, given what stands above.")
    reason: str | None = Field(None, description="Why, in words; with `explain`.")
    because_of: str | None = Field(None, description="The customer's own item that contributes most to it.")
    placed_by: Literal["model", "pinned", "boosted", "explored"] | None = None
    rank_of_model: int | None = Field(None, description="Its place before the rules.")
    credit: str | None = Field(
        None, description="In an interleaved list, the arm credited with clicks on it."
    )


class Recommendations(_Answer):
    """A list of recommendations."""

    experiments: dict[str, str] = Field(description="The arm of each running experiment.")
    cold: bool = Field(description="Whether nothing was known, so that the list has popular items.")
    degraded: bool = Field(
        description="Whether more was asked than could be computed, so that the list is the one that the night "
        "prepared (then what is popular), by the rules of now, without scores and reasons."
    )
    items: list[RecommendedItem]
    unknown_items: list[str] = Field(description="Items of the request that the model does not know.")
    interleaved: dict[str, dict[str, Any]] | None = Field(
        None,
        description="The model of each arm that picked items of this list; items say which arm is credited.",
    )
    explanation: dict[str, Any] | None = Field(None, description="What the list was made of; with `explain`.")


class DoneItem(BaseModel):
    """An action of a customer with an item."""

    item: str
    title: str | None
    behaviour: str
    times: int = Field(description="How often.")
    last: datetime = Field(description="The last time.")


class Preview(BaseModel):
    """The list that a customer would get now."""

    model_table: str = Field(description="Table of the champion or of a candidate.")
    model_version: int
    record: str = Field(description="Id of the record of that version, for `recsys lineage`.")
    family: str
    arm: str = Field(description="Arm of the running experiment; control where there is none.")
    experiments: dict[str, str] = Field(description="The arm of each running experiment.")
    cold: bool = Field(
        description="Whether nothing is known about the customer, so that the list has popular items."
    )
    items: list[RecommendedItem]
    history: int = Field(description="Number of items and behaviours known of the customer.")
    since_the_fit: int = Field(description="Events that came since the model was fitted.")
    did: list[DoneItem] = Field(description="Latest actions of the customer, newest first.")


class SimilarItem(BaseModel):
    """A similar item."""

    item: str
    title: str | None
    position: int
    cosine: float


class SimilarItems(_Answer):
    """Items similar to a given one."""

    item: str
    items: list[SimilarItem]


class Category(BaseModel):
    """A category that a query may ask for."""

    category: str
    probability: float


class FoundItem(BaseModel):
    """An item that a query finds."""

    item: str
    title: str | None
    position: int
    score: float = Field(description="Comparable within one answer only.")
    reason: str | None = Field(None, description="The reasons for it, in words; with `explain`.")
    parts: dict[str, float] | None = Field(
        None, description="Contribution of each part to the score; with `explain`."
    )


class NearestItem(BaseModel):
    """An item that may be meant where a query finds nothing."""

    item: str
    title: str | None


class SearchResults(_Answer):
    """Results of a query."""

    experiments: dict[str, str] = Field(description="The arm of each running experiment.")
    index_version: int = Field(description="Version of the table `search_index`.")
    index_record: str = Field(description="Id of the record of that version.")
    query: str
    meant: str | None = Field(
        description="The query with unknown words replaced by those that were probably meant."
    )
    categories: list[Category] = Field(
        description="Which categories the query asks for, most probable first."
    )
    personal: bool = Field(description="Whether it is ordered by what the customer likes.")
    items: list[FoundItem]
    nearest: list[NearestItem] = Field(description="Where nothing is found, the most similar titles.")
    explanation: dict[str, Any] | None = Field(None, description="What it was made of; with `explain`.")


class EventsTaken(BaseModel):
    """Numbers of accepted events."""

    accepted: int = Field(description="Number of new events, now on the disk.")
    duplicates: int = Field(description="Number of events whose id was counted before.")
    unknown_items: list[str] = Field(description="Items that the model does not know yet; kept all the same.")


class Health(BaseModel):
    """Confirmation that the process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Readiness of the service, and problems that need attention."""

    status: Literal["ready", "waiting"]
    model_table: str | None = Field(
        None, description="Table of the champion, or of a candidate in its place."
    )
    model_version: int | None = None
    record: str | None = None
    family: str | None = None
    made: datetime | None = None
    problems: list[str] = []


class Status(BaseModel):
    """State of the service: what serves, its figures, rules and experiments."""

    service: str
    now: datetime
    process: int = Field(description="Number of the process that answered.")
    workers: int = Field(
        description="How many processes answer; minutes and statuses are of all, some seconds old, latencies of the "
        "slowest, swaps of this one alone."
    )
    started: datetime = Field(description="Start of the process; requests are counted from then on.")
    serves: dict[str, Any] | None = Field(
        description="The champion, since when, its age, its prepared lists."
    )
    problems: list[str] = Field(description="Problems that need attention.")
    minutes: list[dict[str, Any]] = Field(description="Answers, refusals and faults of the last hour.")
    latency_ms: dict[str, float | None] = Field(description="Quantiles over the last 10,000 lists.")
    arms: list[dict[str, Any]] = Field(
        description="Click rate, coverage, share of cold and of degraded lists, over a day and by hour; a restart "
        "forgets none."
    )
    statuses: dict[str, int] = Field(description="Requests by their status.")
    swaps: int
    swap_failures: int
    rules: list[str] = Field(description="Rules in force, in words.")
    experiments: list[dict[str, Any]]
    reports: list[dict[str, Any]] = Field(
        description="What the newest version of `ab_report` says of each experiment: what to do, and a row an arm and "
        "metric."
    )


class Version(BaseModel):
    """The model that answers."""

    service: str
    model_table: str | None
    model_version: int | None
    record: str | None
    family: str | None
    reads: dict[str, int] = Field(description="The versions of the tables that the model was made of.")


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = Field(None, description="Each fault and its place.")
