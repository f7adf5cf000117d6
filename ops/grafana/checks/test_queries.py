"""What is told of Prometheus' answers, by one that answers as it is told to."""

import contextlib
import io
import json
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

from checks import queries


class StandIn(BaseHTTPRequestHandler):
    """Knows the metrics there and quiet; only the first has series."""

    def do_GET(self):
        self.answer(200, {"data": {"groups": []} if self.path.endswith("/rules") else ["there", "quiet"]})

    def do_POST(self):
        expr = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())["query"][0]
        if expr.endswith("("):
            self.answer(400, {"error": "unclosed left parenthesis"})
        else:
            self.answer(200, {"data": {"result": [{}] if expr.startswith("there") else []}})

    def answer(self, status: int, body: dict):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        """Says nothing."""


class Queries(unittest.TestCase):
    def setUp(self):
        server = HTTPServer(("127.0.0.1", 0), StandIn)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.prometheus = f"http://127.0.0.1:{server.server_port}"
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "dashboards").mkdir()

    def run_with(self, expr: str, *options: str) -> tuple[int, str]:
        panel = {"id": 7, "title": "Panel", "targets": [{"refId": "A", "expr": expr}]}
        board = {"uid": "board", "panels": [panel], "annotations": {"list": []}, "templating": {"list": []}}
        (self.folder / "dashboards" / "board.json").write_text(json.dumps(board))
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            status = queries.main(["--prometheus", self.prometheus, *options], self.folder)
        return status, printed.getvalue()

    def test_what_an_expression_comes_to(self):
        for expr, options, status, words in [
            ('there{a=~"$service"}', [], 0, "1 with series, 0 without, 0 failed"),
            ("quiet", [], 0, "empty   board 7 Panel A: quiet"),
            ("quiet", ["--strict"], 1, "0 with series, 1 without, 0 failed"),
            ("there / absent_metric", [], 1, "board 7 Panel A: there is no metric absent_metric"),
            ("sum(", [], 1, "board 7 Panel A: unclosed left parenthesis"),
        ]:
            with self.subTest(expr=expr):
                found, printed = self.run_with(expr, *options)
                self.assertEqual(found, status, printed)
                self.assertIn(words, printed)

    def test_a_place_that_is_not_there_is_no_success(self):
        with contextlib.redirect_stderr(io.StringIO()):
            self.assertEqual(self.run_with("there", "--only", "other")[0], 2)


if __name__ == "__main__":
    unittest.main()
