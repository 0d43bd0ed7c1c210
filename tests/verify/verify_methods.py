"""Methods for the tests of verify, typed from the literature: (field, A, b), independent of the files in tableaus/."""

from fractions import Fraction

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row, Rows, ShuOsher, to_butcher

Method = tuple[Field, Rows, Row]


def rational(rows: str, b: str) -> Method:
    """Rows of A below the diagonal, separated by semicolons (the first, empty row left out), and b."""
    field = Field()
    m = len(b.split())
    below = [[]] + [row.split() for row in rows.split(";") if row.strip()]
    A = tuple(tuple(field.rational(Fraction(e)) for e in row + ["0"] * (m - len(row))) for row in below)
    return field, A, tuple(field.rational(Fraction(e)) for e in b.split())


EULER = rational("", "1")
MIDPOINT = rational("1/2", "0 1")
SSP2 = rational("1", "1/2 1/2")
SSP3 = rational("1; 1/4 1/4", "1/6 1/6 2/3")
RK4 = rational("1/2; 0 1/2; 0 0 1", "1/6 1/3 1/3 1/6")
HEUN_DEAD = rational("1; 0 1/2", "1/2 1/2 0")
SSPRK43 = rational("1/2; 1/2 1/2; 1/6 1/6 1/6", "1/6 1/6 1/6 1/2")
DOPRI5 = rational(
    "1/5; 3/40 9/40; 44/45 -56/15 32/9; 19372/6561 -25360/2187 64448/6561 -212/729;"
    "9017/3168 -355/33 46732/5247 49/176 -5103/18656; 35/384 0 500/1113 125/192 -2187/6784 11/84",
    "35/384 0 500/1113 125/192 -2187/6784 11/84 0",
)


def ssprk104(nudge: Fraction = Fraction(0)) -> Method:
    """SSPRK(10,4) of Ketcheson 2008, with ``nudge`` added to the entry A[10,1]."""
    field = Field()
    sixth, fifteenth = Fraction(1, 6), Fraction(1, 15)
    A = []
    for i in range(10):
        row = [sixth] * i if i < 5 else [fifteenth] * 5 + [sixth] * (i - 5)
        A.append(row + [Fraction(0)] * (10 - i))
    A[9][0] += nudge
    rows = tuple(tuple(field.rational(e) for e in row) for row in A)
    return field, rows, (field.rational(1, 10),) * 10


def ssprk_n2_3(n: int) -> Method:
    """SSPRK(n^2,3) of Ketcheson 2008, from its Shu-Osher form: Euler steps, one of them mixed with an earlier stage."""
    field = Field()
    m = n * n
    first, mixed = (n - 1) * (n - 2) // 2, n * (n + 1) // 2
    step = field.rational(1, m - n)
    alpha, beta = [], []
    for i in range(1, m + 1):
        a, w = [field.zero] * i, [field.zero] * i
        if i == mixed:
            a[first] = field.rational(n, 2 * n - 1)
            a[i - 1] = field.rational(n - 1, 2 * n - 1)
            w[i - 1] = field.rational(n - 1, 2 * n - 1) * step
        else:
            a[i - 1], w[i - 1] = field.one, step
        alpha.append(tuple(a))
        beta.append(tuple(w))
    form = to_butcher(field, ShuOsher(tuple(alpha), tuple(beta)))
    return field, form.A, form.b


def cooper_verner8() -> Method:
    """Cooper & Verner 1972, 11 stages, order 8, with sqrt(21)."""
    field = Field((21,))
    s = field.sqrt(Fraction(21))

    def e(p: int, q: int = 0, over: int = 1) -> Element:
        return (field.rational(p) + s * field.rational(q)) / field.rational(over)

    o = e(0)
    below = [
        [],
        [e(1, 0, 2)],
        [e(1, 0, 4), e(1, 0, 4)],
        [e(1, 0, 7), e(-7, -3, 98), e(21, 5, 49)],
        [e(11, 1, 84), o, e(18, 4, 63), e(21, -1, 252)],
        [e(5, 1, 48), o, e(9, 1, 36), e(-231, 14, 360), e(63, -7, 80)],
        [e(10, -1, 42), o, e(-432, 92, 315), e(633, -145, 90), e(-504, 115, 70), e(63, -13, 35)],
        [e(1, 0, 14), o, o, o, e(14, -3, 126), e(13, -3, 63), e(1, 0, 9)],
        [e(1, 0, 32), o, o, o, e(91, -21, 576), e(11, 0, 72), e(-385, -75, 1152), e(63, 13, 128)],
        [e(1, 0, 14), o, o, o, e(1, 0, 9), e(-733, -147, 2205), e(515, 111, 504), e(-51, -11, 56), e(132, 28, 245)],
        [o, o, o, o, e(-42, 7, 18), e(-18, 28, 45), e(-273, -53, 72), e(301, 53, 72), e(28, -28, 45), e(49, -7, 18)],
    ]
    A = tuple(tuple(row + [o] * (11 - len(row))) for row in below)
    b = (e(1, 0, 20), o, o, o, o, o, o, e(49, 0, 180), e(16, 0, 45), e(49, 0, 180), e(1, 0, 20))
    return field, A, b


def ark() -> Method:
    """The paper's ArkBlock (eq. 13-15) with its two parameters."""
    field = Field((), ("alpha21", "beta10"))
    a, b, one = field.parameter("alpha21"), field.parameter("beta10"), field.one
    half = one / (b + b)
    form = to_butcher(field, ShuOsher(((one,), (one - a, a)), ((b,), (one - half - a * b, half))))
    return field, form.A, form.b
