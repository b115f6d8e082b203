"""The service as its user has it: installed by the project's own installer and run by a real systemd."""

import pytest

from tests.guest.cameras import TEST_DATA, Loopback
from tests.guest.guest import GuestError, wait_for
from tests.guest.service import UNIT, Service

PHOTOGRAPH, LABEL = "photos/018_magpie.jpg", "magpie"


def test_unit_is_valid_and_safe(service: Service) -> None:
    """Protects the sandbox: systemd finds nothing wrong with the unit and rates its exposure 2.0 or better."""
    guest = service.guest
    assert guest.check(f"systemd-analyze verify --man=no {UNIT}.service 2>&1").strip() == ""
    rating = guest.run(f"systemd-analyze security --no-pager --threshold=20 {UNIT}")
    print(rating.stdout.splitlines()[-1])
    assert rating.returncode == 0, rating.stdout


def test_photograph_is_named_in_journal_and_metrics(loopback: Loopback, service: Service) -> None:
    """Protects the product: a camera shows a photograph, and its name stands in the journal and in the metrics."""
    with loopback.showing(f"{TEST_DATA}/{PHOTOGRAPH}"), service.watching(loopback.node):
        assert service.property("ActiveState") == "active"
        entry = service.wait_for_entry(EVENT="started", LABEL=LABEL)
        assert entry["CAMERA"] == "front"
        assert float(entry["PROBABILITY"]) >= 0.5
        service.wait_for_entry(EVENT="summary", CAMERA="front")
        assert "224x224" in service.guest.journal(UNIT)
        samples = service.samples()
        assert samples["top1_class_id"] == samples["state_class_id"] == 18
        assert samples["camera_up"] == 1
        assert samples["frames_captured_total"] == samples["frames_classified_total"] + sum(
            value for name, value in samples.items() if name.startswith("frames_dropped_total")
        )
        # A second without a prediction, which an emulated processor has, says so instead.
        wait_for("the label in the status", lambda: LABEL in service.property("StatusText"))
    print(f"frame age sum {samples['frame_age_seconds_sum']:.1f} s of {samples['frames_classified_total']:.0f} frames")


def test_shell_completes_the_command(service: Service) -> None:
    """Protects typing: the installer brings what bash, zsh and fish complete the command with, for every user."""
    ask = "COMP_WORDS=(pi-classifier run --log); COMP_CWORD=2; _pi_classifier_completion pi-classifier"
    loaded = "source /usr/local/share/bash-completion/completions/pi-classifier"
    assert service.guest.check(f"bash -c '{loaded}; {ask}; echo ${{COMPREPLY[@]}}'").strip() == "--log-format"
    assert "compdef" in service.guest.check("cat /usr/local/share/zsh/site-functions/_pi-classifier")
    assert "complete" in service.guest.check("cat /usr/local/share/fish/vendor_completions.d/pi-classifier.fish")


def test_bad_configuration_is_not_retried(service: Service) -> None:
    """Protects from a restart loop: what only a person can mend ends with exit 78, one line, and no restart."""
    service.stop()
    service.configure(source="synthetic:", more="[modle]\nthreads = 1\n")
    with pytest.raises(GuestError):
        service.start()
    service.wait_for_property("ActiveState", "failed")
    assert service.property("ExecMainStatus") == "78"
    assert service.property("NRestarts") == "0"
    assert "did you mean model?" in service.guest.journal(UNIT)


def test_port_taken(service: Service) -> None:
    """Protects from node_exporter on the same port: exit 75 and who it may be; once the port is free, it starts."""
    service.stop()
    with service.guest.service("squatter", "python3 -m http.server 9100"):
        service.guest.wait_until("curl --silent http://localhost:9100/")
        service.configure(source="synthetic:", fps=0.2)
        service.guest.run(f"systemctl start --no-block {UNIT}")
        wait_for("a restart", lambda: int(service.property("NRestarts")) >= 1)
        assert service.property("ExecMainStatus") in ("75", "0")  # 0: the next attempt has just begun
        assert "node_exporter" in service.guest.check(f"journalctl --no-pager --unit={UNIT}")
    service.wait_for_property("ActiveState", "active")


def test_page_wants_its_token(service: Service) -> None:
    """Protects the live page of the service: it is off unless configured, and opens to a token of root's."""
    guest, page, token = service.guest, "http://127.0.0.1:8080", "/etc/pi-classifier/web-token"
    assert guest.check(f"stat --format=%a:%U {token}").strip() == "600:root"
    service.stop()
    service.configure(source="synthetic:", fps=0.2, more='[web]\nlisten = "0.0.0.0:8080"\n')
    service.start()
    ask = "curl --silent --output /dev/null --write-out '%{http_code}'"
    assert guest.check(f"{ask} {page}/healthz").strip() == "204"
    assert guest.check(f"{ask} {page}/api/v1/status").strip() == "401"
    assert guest.check(f"{ask} --user page:$(cat {token}) {page}/api/v1/status").strip() == "200"
    secret = guest.check(f"cat {token}").strip()
    assert len(secret) == 32
    assert secret not in guest.journal(UNIT)
    guest.check(f"runuser -u pi-classifier -- sh -c '! cat {token}' 2>&1")


@pytest.mark.parametrize("signal", ["STOP", "KILL"])
def test_service_is_restarted(service: Service, signal: str) -> None:
    """Protects from a daemon that hangs or crashes: it is back by itself, the watchdog having killed it if need be."""
    service.keep_running()
    restarts, bites = int(service.property("NRestarts")), _bites(service)
    service.guest.check(f"systemctl kill --signal={signal} {UNIT}")
    service.wait_for_property("NRestarts", str(restarts + 1))
    assert _bites(service) == bites + (signal == "STOP")
    service.wait_for_property("ActiveState", "active")


def _bites(service: Service) -> int:
    """How often the watchdog has killed the service."""
    return service.guest.check(f"journalctl --no-pager --unit={UNIT}").count("Watchdog timeout")
