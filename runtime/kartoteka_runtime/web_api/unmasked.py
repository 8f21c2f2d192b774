"""``UnMaskedData=true``: secured columns without their masks, for who may ask for that."""

from __future__ import annotations

from dataclasses import replace

from kartoteka_runtime.web_api.api_call import ApiCall


def unmasked_if_asked(call: ApiCall) -> ApiCall:
    """Return the call with records without masks where it says ``UnMaskedData=true``."""
    request = call.request
    if b"unmaskeddata" not in request.scope["query_string"].lower():
        return call
    for name, text in request.query_params.multi_items():
        if name.lower() == "unmaskeddata" and text.lower() == "true":
            return replace(call, records=call.records.unmasked())
    return call
