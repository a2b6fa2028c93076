"""What tribench's checksums must be, worked out without its code: by Python's own library (zlib, hashlib, sorted, re,
arbitrary integers, IEEE doubles), by closed forms, or by published tables. Each takes the rounds and returns the
checksum."""

import hashlib
import math
import re
import struct
import zlib

MASK = (1 << 64) - 1


class Random:
    """Knuth's MMIX generator, high halves."""

    def __init__(self, state=1):
        self.state = state

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & MASK
        return self.state >> 32


def fold(values):
    total = 0
    for value in values:
        total = (total ^ value) * 0x100000001b3 & MASK
    return total


def random_bytes(count):
    random = Random()
    return bytes(random.next() & 0xff for _ in range(count))


def sieve(rounds):
    return 78498 * rounds  # pi(10^6), OEIS A006880


def crc32(rounds):
    return zlib.crc32(random_bytes(65536) * rounds)


def sha256(rounds):
    return int.from_bytes(hashlib.sha256(random_bytes(65536) * rounds).digest()[:8], "big")


def quicksort(rounds):
    random = Random()
    return fold(value for _ in range(rounds) for value in sorted(random.next() for _ in range(50000)))


def interpreter(rounds):
    best = (0, 0)
    for start in range(1, rounds):
        value, steps = start, 0
        while value != 1:
            value = 3 * value + 1 if value % 2 else value // 2
            steps += 1
        if steps > best[1]:
            best = (start, steps)
    return best[0] << 32 | best[1]


def calls(rounds):
    def rotate(value, amount):
        return value << amount | value >> (64 - amount)

    operations = [
        lambda value, operand: value + operand,
        lambda value, operand: value - operand,
        lambda value, operand: value ^ operand,
        lambda value, operand: value * (operand | 1),
        lambda value, operand: rotate(value, operand % 63 + 1),
        lambda value, operand: rotate(value, 32) + operand,
        lambda value, operand: ~value ^ operand,
        lambda value, operand: value ^ value >> (operand % 31 + 1),
    ]
    random, value = Random(), 0
    for _ in range(rounds):
        operand = random.next()
        value = operations[operand >> 29](value, operand) & MASK
    return value


def recursion(rounds):
    fibonacci_24 = 46368  # OEIS A000045
    ackermann_3_6 = 2 ** (6 + 3) - 3
    return rounds * ((fibonacci_24 << 32) + ackermann_3_6) & MASK


def crc16(crc, data):
    """CRC-16/ARC by the polynomial's definition, over whole bytes."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xa001 if crc & 1 else crc >> 1
    return crc


def words(values):
    return b"".join(struct.pack("<H", value & 0xffff) for value in values)


def mix_list(random):
    keys = [random.next() & 0x3ff for _ in range(128)]
    order = sorted(range(128), key=lambda index: keys[index])
    searches = [random.next() & 0x3ff for _ in range(32)]
    return words(order + [sum(key > search for key in keys) for search in searches])


def mix_matrix(random):
    size, pairs = 12, []
    for _ in range(size * size):
        pairs.append([struct.unpack("<h", words([random.next()]))[0] for _ in range(2)])
    a, b = ([pair[which] for pair in pairs] for which in (0, 1))
    return words((sum(a[i * size + k] * b[k * size + j] for k in range(size)) & 0xffffffff) >> 7
                 for i in range(size) for j in range(size))


TOKENS = ["5012", "-874", "+122", "35.54400", ".1234500", "-110.700", "+0.64400", "5.500e+3",
          "-.123e-2", "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^", "--7"]
# The state machine's states in order; a token ends in the one whose expression it matches, else in the last.
SHAPES = [r"", r"[+-]", r"[+-]?\d+", r"[+-]?\d*\.\d*", r"[+-]?(\d+|\d*\.\d*)e", r"[+-]?(\d+|\d*\.\d*)e[+-]",
          r"[+-]?(\d+|\d*\.\d*)e[+-]?\d+"]


def mix_text(random):
    counts = [0] * (len(SHAPES) + 1)
    for _ in range(64):
        token = TOKENS[random.next() >> 28]
        matches = [bool(re.fullmatch(shape, token)) for shape in SHAPES]
        counts[matches.index(True) if any(matches) else len(SHAPES)] += 1
    return words(counts)


def mix(rounds):
    results, crc = [], 0
    for round_number in range(rounds):
        random = Random(crc << 32 | round_number)
        for part in (mix_list, mix_matrix, mix_text):
            crc = crc16(crc, part(random))
        results.append(crc)
    return fold(results)


def chase(rounds):
    random, following = Random(), list(range(131072))
    for i in range(131071, 0, -1):
        other = random.next() * i >> 32
        following[i], following[other] = following[other], following[i]
    cycle, at = [0], following[0]
    while at != 0:
        cycle.append(at)
        at = following[at]
    assert len(cycle) == 131072
    return cycle[rounds % len(cycle)]


def memcpy(rounds):
    source, target, seen = random_bytes((1 << 18) + 64), bytearray((1 << 18) + 64), []
    for number in range(rounds):
        start, origin = number % 61, number % 31
        for size in range(16):
            length = (8 << size) - number % 8
            target[start:start + length] = source[origin:origin + length]
            seen.append(target[start + length // 2])
    return fold(seen)


# Positions (AU), velocities (AU per day) and mass (Suns) of Jupiter, Saturn, Uranus and Neptune, as the Computer
# Language Benchmarks Game publishes them.
PLANETS = """
4.84143144246472090e+00 -1.16032004402742839e+00 -1.03622044471123109e-01
1.66007664274403694e-03 7.69901118419740425e-03 -6.90460016972063023e-05 9.54791938424326609e-04
8.34336671824457987e+00 4.12479856412430479e+00 -4.03523417114321381e-01
-2.76742510726411600e-03 4.99852801234917238e-03 2.30417297573763929e-05 2.85885980666130812e-04
1.28943695621391310e+01 -1.51111514016986312e+01 -2.23307578892655734e-01
2.96460137564761618e-03 2.37847173959480950e-03 -2.96589568540237556e-05 4.36624404335156298e-05
1.53796971148509165e+01 -2.59193146099879641e+01 1.79258772950371181e-01
2.68067772490389322e-03 1.62824170038242295e-03 -9.51592254519715870e-05 5.15138902046611451e-05
"""


def nbody(rounds):
    """IEEE doubles in the order that tribench's formulas imply: equal to the last bit or wrong."""
    numbers, sun = [float(word) for word in PLANETS.split()], 4 * math.pi * math.pi
    rows = [numbers[i:i + 7] for i in range(0, 28, 7)]
    position = [[0.0] * 3] + [row[:3] for row in rows]
    velocity = [[0.0] * 3] + [[speed * 365.24 for speed in row[3:6]] for row in rows]
    mass = [sun] + [row[6] * sun for row in rows]
    for axis in range(3):
        momentum = 0.0
        for body in range(1, 5):
            momentum += velocity[body][axis] * mass[body]
        velocity[0][axis] = -momentum / sun
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]

    def separation(i, j):
        x, y, z = (a - b for a, b in zip(position[i], position[j]))
        return (x, y, z), x * x + y * y + z * z

    for _ in range(rounds):
        for i, j in pairs:
            delta, square = separation(i, j)
            magnitude = 0.01 / (square * math.sqrt(square))
            velocity[i] = [speed - d * mass[j] * magnitude for speed, d in zip(velocity[i], delta)]
            velocity[j] = [speed + d * mass[i] * magnitude for speed, d in zip(velocity[j], delta)]
        position = [[x + 0.01 * speed for x, speed in zip(*both)] for both in zip(position, velocity)]
    energy = 0.0
    for i in range(5):
        x, y, z = velocity[i]
        energy += 0.5 * mass[i] * (x * x + y * y + z * z)
        for j in range(i + 1, 5):
            energy -= mass[i] * mass[j] / math.sqrt(separation(i, j)[1])
    return struct.unpack("<Q", struct.pack("<d", energy))[0]


def mandelbrot(rounds):
    def escape_time(real, imaginary):
        x = y = 0.0
        for count in range(64):
            if x * x + y * y > 4:
                return count
            x, y = x * x - y * y + real, 2 * x * y + imaginary
        return 64

    return fold(escape_time(2.5 * column / 256 - 2.0, 2.5 * row / rounds - 1.25)
                for row in range(rounds) for column in range(256))


def single(value):
    """Rounds to binary32. A double holds a product of two singles exactly, and twice 24 bits and two more for a sum,
    so that rounding it again is the same as rounding once."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def matrix(rounds):
    random, size = Random(), 64

    def next_float():
        return (random.next() >> 8) / 0x1000000

    b = [[next_float() / 32 for _ in range(size)] for _ in range(size)]
    c = [[0.0] * size for _ in range(size)]
    for _ in range(rounds):
        a = [[single(single(0.5 * value) + single(0.5 * next_float())) for value in row] for row in c]
        columns = list(zip(*b))
        c = [[dot_single(row, column) for column in columns] for row in a]
    return fold(struct.unpack("<I", struct.pack("<f", value))[0] for row in c for value in row)


def dot_single(row, column):
    total = 0.0
    for x, y in zip(row, column):
        total = single(total + single(x * y))
    return total


def syscalls(rounds):
    return rounds


def pipe(rounds):
    return 2 * rounds


def fork(rounds):
    return sum(number % 100 for number in range(rounds))


def faults(rounds):
    return rounds * sum(page % 100 + 1 for page in range(1024))


def signals(rounds):
    return rounds + rounds // 2


def atomics(rounds):
    return fold_pair(2 * rounds, rounds * (rounds - 1))


def fold_pair(total, value):
    return (total ^ value) * 0x100000001b3 & MASK
