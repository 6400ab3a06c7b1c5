"""What no OpenAPI document can say."""

import base64
from datetime import datetime

import schemathesis
from hypothesis import strategies as st

# A cursor is opaque to a client: this is the time and the id that the stores put into one.
schemathesis.openapi.format(
    "cursor",
    st.builds(
        lambda at, id: base64.urlsafe_b64encode(f"{at:%Y-%m-%dT%H:%M:%S}.000Z {id}".encode()).decode().rstrip("="),
        st.datetimes(min_value=datetime(1970, 1, 1)),
        st.text(st.characters(codec="utf-8"), max_size=8),
    ),
)


@schemathesis.hook
def filter_case(context, case):
    """A resource is asked for by its version or by a time: what asks for both is not valid, whatever each of them is."""
    asks_for_both = case.query and "version" in case.query and "at" in case.query
    return not asks_for_both or case.meta.generation.mode.is_negative
