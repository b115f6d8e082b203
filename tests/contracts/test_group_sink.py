"""What every taker of groups promises: `contracts.group.GroupSink`, held against each."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pi_classifier.contracts.group import Group, GroupSink, Member
from pi_classifier.events.groups import GroupEvents
from pi_classifier.sinks.metrics.groups import GroupMetrics
from pi_classifier.statistics import CameraStatistics
from pi_classifier.web.cameras import Cameras
from pi_classifier.web.view import CameraView, GroupView
from tests.fakes import CollectingGroupSink, prediction_of

CAMERAS = ("left", "right", "back")


def events() -> GroupSink:
    """The log's and the lines'."""
    return GroupEvents(each=[lambda _: None], changes=[lambda _: None])


def metrics() -> GroupSink:
    """What Prometheus scrapes."""
    return GroupMetrics(CollectorRegistry(), ["table"])


def views() -> GroupSink:
    """The page's, after its event loop has ended: nobody looks any more."""
    loop = asyncio.new_event_loop()
    loop.close()
    cameras = [CameraView(camera, loop, None) for camera in CAMERAS]
    statistics = [CameraStatistics(camera, 0.0) for camera in CAMERAS]
    return Cameras(cameras, statistics, [GroupView("table", loop, cameras)])


SINKS = [events, metrics, views, CollectingGroupSink]
"""A new one is one name more."""


@st.composite
def groups(draw: st.DrawFn) -> Group:
    """Any group of some of the cameras."""
    there = draw(st.lists(st.sampled_from(CAMERAS), min_size=1, unique=True))
    scores = draw(st.lists(st.tuples(st.integers(0, 999), st.text(max_size=9), st.floats(0, 1)), max_size=2))
    offset = st.floats(-0.5, 0.5)
    members = tuple(Member(prediction_of(*scores, camera=camera), draw(offset)) for camera in there)
    missing = tuple(camera for camera in CAMERAS if camera not in there)
    seconds = st.floats(0, 1e6)
    return Group("table", draw(st.integers(0)), draw(seconds), draw(seconds), draw(seconds), members, missing)


@pytest.mark.parametrize("make", SINKS, ids=lambda make: make.__name__)
@given(several=st.lists(groups(), max_size=5))
def test_any_group_is_taken(make: Callable[[], GroupSink], several: list[Group]) -> None:
    """Protects the inference loop, which offers them: whoever is missing and whatever is seen, nothing is raised."""
    sink = make()
    for group in several:
        sink.offer_group(group)
