#!/usr/bin/env python3
"""An HTTPS server for tests/test-did-web.c: https.py DIRECTORY

Writes cert.pem, the certificates to trust, into DIRECTORY, then one line with
three ports to standard output: HTTPS with a certificate for localhost, HTTPS
with one for another name, plain HTTP.  All on 127.0.0.1.  Ends when standard
input does.
"""

import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time

KEY = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"
ports = []


def certificate(directory, name):
    key, cert = (os.path.join(directory, name + end)
                 for end in (".key", ".crt"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
         cert, "-days", "2", "-subj", "/CN=parley test " + name, "-addext",
         "subjectAltName=DNS:" + name], check=True, stderr=subprocess.DEVNULL)
    return cert, key


def document(path, fragment="#k", absolute=True):
    did = "did:web:localhost%%3A%d" % ports[0] + path
    return json.dumps({
        "id": did,
        "verificationMethod": [{
            "id": (did if absolute else "") + fragment, "type": "Multikey",
            "controller": did, "publicKeyMultibase": KEY}],
        "authentication": [(did if absolute else "") + fragment]})


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, body, status=200, headers=()):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, location):
        self.answer("", 302, [("Location", location)])

    def do_GET(self):
        try:
            self.serve(self.path[1:].rsplit("/did.json", 1)[0])
        except OSError:
            pass  # the client has gone, as some tests want

    def serve(self, name):
        here = "https://localhost:%d" % ports[0]
        if name == ".well-known":
            self.answer(document(""))
        elif name == "user/alice":
            self.answer(document(":user:alice"))
        elif name == "wrong-id":
            self.answer(document(":user:alice"))
        elif name == "relative-id":
            self.answer(document(":relative-id", absolute=False))
        elif name == "text":
            self.answer("hello")
        elif name == "empty":
            self.answer("")
        elif name == "utf8":
            self.answer(b'{"id":"\xff"}')
        elif name == "no-content":
            self.send_response(204)
            self.end_headers()
        elif name == "gone":
            self.answer("", 410)
        elif name == "error":
            self.answer("", 500)
        elif name == "large":
            self.answer(b" " * 65537)
        elif name == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b" " * 4096)
        elif name == "largest":
            text = document(":largest")
            self.answer(text + " " * (65536 - len(text)))
        elif name == "slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b" ")
                time.sleep(0.1)
        elif name == "moved":
            self.redirect(here + "/moved-to/did.json")
        elif name == "moved-to":
            self.answer(document(":moved"))
        elif name == "loop":
            self.redirect(here + "/loop/did.json")
        elif name == "to-http":
            self.redirect("http://localhost:%d/to-http" % ports[2])
        elif name == "to-private":
            self.redirect("https://localhost:%d/to-private" % ports[1])
        elif name == "to-address":
            self.redirect("https://127.0.0.1:%d/to-address" % ports[1])
        elif name == "to-file":
            self.redirect("file:///etc/passwd")
        else:
            self.answer("", 404)


def listen(context):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        # Handshakes in the thread of the connection, so that none blocks all.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
    ports.append(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    directory = sys.argv[1]
    trusted = b""
    for name in ("localhost", "other.test"):
        cert, key = certificate(directory, name)
        trusted += open(cert, "rb").read()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        os.unlink(cert)
        os.unlink(key)
        listen(context)
    listen(None)
    with open(os.path.join(directory, "cert.pem"), "wb") as file:
        file.write(trusted)
    print(*ports, flush=True)
    sys.stdin.read()


main()
