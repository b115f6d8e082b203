"""What is said to who may not ask."""

from http import HTTPStatus

from pi_classifier.web.access import FAILURE_SECONDS, Verdict
from pi_classifier.web.problem import Problem, too_often


def refusal(verdict: Verdict) -> Problem | None:
    """Why not, and what would be right; None: it is allowed."""
    match verdict:
        case Verdict.ALLOWED:
            return None
        case Verdict.WRONG_HOST:
            return Problem(
                HTTPStatus.FORBIDDEN, "Host: not a name of this machine that it knows; see [web] allowed_hosts"
            )
        case Verdict.WRONG_ORIGIN:
            return Problem(HTTPStatus.FORBIDDEN, "Origin: another page than this machine's own asks")
        case Verdict.NO_TOKEN:
            detail = "the token is missing or wrong; send it as Bearer, or log in with it"
            return Problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
        case Verdict.TOO_MANY_FAILURES:
            return too_often("too many wrong tokens", int(FAILURE_SECONDS))
