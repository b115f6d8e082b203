"""Certificates of a client: what is fit, and what is said of what is not."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from pi_classifier.errors import ConfigError
from pi_classifier.system.tls import client_context, failure_in_words


def self_signed(folder: Path, name: str, *options: str) -> tuple[Path, Path]:
    """A certificate and its key, made by OpenSSL."""
    if not shutil.which("openssl"):
        pytest.skip("needs OpenSSL's program: apt install openssl")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-subj",
        f"/CN={name}",
    ]
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*made, *files, *(options or ("-nodes",))], check=True, capture_output=True)
    return certificate, key


def test_own_authority_and_certificate(tmp_path: Path) -> None:
    """Protects brokers of one's own: the named authority alone is trusted, and the server has to be who it says."""
    authority, _ = self_signed(tmp_path, "ca")
    certificate, key = self_signed(tmp_path, "client")
    context = client_context("mqtt", ca_file=str(authority), certificate_file=str(certificate), key_file=str(key))
    assert [one["subject"] for one in context.get_ca_certs()] == [((("commonName", "ca"),),)]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_default_is_what_the_machine_trusts() -> None:
    """Protects public servers: without files of one's own the machine's authorities are asked, and names checked."""
    context = client_context("mqtt")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_unfit_files(tmp_path: Path) -> None:
    """Protects who configures: what is missing, no certificate, of another key or locked is one line with its key."""
    certificate, _ = self_signed(tmp_path, "client")
    _, other = self_signed(tmp_path, "other")
    locked_certificate, locked = self_signed(tmp_path, "locked", "-passout", "pass:secret")
    text = tmp_path / "text"
    text.write_text("no certificate\n")
    for files, said in [
        ({"ca_file": tmp_path / "none"}, "mqtt.ca_file = .*none: No such file"),
        ({"ca_file": text}, "mqtt.ca_file = .*text: is no such PEM file"),
        ({"certificate_file": text}, "mqtt.certificate_file = .*text: is no such PEM file"),
        ({"certificate_file": certificate, "key_file": other}, "client.pem with key_file = .*other.key: is no such"),
        ({"certificate_file": locked_certificate, "key_file": locked}, "locked.key: the key has a passphrase"),
        ({"certificate_file": certificate, "key_file": tmp_path / "none"}, "none: No such file"),
        ({"ca_file": Path("a\0b")}, "embedded null"),
    ]:
        with pytest.raises(ConfigError, match=said) as refused:
            client_context("mqtt", **{name: str(path) for name, path in files.items()})
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "does not answer within 5 s"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("without a number"), "without a number"),
    ],
)
def test_failures_in_words(error: OSError, said: str) -> None:
    """Protects who reads the log: why a server cannot be reached is a few words."""
    assert failure_in_words(error, 5.0) == said
