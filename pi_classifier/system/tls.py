"""What a connection to a server is encrypted with, and why there is none."""

import ssl

from pi_classifier.errors import ConfigError


def client_context(
    section: str, *, ca_file: str = "", certificate_file: str = "", key_file: str = ""
) -> ssl.SSLContext:
    """How a client makes sure of the server, and shows who it is. TLS 1.2 or later.

    Args:
        section: of the configuration, for messages: `mqtt`.
        ca_file: PEM, of who signed the server's certificate; empty: who this machine trusts.
        certificate_file: PEM, the client's own; empty: none.
        key_file: PEM, without a passphrase, of that certificate; empty: it is in the certificate's file.

    Raises:
        ConfigError: a file cannot be read, holds no such thing, or certificate and key are no pair.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        # In the place of those that this machine trusts: who names one trusts that one.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:
            raise _unfit(f"{section}.ca_file = {ca_file}", error, "name a PEM file of certificates") from None
    if certificate_file:
        try:
            # Else OpenSSL asks for a passphrase on the terminal.
            context.load_cert_chain(certificate_file, key_file or None, password=_no_passphrase)
        except (OSError, ValueError) as error:
            what = f"{section}.certificate_file = {certificate_file}" + (
                f" with key_file = {key_file}" if key_file else ""
            )
            raise _unfit(what, error, "name the client's certificate and its key, PEM, without a passphrase") from None
    return context


def failure_in_words(error: OSError, seconds: float) -> str:
    """Why a server cannot be reached, in a few words, to be put behind its name. `seconds`: that it was given."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # "Hostname mismatch, certificate is not valid for 'HOST'.": which host is nobody else's business.
        why = error.verify_message.partition(" for '")[0]
        return f"its certificate is not trusted: {why}"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails: {(error.reason or 'it does not speak TLS').lower().replace('_', ' ')}"
    if isinstance(error, TimeoutError):
        return f"does not answer within {seconds:g} s"
    return error.strerror or str(error)


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _unfit(what: str, error: Exception, remedy: str) -> ConfigError:
    # OpenSSL's own words name a line of its source.
    said = "is no such PEM file" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None) or str(error)
    return ConfigError(f"{what}: {said}", remedy=remedy)
