"""Our head stands in the page that the server sends, and in nothing else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.ui.head import HEAD, WithHead

PAGE = b"<html><head><title>x</title></head><body></body></html>"


async def _served(scope, receive, send):
    """An app that packs what may be packed, and says how long it is and when it changed."""
    headers = dict(scope["headers"])
    body = b"packed" if b"accept-encoding" in headers else PAGE
    status = 304 if b"if-none-match" in headers else 200
    said = [(b"content-length", str(len(body)).encode()), (b"etag", b"1"), (b"x-kept", b"yes")]
    await send({"type": "http.response.start", "status": status, "headers": said})
    half = len(body) // 2
    await send({"type": "http.response.body", "body": body[:half], "more_body": True})
    await send({"type": "http.response.body", "body": body[half:]})


def _answer(accept: bytes):
    """Start and body of the answer to a browser that was here before."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"accept", accept), (b"accept-encoding", b"gzip"), (b"if-none-match", b"1")]
    scope = {"type": "http", "path": "/", "headers": headers}
    with ThreadPoolExecutor(1) as apart:  # a browser test of this process may have a loop here
        apart.submit(asyncio.run, WithHead(_served)(scope, None, send)).result()
    return sent[0], b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("accept", [b"text/html", b"text/html,application/xhtml+xml;q=0.9"])
def test_a_page_comes_whole_with_our_head_at_the_end_of_its_own(accept):
    start, body = _answer(accept)
    before, after = PAGE.split(b"</head>")
    assert body.startswith(before)
    assert body.endswith(HEAD.read_bytes() + b"</head>" + after)
    assert b"modulepreload" in body
    headers = dict(start["headers"])
    assert start["status"] == 200  # else a browser would go on with an old head
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"x-kept"] == b"yes"
    assert b"etag" not in headers


def test_scripts_and_data_pass_as_they_are():
    start, body = _answer(b"*/*")
    assert (start["status"], body) == (304, b"packed")
