"""Every feature's routes, in the order of the OpenAPI document."""

from chalicelib.handlers import (
    accounts,
    addresses,
    clinic,
    events,
    notices,
    pages,
    preferences,
    public,
    push_devices,
    records,
    recovery,
    security_phrase,
    sessions,
    webhooks,
    well_known,
)

ALL = (
    public.routes,
    accounts.routes,
    sessions.routes,
    recovery.routes,
    notices.routes,
    preferences.routes,
    push_devices.routes,
    addresses.routes,
    security_phrase.routes,
    records.routes,
    clinic.routes,
    events.routes,
    webhooks.routes,
    pages.routes,
    well_known.routes,
)
