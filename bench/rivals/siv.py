"""AES-256-SIV (RFC 5297, no associated data), token = base64(V || C), under a fixed test key.

Two implementations, byte-identical:
  rowwise  cryptography's AESSIV, called once an email: what a user writes first.
  batched  the same over a whole Arrow batch: CMAC and CTR in lock step with numpy, all AES blocks of a step in one
           call of AES-ECB (AES-NI). The best that a Python expert gets.
Both take and return a pyarrow string array (batched also a ChunkedArray).
"""
import base64
import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY = bytes(range(64))
K_MAC, K_CTR = KEY[:32], KEY[32:]
_aead = AESSIV(KEY)


def token(s: str) -> str:
    return base64.b64encode(_aead.encrypt(s.encode(), None)).decode()


def rowwise(arr) -> pa.Array:
    enc, b64 = _aead.encrypt, base64.b64encode
    return pa.array([None if s is None else b64(enc(s, None))
                     for s in arr.cast(pa.binary()).to_pylist()], pa.binary()).cast(pa.string())


def _dbl(b: bytes) -> bytes:
    n = int.from_bytes(b, "big") << 1
    return ((n & ((1 << 128) - 1)) ^ (0x87 if n >> 128 else 0)).to_bytes(16, "big")


def _ecb(key):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()


_E0 = _ecb(K_MAC).update(bytes(16))
CM1 = _dbl(_E0)                 # CMAC subkeys
CM2 = _dbl(CM1)
# D = CMAC(zero block): one full block, so XOR with CM1
D = _ecb(K_MAC).update(bytes(a ^ b for a, b in zip(bytes(16), CM1)))
D2 = _dbl(D)
_X = lambda a, b: bytes(x ^ y for x, y in zip(a, b))


def mac_mask(n: int) -> bytes:
    """padding + S2V/CMAC constants for a plaintext of n bytes: CMAC input = zero-padded P XOR mask."""
    if n >= 16:
        size = max(16, (n + 15) // 16 * 16)
        m = bytearray(size)
        m[n - 16:n] = D
        if n % 16:
            m[n] ^= 0x80
        m[-16:] = _X(m[-16:], CM2 if n % 16 else CM1)
        return bytes(m)
    m = bytearray(D2)
    m[n] ^= 0x80
    return _X(m, CM1)


_mask_cache = {}


def _masks(w):
    """uint8 matrix [16w+1 lengths, 16w] of masks for every length up to 16w bytes."""
    if w not in _mask_cache:
        M = np.zeros((16 * w + 1, 16 * w), np.uint8)
        for n in range(16 * w + 1):
            m = mac_mask(n)
            M[n, :len(m)] = np.frombuffer(m, np.uint8)
        _mask_cache[w] = M
    return _mask_cache[w]


_B64 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", np.uint8)
# 12 bits -> 2 characters
_B64x2 = (_B64[np.arange(4096) >> 6].astype("<u2") | (_B64[np.arange(4096) & 63].astype("<u2") << 8))


def _b64_matrix(T):
    """rows of bytes (width a multiple of 3) -> rows of base64 characters."""
    T = T.reshape(len(T), -1, 3).astype(np.uint16)
    out = np.empty(T.shape[:2] + (2,), "<u2")
    out[..., 0] = _B64x2[(T[..., 0] << 4) | (T[..., 1] >> 4)]
    out[..., 1] = _B64x2[((T[..., 1] & 15) << 8) | T[..., 2]]
    return out.reshape(len(T), -1).view(np.uint8)


def batched(arr, step=2048, raw=False):
    """raw=True gives the bytes V || C, for tools with a base64 of their own."""
    if isinstance(arr, pa.ChunkedArray):
        return pa.chunked_array([batched(c, step, raw) for c in arr.chunks], pa.binary() if raw else pa.string())
    arr = arr.cast(pa.string()) if arr.type != pa.string() else arr
    if len(arr) > step:
        return pa.concat_arrays([_batch(arr.slice(i, step), raw) for i in range(0, len(arr), step)])
    return _batch(arr, raw)


def _batch(arr, raw=False):
    n = len(arr)
    if n == 0:
        return pa.array([], pa.binary() if raw else pa.string())
    if arr.null_count:
        import pyarrow.compute as pc
        valid = arr.is_valid()
        filled = _batch(pc.fill_null(arr, ""), raw)
        return pc.if_else(valid, filled, pa.scalar(None, filled.type))
    _, ob, db = arr.buffers()
    off = np.frombuffer(ob, np.int32)[arr.offset:arr.offset + n + 1].astype(np.int64)
    data = np.frombuffer(db, np.uint8)[off[0]:off[-1]] if db is not None else np.zeros(0, np.uint8)
    ln = off[1:] - off[:-1]
    mx = int(ln.max())
    w = max(1, (mx + 15) // 16)
    W = 16 * w
    live = np.arange(W) < ln[:, None]
    P = np.zeros((n, W), np.uint8)
    P[live] = data                                             # ragged -> matrix
    M = (P ^ _masks(w)[ln]).view(np.uint64).reshape(n, w, 2)    # CMAC input
    nb = np.maximum(1, (ln + 15) // 16)
    # CMAC in lock step
    V = np.zeros((n, 2), np.uint64)
    mac = _ecb(K_MAC)
    for j in range(w):
        sel = slice(None) if int(nb.min()) > j else np.nonzero(nb > j)[0]
        x = V[sel] ^ M[sel, j]
        V[sel] = np.frombuffer(mac.update(np.ascontiguousarray(x).view(np.uint8).reshape(-1)), np.uint64).reshape(-1, 2)
    V8 = V.view(np.uint8).reshape(n, 16)
    # CTR: Q = V with bits 31 and 63 of the low half cleared; counter in the last 64 bits cannot carry out of
    # the low 32 bits for a text this short (bit 31 is clear)
    Q = V8.copy()
    Q[:, 8] &= 0x7F
    Q[:, 12] &= 0x7F
    lo = Q[:, 12:16].copy().view(">u4").astype(np.uint32)
    C = np.empty((n, w, 16), np.uint8)
    C[:] = Q[:, None, :]
    C[:, :, 12:16] = (lo + np.arange(w, dtype=np.uint32)).astype(">u4").view(np.uint8).reshape(n, w, 4)
    KS = np.frombuffer(_ecb(K_CTR).update(C.reshape(-1)), np.uint8).reshape(n, W)
    # token bytes, zero padded to a multiple of 3, then base64 of the whole matrix
    T = np.zeros((n, (16 + W + 2) // 3 * 3), np.uint8)
    T[:, :16] = V8
    np.bitwise_xor(P, KS, out=T[:, 16:16 + W])
    if raw:
        keep = np.ones((n, 16 + W), bool)
        keep[:, 16:] = live
        out = T[:, :16 + W][keep]
        o = np.zeros(n + 1, np.int32)
        np.cumsum(16 + ln, out=o[1:])
        return pa.Array.from_buffers(pa.binary(), n, [None, pa.py_buffer(o), pa.py_buffer(out)])
    T[:, 16:16 + W] *= live
    B = _b64_matrix(T)
    tl = 16 + ln
    bl = (tl + 2) // 3 * 4
    pad = (-tl) % 3
    r = np.nonzero(pad >= 1)[0]
    B[r, bl[r] - 1] = 61
    r = np.nonzero(pad == 2)[0]
    B[r, bl[r] - 2] = 61
    out = B[np.arange(B.shape[1]) < bl[:, None]]
    o = np.zeros(n + 1, np.int32)
    np.cumsum(bl, out=o[1:])
    return pa.Array.from_buffers(pa.string(), n, [None, pa.py_buffer(o), pa.py_buffer(out)])


if __name__ == "__main__":  # python -m rivals.siv: are the two the same, for every length of several blocks?
    t = pa.array([None] + ["".join(chr(33 + (7 * i + j) % 94) for j in range(i)) for i in range(200)])
    assert batched(t).equals(rowwise(t)), "batched and rowwise AES-SIV differ"
    for n in 1, 15, 16, 17, 33:
        assert batched(t.slice(n, n)).equals(rowwise(t.slice(n, n)))
