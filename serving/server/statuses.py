"""Error responses: status codes of gRPC and TensorFlow, and the HTTP status that TensorFlow Serving gives each."""

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Status code -> HTTP status."""


class RequestError(Exception):
    """Error that the server sends as the response to a request.

    Args:
        message: Message for the client.
        code: Name of the gRPC status code, a key of HTTP_STATUS.
        http_status: HTTP status, where HTTP has a more precise one, such as 413; None for that of the code.
    """

    def __init__(self, message: str, code: str = "INVALID_ARGUMENT", http_status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.http_status = http_status or HTTP_STATUS[code]
