"""How AWS says no: an error code, an HTTP status and a message, in the shape of its REST-JSON protocol."""

from pipeline.local.plane.asgi import Answer


class Refusal(Exception):
    """A request that AWS would refuse, with AWS's own words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self, *, member: str = "message") -> Answer:
        """As clients parse it: the code in a header, the text in the body (`message`, for Lambda `Message`)."""
        return Answer.of_json({member: self.message}, self.status, (("x-amzn-errortype", self.code),))


def bad_request(message: str) -> Refusal:
    """BadRequestException, 400."""
    return Refusal(400, "BadRequestException", message)


def not_found(message: str) -> Refusal:
    """NotFoundException, 404."""
    return Refusal(404, "NotFoundException", message)


def conflict(message: str) -> Refusal:
    """ConflictException, 409."""
    return Refusal(409, "ConflictException", message)
