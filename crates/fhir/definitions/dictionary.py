"""Makes crates/fhir/src/resource/dictionary-2.zdict of dictionary.txt: python3 crates/fhir/definitions/dictionary.py OUT

zstd's ZDICT_finalizeDictionary adds to a text how often each length, distance and letter comes in samples, so that a small record need not say it.
The samples are the records of the text itself with their blanks filled by chance, always the same. What was written with a dictionary can be read
with nothing else: one that is made anew gets another number.
"""

import ctypes
import pathlib
import random
import re
import sys
import uuid

NUMBER, LEVEL, ROUNDS = 2, 6, 60
WORDS = (
    "blood body heart rate pressure weight height pain left right chronic acute panel result office visit care plan main street north avenue "
    "clinic hospital general family practice review medication tablet oral daily dose mass volume serum plasma count finding disorder procedure "
    "normal negative never smoked encounter check up"
).split()
NAMES = "Ana Maria Jon Lee Kim Okafor Smith Weber Rossi Novak Haddad Silva Tanaka Dubois Meyer Larsen Costa Ivanov Nguyen Patel".split()
CHANCE = random.Random(7)


def an_id():
    return str(uuid.UUID(int=CHANCE.getrandbits(128), version=4))


def words():
    if CHANCE.random() < 0.3:
        return CHANCE.choice(NAMES)
    return " ".join(CHANCE.choice(WORDS) for _ in range(CHANCE.randint(1, 6))).capitalize()


def day(first):
    return f"{CHANCE.randint(first, 2026)}-{CHANCE.randint(1, 12):02}-{CHANCE.randint(1, 28):02}"


def time():
    return f"{CHANCE.randint(0, 23):02}:{CHANCE.randint(0, 59):02}:{CHANCE.randint(0, 59):02}"


def code():
    return CHANCE.choice([str(CHANCE.randint(10**5, 10**9)), f"{CHANCE.randint(100, 99999)}-{CHANCE.randint(0, 9)}"])


def number():
    return CHANCE.choice([str(CHANCE.randint(0, 300)), f"{CHANCE.random() * 200:.1f}", repr(CHANCE.random() * 100)])


def filled(text):
    for pattern, made in (
        (r"00000000-0000-4000-8000-000000000000", lambda found: an_id()),
        (r'"([A-Z][A-Za-z]+)/"', lambda found: f'"{found[1]}/{an_id()}"'),
        (r'urn:uuid:"', lambda found: f'urn:uuid:{an_id()}"'),
        (r"2026-01-05T08:00:00", lambda found: f"{day(1990)}T{time()}"),
        (r"2026-01-05", lambda found: day(1930)),
        (r'"code":""', lambda found: f'"code":"{code()}"'),
        (r'"id":""', lambda found: f'"id":"{an_id()}"'),
        (r'"value":""', lambda found: f'"value":"{CHANCE.choice([an_id(), str(CHANCE.randint(10**5, 10**10))])}"'),
        (r'":""', lambda found: f'":"{words()}"'),
        (r'":(\d+(\.\d+)?)([,}])', lambda found: f'":{number()}{found[3]}'),
    ):
        text = re.sub(pattern, made, text)
    return text.encode()


class Parameters(ctypes.Structure):
    _fields_ = [("level", ctypes.c_int), ("notifications", ctypes.c_uint), ("number", ctypes.c_uint)]


def finalized(content, samples):
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZDICT_finalizeDictionary.restype = ctypes.c_size_t
    zstd.ZDICT_finalizeDictionary.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t), ctypes.c_uint, Parameters,
    ]
    out = ctypes.create_string_buffer(len(content) + 4096)
    sizes = (ctypes.c_size_t * len(samples))(*map(len, samples))
    size = zstd.ZDICT_finalizeDictionary(
        out, len(out), content, len(content), b"".join(samples), sizes, len(samples), Parameters(LEVEL, 0, NUMBER),
    )
    if size > len(out):
        raise SystemExit("zstd made no dictionary")
    return out.raw[:size]


def main():
    content = pathlib.Path(__file__).with_name("dictionary.txt").read_text()
    records = [line for line in content.split("\n") if line.startswith('{"resourceType"') and line.endswith("}")]
    samples = [filled(record) for _ in range(ROUNDS) for record in records]
    CHANCE.shuffle(samples)
    pathlib.Path(sys.argv[1]).write_bytes(finalized(content.encode(), samples))


main()
