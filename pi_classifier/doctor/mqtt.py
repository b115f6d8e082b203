"""Whether the broker can be reached, lets the daemon in, and takes what it tells."""

from pi_classifier.config.address import is_this_machine
from pi_classifier.config.schema import Settings
from pi_classifier.doctor.finding import Finding, State
from pi_classifier.doctor.packages import Packages
from pi_classifier.errors import ConfigError

NAME = "MQTT broker"
MOST_NAMED = 3
"""Of the topics that are refused."""


def broker(settings: Settings, installed: Packages) -> list[Finding]:
    """Connect as the daemon does, beside it, and try each of its topics with a message that says nothing."""
    if not settings.mqtt.host:
        return [Finding(NAME, State.OK, "none is named")]
    if installed.version("paho-mqtt") is None:
        return [Finding(NAME, State.PROBLEM, "not installed: paho-mqtt", "run: pip install 'pi-classifier[mqtt]'")]
    # Here, where it is known to be installed, and not for those who name no broker.
    from pi_classifier.mqtt.broker import Broker  # noqa: PLC0415
    from pi_classifier.mqtt.building import topics_of  # noqa: PLC0415
    from pi_classifier.mqtt.discovery import discovery_topic  # noqa: PLC0415
    from pi_classifier.mqtt.topics import legal_names  # noqa: PLC0415
    from pi_classifier.mqtt.trial import try_out  # noqa: PLC0415

    try:
        named = Broker.of(settings.mqtt)
    except ConfigError as error:
        return [Finding(NAME, State.PROBLEM, error.problem, error.remedy)]
    topics = topics_of(settings)
    wanted = [topics.availability]
    wanted += [topic for camera in settings.camera for topic in topics.to_try(camera.name)]
    wanted += [topics.group(group) for group in settings.groups]
    if settings.mqtt.discovery:
        # Of a camera that there is not, for none has so long a name: an empty message takes a device away.
        nobody = "-".join([*legal_names(camera.name for camera in settings.camera).values(), "doctor"])
        wanted.append(discovery_topic(settings.mqtt.discovery, topics.node, nobody))
    problem, refused = try_out(named, f"pi-classifier-{topics.node}-doctor", wanted)
    # Names of machines and of users are nobody else's business: this may go with a bug report.
    if problem:
        return [Finding(NAME, State.PROBLEM, f"port {named.port} {problem}", "see docs/mqtt.md, If nothing arrives")]
    taken = len(wanted) - len(refused)
    findings = [Finding(NAME, State.OK, f"port {named.port} lets the daemon in and takes {taken} topics")]
    if refused:
        named_so = {topic.replace(f"/{topics.node}/", "/NODE/"): reason for topic, reason in refused.items()}
        shown = [f"{topic} ({reason})" for topic, reason in list(named_so.items())[:MOST_NAMED]]
        more = f" and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
        remedy = "let its user write there: deploy/mosquitto/acl shows how"
        findings.append(Finding(NAME, State.PROBLEM, f"does not take {', '.join(shown)}{more}", remedy))
    if named.tls is None and settings.mqtt.password_file and not is_this_machine(settings.mqtt.host):
        findings.append(
            Finding(NAME, State.WARNING, "the password crosses the network and nothing is encrypted", "set tls = true")
        )
    return findings
