"""Files as answers: what is wrong with a Range is said in the contract's form, not in the framework's plain text."""

from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from onetrainer_web.errors import InvalidRequestError, OneTrainerWebError


class RangeUnreadableError(InvalidRequestError):
    """A Range header that means nothing."""

    def __init__(self) -> None:
        super().__init__("The header Range is not understood; write it as 'bytes=0-99', or leave it out.")


class RangeMissingError(OneTrainerWebError):
    """A Range behind the end of the file."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes, none of them in this range. Ask for one within them.")
        self.headers = {"Content-Range": f"bytes */{size}"}


class SentFile(FileResponse):
    """A file, or the range of it that the request asks for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            RangeUnreadableError: The request's Range is malformed.
            RangeMissingError: The file has no such range.
        """
        refused: int | None = None

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message["status"]
            if refused is None:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)
        if refused is not None:
            raise RangeMissingError(int(self.headers["content-length"])) if refused == 416 else RangeUnreadableError()
