"""Identities, agreements, envelopes; no network."""

import os
import tempfile
import unittest

import parley
from parties import Parties


class Identities(unittest.TestCase):
    def test_an_identity_is_the_same_after_saving_and_loading(self):
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'id')
            made = parley.Identity.new('p256')
            made.save(path)
            self.assertEqual(parley.Identity.load(path).did, made.did)
            with self.assertRaises(parley.LocalError) as e:
                made.save(path)
            self.assertEqual(e.exception.name, 'PARLEY_ERR_EXISTS')
            self.assertEqual(e.exception.error_class, 'local')

    def test_a_missing_identity_is_named(self):
        with self.assertRaisesRegex(parley.Error, 'no-such-file'):
            parley.Identity.load('no-such-file')

    def test_a_document_has_the_key_of_its_did(self):
        did = parley.Identity.new().did
        document = parley.resolve(did)
        self.assertEqual(document['id'], did)
        self.assertTrue(document['authentication'])
        part = parley.Resolver().dereference(f'{did}#{did[8:]}')
        self.assertEqual(part['controller'], did)

    def test_a_did_that_is_none_is_refused(self):
        with self.assertRaises(parley.PeerError) as e:
            parley.resolve('did:key:z6MkNotAKey')
        self.assertIn('did:key:z6MkNotAKey', str(e.exception))


class Agreements(unittest.TestCase):
    def test_an_agreement_says_what_was_agreed(self):
        p = Parties(3, parameters={'column': 'income', 'exact': True},
                    program={'name': 'x', 'digests': {
                        'program': 'sha256:' + 64 * 'a'}})
        a = p.agreement
        self.assertEqual((a.name, a.threshold, len(a.parties)), ('test', 1, 3))
        self.assertEqual(a.parties[2].did, p.identities[2].did)
        self.assertEqual(a.parties[1].endpoints,
                         (f'tcp://127.0.0.1:{p.ports[1]}',))
        self.assertEqual(a.parameter('exact'), 'true')
        self.assertIsNone(a.parameter('row'))
        self.assertEqual(a.digest('program'), 64 * 'a')
        self.assertEqual(a.index(p.identities[1].did), 1)
        self.assertNotEqual(a.hash, p.altered(name='other').hash)

    def test_what_is_wrong_with_an_agreement_is_said(self):
        with self.assertRaisesRegex(parley.Error, 'threshold'):
            Parties(3, threshold=3)

    def test_who_is_not_in_the_roster_gets_no_session(self):
        with self.assertRaisesRegex(parley.Error, 'roster'):
            parley.Session(Parties(2).agreement, parley.Identity.new())


class Envelopes(unittest.TestCase):
    def setUp(self):
        self.alice, self.bob = parley.Identity.new(), parley.Identity.new()
        self.message = {'id': '1', 'type': 'https://example.com/a/1.0/b',
                        'from': self.alice.did, 'to': [self.bob.did],
                        'body': {'text': 'grüße'}}

    def test_what_is_packed_is_unpacked_by_its_reader_alone(self):
        text = parley.Comm(self.alice).pack(self.message, self.bob.did)
        self.assertNotIn('grüße', text)
        opened = parley.Comm(self.bob).unpack(text)
        self.assertEqual(opened.message['body'], {'text': 'grüße'})
        self.assertEqual(opened.sender, self.alice.did)
        self.assertIs(opened.layers, parley.Layers.AUTHCRYPT)
        with self.assertRaises(parley.PeerError):
            parley.Comm(parley.Identity.new()).unpack(text)

    def test_a_signature_is_verified(self):
        text = parley.sign(self.alice, self.message)
        message, signer = parley.verify(text)
        self.assertEqual((message, signer), (self.message, self.alice.did))
        at = text.index('"payload":"') + 20
        other = 'A' if text[at] != 'A' else 'B'
        with self.assertRaises(parley.PeerError):
            parley.verify(text[:at] + other + text[at + 1:])


if __name__ == '__main__':
    unittest.main()
