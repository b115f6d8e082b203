"""A real Prometheus scrapes the real daemon."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live.prometheus import awaited, scraping
from tests.running import Program


def test_real_scrapes_balance(program: Callable[..., Program], tmp_path: Path, free_port: int) -> None:
    """Protects every scrape: in Prometheus' own store captured is classified plus dropped, and the rate is there."""
    program("run", "--source", "synthetic:", "--weights", "untrained", "--metrics-listen", f"127.0.0.1:{free_port}")
    config = (
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: pi, static_configs: [{{targets: ['127.0.0.1:{free_port}']}}]}}]\n"
    )
    with scraping(tmp_path, config) as prometheus:

        def found(expression: str) -> list[dict[str, Any]]:
            return awaited(lambda: prometheus.query(expression), f"a result for {expression}")

        assert found("up == 1")
        assert found("rate(pi_classifier_frames_classified_total[10s]) > 0")
        assert found("histogram_quantile(0.99, rate(pi_classifier_frame_age_seconds_bucket[10s])) > 0")
        unbalanced = (
            "pi_classifier_frames_captured_total != ignoring(reason) "
            "pi_classifier_frames_classified_total + ignoring(reason) "
            "sum without(reason) (pi_classifier_frames_dropped_total)"
        )
        assert prometheus.query(unbalanced) == []
        assert found("pi_classifier_frames_captured_total > 10")
        (info,) = found("pi_classifier_model_info")
        assert info["metric"]["weights"] == "untrained"
