"""cryptography: known answers, round trips, and what must be refused; a certificate chain with fixed dates."""

import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt


def refuses(error, call, *args):
    try:
        call(*args)
    except error:
        return
    raise AssertionError(f"{call} accepted what it must refuse")


def known_answers():
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"abc")
    assert digest.finalize().hex().startswith("ba7816bf8f01cfea414140de5dae2223")
    mac = hmac.HMAC(b"Jefe", hashes.SHA256())
    mac.update(b"what do ya want for nothing?")
    assert mac.finalize().hex().startswith("5bdcc146bf60754e6a042426089575c7")
    key = PBKDF2HMAC(hashes.SHA1(), 20, b"salt", 4096).derive(b"password")
    assert key.hex() == "4b007901b765489abead49d926f721d065a429c1"
    assert Scrypt(b"NaCl", 16, 1024, 8, 16).derive(b"password").hex() == "fdbabe1c9d3472007856e7190d01e9fe"
    print("known answers")


def sealed():
    for kind in (AESGCM(b"k" * 32), ChaCha20Poly1305(b"k" * 32)):
        box = kind.encrypt(b"n" * 12, b"secret", b"header")
        assert kind.decrypt(b"n" * 12, box, b"header") == b"secret"
        refuses(InvalidTag, kind.decrypt, b"n" * 12, box, b"other")
    token = Fernet(Fernet.generate_key())
    assert token.decrypt(token.encrypt(b"x" * 1000)) == b"x" * 1000
    refuses(InvalidToken, token.decrypt, b"rubbish")
    print("sealed")


def signed():
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = key.sign(b"message")
    key.public_key().verify(signature, b"message")
    refuses(InvalidSignature, key.public_key().verify, signature, b"messagf")
    rsa_key = rsa.generate_private_key(65537, 2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    rsa_key.public_key().verify(rsa_key.sign(b"m", pss, hashes.SHA256()), b"m", pss, hashes.SHA256())
    a, b = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    assert a.exchange(b.public_key()) == b.exchange(a.public_key())
    print("signed", signature.hex()[:32])


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.test")])
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(12345)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    again = x509.load_pem_x509_certificate(made.public_bytes(serialization.Encoding.PEM))
    again.verify_directly_issued_by(again)
    assert again.serial_number == 12345 and again.not_valid_after_utc.day == 31
    print("certificate", again.subject.rfc4514_string())


known_answers()
sealed()
signed()
certificate()
