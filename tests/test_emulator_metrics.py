"""What the server counts of its sessions, and how that is told to Prometheus (rtproto_emulator._metrics)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from emulated import PUSH_TO_TALK, Emulated, append, create, hears, silence, sound, update, voice, wrote
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from rtproto_emulator import Policy, Settings
from rtproto_emulator._exposition import exposition
from rtproto_emulator._metrics import Meter, Metrics

from rtproto import Close, events

NOW = 1_700_000_000.0


class Metered(Emulated):
    """A session that is counted, on a virtual clock."""

    def __init__(self, metrics: Metrics, settings: Settings | None = None, dialect: str = "ga", **own: Any) -> None:
        self.meter = Meter(metrics, dialect)
        super().__init__(settings, dialect, **own)
        for event in self.begin:
            self.meter.said(event, self.now)

    def say(self, *said: events.ClientEvent) -> list[Any]:
        for event in said:
            self.meter.heard(event, self.now)
        return self._count(super().say(*said))

    def wait(self, seconds: float) -> list[Any]:
        """In steps, because what is said is counted when it is heard here."""
        heard: list[Any] = []
        for _ in range(round(seconds / 0.02)):
            heard += self._count(super().wait(0.02))
        return heard

    def _count(self, heard: list[Any]) -> list[Any]:
        for event in heard:
            self.meter.said(event, self.now)
        return heard


def told(metrics: Metrics) -> dict[str, float]:
    """Each number, by its name and labels, as a scraper reads it."""
    families = text_string_to_metric_families(exposition(metrics).decode())
    return {
        ",".join([sample.name.removeprefix("rtproto_"), *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("rtproto_")
    }


def test_a_spoken_turn() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics, Settings(pace=1.0))
    e.say(hears(transcription=events.AudioTranscription(model="whisper-1")))
    e.say(append(silence(0.5) + voice(1.0) + silence(0.6)))
    e.wait(5)
    now = told(metrics)
    assert now["start_time_seconds"] == NOW
    assert now["sessions_open,ga"] == 1
    assert now["events_received_total,input_audio_buffer.append"] == 1
    assert now["events_sent_total,input_audio_buffer.committed"] == 1
    assert now["audio_received_seconds_total"] == pytest.approx(2.1)
    assert now["audio_sent_seconds_total"] == pytest.approx(1.8)
    assert now["responses_total,completed"] == 1
    assert now["first_audio_seconds_count"] == now["transcription_seconds_count"] == 1
    assert now["first_audio_seconds_bucket,0.05"] == now["first_audio_seconds_bucket,+Inf"] == 1
    assert "errors_total,none" not in now


def test_audio_is_counted_in_the_time_that_it_takes_whatever_its_coding() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics, Settings(pace=math.inf))
    e.say(PUSH_TO_TALK, hears(format=events.AudioPcmu()))
    e.say(append(b"\xff" * 8000), events.InputAudioBufferCommit())
    e.say(update(audio=events.AudioConfig(output=events.AudioOutput(format=events.AudioPcma()))))
    e.say(create())
    e.wait(1)
    now = told(metrics)
    assert now["audio_received_seconds_total"] == pytest.approx(1.0)
    assert now["audio_sent_seconds_total"] == pytest.approx(1.0)


def test_the_first_audio_is_the_new_responses() -> None:
    """Not that of the one that still speaks when its successor is asked for."""
    metrics = Metrics(NOW)
    meter = Meter(metrics, "ga")

    def answer(of: str) -> events.ResponseOutputAudioDelta:
        return events.ResponseOutputAudioDelta(
            response_id=of, item_id="i", output_index=0, content_index=0, delta=bytes(4800)
        )

    meter.said(events.ResponseCreated(response=events.RealtimeResponse(id="one")), 0.0)
    meter.said(answer("one"), 0.02)
    meter.said(events.InputAudioBufferCommitted(item_id="i"), 1.0)
    meter.said(answer("one"), 1.1)
    meter.said(events.ResponseCreated(response=events.RealtimeResponse(id="two")), 1.5)
    meter.said(answer("two"), 1.9)
    meter.said(answer("two"), 5.0)
    meter.said(answer("unknown"), 5.0)
    assert metrics.first_audio.total == pytest.approx(0.02 + 0.9)
    assert metrics.seconds_sent == pytest.approx(0.4)


def test_a_response_that_a_fault_tells_twice_has_ended_once() -> None:
    metrics = Metrics(NOW)
    meter = Meter(metrics, "ga")
    for response_id in ("one", "one", "two"):
        done = events.RealtimeResponse(id=response_id, status="completed")
        meter.said(events.ResponseDone(response=done), 0.0)
    now = told(metrics)
    assert (now["events_sent_total,response.done"], now["responses_total,completed"]) == (3, 2)


@pytest.mark.parametrize("dialect", ["xai", "azure-voicelive", "qwen", "localai"])
def test_the_events_of_a_dialects_own_classes_are_counted_as_those_of_all(dialect: str) -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics, Settings(pace=math.inf), dialect, lawful=False)
    e._count(e.raw(json.dumps({"type": "response.create"})))
    e.wait(1)
    now = told(metrics)
    assert now["audio_sent_seconds_total"] > 1
    assert now["responses_total,completed"] == now["first_audio_seconds_count"] == 1
    assert not e.meter._answers


def test_a_translation_is_heard_and_spoken() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics, dialect="ga-translation")
    e.say(append(silence(0.5) + voice(1.0) + silence(0.6)))
    e.wait(5)
    now = told(metrics)
    assert now["audio_received_seconds_total"] == pytest.approx(2.1)
    assert now["audio_sent_seconds_total"] > 1


def test_what_a_dialect_does_not_have_was_not_sent() -> None:
    policy = Policy(dialect="beta")
    policy.start(0.0)
    policy.receive(wrote("hello"), 0.0)
    said = iter(policy.next_event, None)
    assert [event.type for event in said if isinstance(event, events.ServerEvent)] == [
        "session.created",
        "conversation.item.added",
    ]


def test_what_nobody_knows_has_one_name() -> None:
    metrics = Metrics(NOW)
    meter = Meter(metrics, "ga")
    for number in range(3):
        meter.heard(events.Unknown(raw={"type": f"made.up.{number}"}), 0.0)
    meter.heard(events.Violation(reason="no JSON", raw="{"), 0.0)
    now = told(metrics)
    assert now["events_received_total,unknown"] == 3
    assert now["events_received_total,unreadable"] == 1


def test_errors_by_code_with_a_bound() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics)
    e.say(events.ResponseCancel(), events.ResponseCancel(), events.OutputAudioBufferClear())
    for number in range(100):
        error = events.RealtimeError(type="t", code=f"made_up_{number}", message="")
        e.meter.said(events.ErrorEvent(error=error), 0.0)
    e.meter.said(events.ErrorEvent(error=events.RealtimeError(type="t", code=None, message="")), 0.0)
    now = told(metrics)
    assert now["errors_total,response_cancel_not_active"] == 2
    assert now["errors_total,invalid_event_for_transport"] == 1
    assert now["errors_total,other"] == 101 - 62
    assert len(metrics.errors) == 65


def test_turns_without_a_transcript_are_forgotten() -> None:
    meter = Meter(Metrics(NOW), "ga")
    for number in range(1000):
        meter.said(events.InputAudioBufferCommitted(item_id=f"i{number}"), 0.0)
    assert len(meter._waiting) == 64


def told_off(code: str) -> events.ErrorEvent:
    return events.ErrorEvent(error=events.RealtimeError(type="t", code=code, message=""))


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ([events.Closed(clean=True, code=1000)], "closed_by_client"),
        ([events.Closed(clean=False, code=1006)], "lost"),
        ([], "lost"),
        ([told_off("session_expired"), Close(1001, "expired"), events.Closed(clean=True, code=1001)], "expired"),
        (
            [told_off("beta_api_shape_disabled"), Close(4000, "no beta"), events.Closed(clean=False, code=1006)],
            "beta_disabled",
        ),
        ([Close(1001, "a fault")], "closed_by_server"),
        ([told_off("session_expired"), Close(4000, "a fault")], "closed_by_server"),
        ([Close(4001, "chaos")], "closed_by_server"),
        ([RuntimeError(), events.Closed(clean=True, code=1011)], "failed"),
    ],
)
def test_how_sessions_end(ends: list[Any], outcome: str) -> None:
    metrics = Metrics(NOW)
    meter = Meter(metrics, "beta")
    for end in ends:
        if isinstance(end, Close):
            meter.closed(end)
        elif isinstance(end, Exception):
            meter.failed()
        elif isinstance(end, events.ErrorEvent):
            meter.said(end, 0.0)
        else:
            meter.heard(end, 0.0)
    meter.end()
    now = told(metrics)
    assert (now["sessions_open,beta"], now[f"sessions_total,beta,{outcome}"]) == (0, 1)
    assert not [name for name in now if name.startswith("events_received")]


def test_it_is_a_registry_of_its_own() -> None:
    metrics = Metrics(NOW)
    metrics.refused[401] += 2
    assert told(metrics)["requests_refused_total,401"] == 2
    assert not [family for family in REGISTRY.collect() if family.name.startswith("rtproto")]


def test_a_written_turn_has_no_audio() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics)
    e.say(wrote("hello"), create(output_modalities=["text"]))
    e.wait(2)
    now = told(metrics)
    assert (now["first_audio_seconds_count"], now["responses_total,completed"]) == (0, 1)


def test_sound_of_another_rate_whose_response_does_not_tell_it() -> None:
    metrics = Metrics(NOW)
    e = Metered(metrics, Settings(pace=math.inf), "xai")
    e.say(update(audio=events.AudioConfig(output=events.AudioOutput(format=events.AudioPcmu()))))
    e.say(append(voice(1.0)), events.InputAudioBufferCommit())
    e.wait(1.0)
    assert metrics.seconds_sent == pytest.approx(len(sound(e.seen)) / 8000)
