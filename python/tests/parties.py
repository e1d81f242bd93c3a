"""Parties for tests: identities, free ports, an agreement."""

import base64
import json
import os
import random
import socket

import parley


def free_ports(n):
    """N ports of this machine that nobody uses now.

    They are below those that the system gives to outgoing connections, which
    might take one before the program does that is told of it.
    """
    sockets = []
    try:
        while len(sockets) < n:
            s = socket.socket()
            sockets.append(s)
            try:
                s.bind(('', random.randrange(10000, 32000)))
            except OSError:
                sockets.pop().close()
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Parties:
    """N parties and what they agreed on."""

    def __init__(self, n, ports=None, **members):
        self.identities = [parley.Identity.new() for _ in range(n)]
        self.ports = ports or free_ports(n)
        self.members = {
            'parley': 'agreement/1',
            'id': base64.urlsafe_b64encode(os.urandom(16)).decode().strip('='),
            'name': 'test', 'created': 1767225600,
            'threshold': (n - 1) // 2,
            'parties': [
                {'did': i.did, 'name': f'p{k}',
                 'endpoints': [f'tcp://127.0.0.1:{self.ports[k]}']}
                for k, i in enumerate(self.identities)],
            **members}
        self.agreement = self.altered()

    def altered(self, **members):
        """The agreement with other members."""
        return parley.Agreement.parse(json.dumps({**self.members, **members}))

    def session(self, k, agreement=None, **options):
        """Party K's session."""
        return parley.Session(agreement or self.agreement,
                              self.identities[k], **options)

    def save_agreement(self, directory):
        """Write agreement.json."""
        with open(os.path.join(directory, 'agreement.json'), 'w',
                  encoding='utf-8') as f:
            json.dump(self.members, f)

    def save(self, directory):
        """Write agreement.json and pK.identity."""
        self.save_agreement(directory)
        for k, identity in enumerate(self.identities):
            path = os.path.join(directory, f'p{k}.identity')
            if os.path.exists(path):
                os.unlink(path)
            identity.save(path)
