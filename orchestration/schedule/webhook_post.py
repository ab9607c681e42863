"""Post one message to a webhook, in a separate process that can be killed at any moment.

    python -I orchestration/schedule/webhook_post.py < message.json

The message is `{"address": URL, "body": TEXT}`; it comes by standard input, which keeps the address out of argument
lists. The answer is one line on standard output: empty for success, else the error, without the address. Only the
standard library is imported, so that the process starts in a tenth of a second.
"""

import json
import sys
import urllib.error
import urllib.request
from typing import Any


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: the message and the token in the address are for the configured server alone."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse; the answer is then handled as an error."""


def post(address: str, body: str) -> str:
    """Post JSON.

    Args:
        address: An http or https URL in ASCII.
        body: JSON text.

    Returns:
        The error; empty for an answer of 2xx. It contains neither the address nor the server's answer.
    """
    request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirects).open(request):
            return ""
    except urllib.error.HTTPError as error:
        if 300 <= error.code < 400:
            return f"the server answered {error.code}, a redirect, which is not followed: configure the final address"
        return f"the server answered {error.code}"
    except OSError as error:
        return f"the server cannot be reached ({type(getattr(error, 'reason', error)).__name__})"
    except Exception as error:  # http.client has a dozen kinds, whose texts quote the answer
        return f"the server's answer is not valid HTTP ({type(error).__name__})"


if __name__ == "__main__":
    print(post(**json.load(sys.stdin)))
