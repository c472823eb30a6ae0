"""What the browser has before the app says anything: looks, the sidebar's room, steps back."""

from __future__ import annotations

from pathlib import Path

import streamlit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEAD = Path(__file__).with_name("head.html")
# Parts of Streamlit's front end that most pages need: asked for only when the first widget is
# there, each would stand as a bar of another height until it comes, and all below it would move
EARLY = ("ButtonGroup", "Selectbox", "Multiselect", "Slider", "Table", "PageLink", "WidgetLabel")
SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"
_END = b"</head>"
# Of the question: the page is asked for whole and unpacked, for it is written into
_UNASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")
# Of the answer: the old length, and marks by which a browser would keep an old head
_UNSAID = (b"content-length", b"etag", b"last-modified")


class WithHead:
    """Middleware that writes `head.html` into the head of Streamlit's page.

    Sent by a script it would come a second later, when the page is drawn without it: the main
    part would fill the window first and jump to the right as soon as the sidebar comes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        files = [file.name for name in EARLY for file in SCRIPTS.glob(f"{name}.*.js")]
        links = [f'<link rel="modulepreload" href="./static/js/{name}">\n' for name in files]
        self.head = "".join(links).encode() + HEAD.read_bytes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does; a page of HTML has our head at the end of its own."""
        accepted = dict(scope.get("headers", ())).get(b"accept", b"")
        if scope["type"] != "http" or b"text/html" not in accepted:
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def write(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = body.replace(_END, self.head + _END, 1)
            said = [line for line in start["headers"] if line[0].lower() not in _UNSAID]
            said.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": said})
            await send({"type": "http.response.body", "body": body})

        asked = [line for line in scope["headers"] if line[0] not in _UNASKED]
        await self.app({**scope, "headers": asked}, receive, write)
