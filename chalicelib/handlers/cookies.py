"""The web app's session: two `__Host-` cookies that no script reads, and a CSRF token that one must."""

from http.cookies import CookieError, SimpleCookie

from chalice.app import Request

from chalicelib.auth import sessions
from chalicelib.errors import CsrfTokenMissing
from chalicelib.settings import settings

ACCESS = "__Host-access"
REFRESH = "__Host-refresh"
DEVICE = "__Host-device"
_ATTRIBUTES = "; Path=/; Secure; HttpOnly; SameSite=Strict"


def read(request: Request, name: str) -> str | None:
    """A cookie's value."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(request.headers.get("cookie") or "")
    except CookieError:
        return None
    return jar[name].value if name in jar else None


def write(name: str, value: str, max_age: int) -> str:
    """A Set-Cookie header; `max_age` in seconds."""
    return f"{name}={value}; Max-Age={max_age}{_ATTRIBUTES}"


def ended(name: str) -> str:
    """A Set-Cookie header that removes the cookie."""
    return write(name, "", 0)


def check_csrf(request: Request, session_id: str | None) -> None:
    """Raises CsrfTokenMissing unless the request carries the session's CSRF token and comes from an allowed origin."""
    check_origin(request)
    sent = request.headers.get("x-csrf-token") or ""
    if session_id is None or not sessions.is_csrf_token(sent, session_id):
        raise CsrfTokenMissing


def check_origin(request: Request) -> None:
    """Raises CsrfTokenMissing where a browser says that the request comes from another origin."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in settings().origins:
        raise CsrfTokenMissing
