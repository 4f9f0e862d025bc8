"""XXH3-64 with a seed, slowly: the hash of texts in a digest, written from its specification."""

from __future__ import annotations

SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
U64 = (1 << 64) - 1
STRIPE = 64


def xxh3_64(data: bytes, seed: int = 0) -> int:
    """The hash of `data`."""
    if len(data) <= 16:
        return _up_to_16(data, seed)
    if len(data) <= 240:
        return _up_to_240(data, seed)
    return _long(data, seed)


def _u64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _swapped(word: int, width: int) -> int:
    return int.from_bytes(word.to_bytes(width, "little"), "big")


def _folded(a: int, b: int) -> int:
    product = a * b
    return (product ^ (product >> 64)) & U64


def _avalanche(h: int) -> int:
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & U64
    return h ^ (h >> 32)


def _old_avalanche(h: int) -> int:
    h = (h ^ (h >> 33)) * P2 & U64
    h = (h ^ (h >> 29)) * P3 & U64
    return h ^ (h >> 32)


def _up_to_16(data: bytes, seed: int) -> int:
    size = len(data)
    if size > 8:
        low = _u64(data, 0) ^ ((_u64(SECRET, 24) ^ _u64(SECRET, 32)) + seed & U64)
        high = _u64(data, size - 8) ^ ((_u64(SECRET, 40) ^ _u64(SECRET, 48)) - seed & U64)
        return _avalanche(size + _swapped(low, 8) + high + _folded(low, high) & U64)
    if size >= 4:
        seed ^= _swapped(seed & 0xFFFFFFFF, 4) << 32
        keyed = (_u32(data, size - 4) + (_u32(data, 0) << 32)) ^ (
            (_u64(SECRET, 8) ^ _u64(SECRET, 16)) - seed & U64
        )
        rotated = [(keyed << by | keyed >> (64 - by)) & U64 for by in (49, 24)]
        h = (keyed ^ rotated[0] ^ rotated[1]) * 0x9FB21C651E98DF25 & U64
        h = (h ^ ((h >> 35) + size)) * 0x9FB21C651E98DF25 & U64
        return h ^ (h >> 28)
    if size:
        word = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return _old_avalanche(word ^ ((_u32(SECRET, 0) ^ _u32(SECRET, 4)) + seed & U64))
    return _old_avalanche(seed ^ _u64(SECRET, 56) ^ _u64(SECRET, 64))


def _up_to_240(data: bytes, seed: int) -> int:
    size = len(data)

    def mixed(at: int, key: int) -> int:
        return _folded(
            _u64(data, at) ^ (_u64(SECRET, key) + seed & U64),
            _u64(data, at + 8) ^ (_u64(SECRET, key + 8) - seed & U64),
        )

    h = size * P1
    if size <= 128:
        for step in range((size - 1) // 32 + 1):
            h += mixed(16 * step, 32 * step) + mixed(size - 16 * (step + 1), 32 * step + 16)
        return _avalanche(h & U64)
    h = _avalanche(h + sum(mixed(16 * step, 16 * step) for step in range(8)) & U64)
    h += sum(mixed(16 * step, 16 * (step - 8) + 3) for step in range(8, size // 16))
    return _avalanche(h + mixed(size - 16, 136 - 17) & U64)


def _long(data: bytes, seed: int) -> int:
    words = [_u64(SECRET, at) + (seed if at % 16 == 0 else -seed) & U64 for at in range(0, len(SECRET), 8)]
    secret = b"".join(word.to_bytes(8, "little") for word in words)
    lanes = [P32_3, P1, P2, P3, P4, P32_2, P5, P32_1]
    in_block = (len(secret) - STRIPE) // 8
    stripes = (len(data) - 1) // STRIPE
    for stripe in range(stripes):
        _accumulate(lanes, data, stripe * STRIPE, secret, stripe % in_block * 8)
        if stripe % in_block == in_block - 1 and (stripe + 1) * STRIPE <= len(data) - 1:
            for lane in range(8):
                word = lanes[lane] ^ (lanes[lane] >> 47) ^ _u64(secret, len(secret) - STRIPE + 8 * lane)
                lanes[lane] = word * P32_1 & U64
    _accumulate(lanes, data, len(data) - STRIPE, secret, len(secret) - STRIPE - 7)
    h = len(data) * P1
    for pair in range(4):
        key = 11 + 16 * pair
        h += _folded(lanes[2 * pair] ^ _u64(secret, key), lanes[2 * pair + 1] ^ _u64(secret, key + 8))
    return _avalanche(h & U64)


def _accumulate(lanes: list[int], data: bytes, at: int, secret: bytes, key: int) -> None:
    for lane in range(8):
        word = _u64(data, at + 8 * lane)
        keyed = word ^ _u64(secret, key + 8 * lane)
        lanes[lane ^ 1] = lanes[lane ^ 1] + word & U64
        lanes[lane] = lanes[lane] + (keyed & 0xFFFFFFFF) * (keyed >> 32) & U64
